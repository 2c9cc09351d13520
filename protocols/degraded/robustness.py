"""Robustness: the severity of one degradation swept finely (GenImage, arXiv 2306.08571, Table 5, in small steps)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from protocols.api import (
    NONE,
    Cell,
    EvaluationProtocol,
    Group,
    MatrixLayout,
    Scope,
    Unanswerable,
    grouped,
    option,
)
from protocols.degradations import canonical_steps, catalogue, parse_degradation
from protocols.degradations.kind import number_text
from protocols.subsets import cells_of, mixed_subsets


@dataclass(frozen=True)
class Robustness(EvaluationProtocol):
    """Every detector, trained on clean images, tested on the same generators clean and at each severity."""

    kind: str = option("jpeg", "The degradation, such as jpeg, blur or lr.")
    severities: tuple[float, ...] = option(
        (), "Its numbers, from mild to strong; empty: ten steps, or the kind's own five."
    )
    train_on: tuple[str, ...] = option((), "Generators to train on, all together; empty: all.", names="generators")

    name: ClassVar[str] = "robustness"
    title: ClassVar[str] = "Robustness: train on clean images, test at each severity of one degradation (columns)"
    source: ClassVar[str] = "GenImage, arXiv 2306.08571, Table 5, with finer steps of one degradation"
    view: ClassVar[MatrixLayout] = MatrixLayout(rows="train", columns="degradation", curves=True)
    worst_over: ClassVar[Mapping[str, str]] = {"degradation": "severity"}

    def cells(self, scope: Scope) -> list[Cell]:
        """One cell per detector, seed and severity, clean images first. Raises `Unanswerable`, `UnknownDegradation`."""
        train, test = mixed_subsets(scope, self.train_on)
        steps = (NONE, *canonical_steps(f"{self.kind}:{one}" for one in self._severities(scope.images.short_side)))
        return cells_of(scope, [(train, replace(test, degradation=step)) for step in steps])

    def _severities(self, short_side: int) -> Sequence[str]:
        """The texts behind the colon: those asked for, or those that the kind has for a sweep."""
        if self.kind == NONE:
            msg = f"{NONE} leaves images as they are, and is tested beside every kind; name one, such as --kind jpeg"
            raise Unanswerable(msg)
        if self.severities:
            return [number_text(one) for one in self.severities]
        kind = catalogue.find(self.kind)
        if kind is None:
            parse_degradation(self.kind)  # which says what there is
        steps = kind.steps(short_side) if kind else ()
        if not steps:
            msg = f"{self.kind} has no severities; give them with --severities, from mild to strong"
            raise Unanswerable(msg)
        return steps

    def groups(self, cells: Sequence[Cell], scope: Scope) -> list[Group]:
        """Clean images, all severities, and each one."""
        del scope
        steps = dict.fromkeys(cell.test.degradation for cell in cells)
        degraded = [cell for cell in cells if cell.test.degradation != NONE]
        return [
            grouped("clean", set(cells) - set(degraded), "home"),
            grouped("degraded", degraded, "away"),
            *(
                grouped(step, (cell for cell in degraded if cell.test.degradation == step))
                for step in steps
                if step != NONE
            ),
        ]
