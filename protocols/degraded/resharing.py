"""Resharing: images that were passed on once, twice and more, through the steps of a platform each time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import ClassVar

from protocols.api import NONE, Cell, EvaluationProtocol, Group, MatrixLayout, Scope, Unanswerable, grouped, option
from protocols.degradations import canonical_steps
from protocols.subsets import cells_of, mixed_subsets

QUALITIES = (85, 75, 70, 65)  # of the JPEG of each time
SHRINK = 0.9  # of the shorter side, each time: on one grid at one quality JPEG soon changes nothing any more
ORIGINAL = "original"


@dataclass(frozen=True)
class Resharing(EvaluationProtocol):
    """Every detector, trained on clean images, tested on the same generators after each time of passing them on.

    Unless others are named, one time is: reduced to 9/10 of the shorter side, then JPEG of 85, 75, 70 and 65. That is
    Lineup's own definition, and no platform's.
    """

    times: tuple[str, ...] = option(
        (), "What is done each time, in order, such as lr:512+jpeg:80,lr:480+jpeg:70; empty: Lineup's own four.",
        names="degradations",
    )  # fmt: skip
    train_on: tuple[str, ...] = option((), "Generators to train on, all together; empty: all.", names="generators")

    name: ClassVar[str] = "resharing"
    title: ClassVar[str] = "Resharing: train on clean images, test after each time they were passed on (columns)"
    source: ClassVar[str] = "Lineup; the steps are its own definition"
    view: ClassVar[MatrixLayout] = MatrixLayout(rows="train", columns="test")

    def cells(self, scope: Scope) -> list[Cell]:
        """One cell per detector, seed and number of times. Raises `Unanswerable`, `UnknownDegradation`."""
        train, test = mixed_subsets(scope, self.train_on)
        chains = list(accumulate(self._times(scope.images.short_side), lambda before, step: f"{before}+{step}"))
        passed_on = [
            replace(test, degradation=chain, label=f"passed on {count}x") for count, chain in enumerate(chains, start=1)
        ]
        return cells_of(scope, [(train, one) for one in (replace(test, label=ORIGINAL), *passed_on)])

    def _times(self, short_side: int) -> list[str]:
        """The degradation of each time under its canonical name; two alike are two times."""
        if self.times:
            steps = [step for text in self.times for step in canonical_steps([text])]
            if not steps:
                msg = "nothing is done to the images; give --times, such as lr:512+jpeg:80,lr:480+jpeg:70"
                raise Unanswerable(msg)
            return steps
        sides = [max(1, round(short_side * SHRINK**count)) for count in range(1, len(QUALITIES) + 1)]
        return [f"lr:{side}+jpeg:{quality}" for side, quality in zip(sides, QUALITIES, strict=True)]

    def groups(self, cells: Sequence[Cell], scope: Scope) -> list[Group]:
        """Images as they are, and images that were passed on."""
        del scope
        original = [cell for cell in cells if cell.test.degradation == NONE]
        return [grouped(ORIGINAL, original, "home"), grouped("passed on", set(cells) - set(original), "away")]
