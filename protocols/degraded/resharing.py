"""Resharing: images that were passed on, through the steps of a platform again and again or as data ships them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import ClassVar, Literal

from protocols.api import (
    NONE,
    Cell,
    EvaluationProtocol,
    Group,
    Images,
    MatrixLayout,
    Scope,
    Subset,
    Unanswerable,
    grouped,
    option,
)
from protocols.degradations import canonical_steps
from protocols.subsets import Question, cells_of, mixed_subsets

QUALITIES = (85, 75, 70, 65)  # of the JPEG of each time
SHRINK = "scale:0.9"  # each time: on one grid at one quality JPEG soon changes nothing any more
ORIGINAL = "original"


@dataclass(frozen=True)
class Resharing(EvaluationProtocol):
    """Every detector, trained on originals, tested on those of the same generators and on what became of them.

    Data may ship copies of its images, such as those that platforms gave back or that were attacked with more and more
    strength: then each is a column. Else images are passed on here, time after time. Unless others are named, one time
    is: both sides reduced to 9/10, then JPEG of 85, 75, 70 and 65. That is Lineup's own definition, and no
    platform's.
    """

    copies: Literal["auto", "shipped", "made"] = option(
        "auto",
        "shipped: test copies that the data ships; made: those of --times; auto: shipped if any, unless --times.",
    )
    times: tuple[str, ...] = option(
        (), "What is done each time, in order, such as lr:512+jpeg:80,lr:480+jpeg:70; empty: Lineup's own four.",
        names="degradations",
    )  # fmt: skip
    train_on: tuple[str, ...] = option((), "Generators to train on, all together; empty: all.", names="generators")

    name: ClassVar[str] = "resharing"
    title: ClassVar[str] = "Resharing: train on originals, test on them and after they were passed on (columns)"
    source: ClassVar[str] = "Lineup; the steps are its own definition, shipped copies those of their data set"
    view: ClassVar[MatrixLayout] = MatrixLayout(rows="train", columns="test", curves=True)

    def __post_init__(self) -> None:
        """Raises ValueError where shipped copies are asked for, and made ones too."""
        if self.copies == "shipped" and self.times:
            msg = "copies shipped are those of the data, and times makes others; leave one of the two out"
            raise ValueError(msg)

    def cells(self, scope: Scope) -> list[Cell]:
        """One cell per detector, seed and copy or number of times. Raises `Unanswerable`, `UnknownDegradation`."""
        train, test = self._originals(scope)
        shipped = self._tests_shipped(scope.images)
        originals = replace(test, label=ORIGINAL)
        copies = self._shipped(test, scope.images) if shipped else self._made(test)
        return cells_of(scope, [(train, one) for one in (originals, *copies)])

    def _originals(self, scope: Scope) -> Question:
        """What is trained on and tested on before it is passed on: no copies, where the data ships some."""
        train, test = mixed_subsets(scope, self.train_on)
        if not scope.images.copies:
            return train, test
        if "" not in scope.images.copies:
            msg = (
                f"the data ships copies ({', '.join(scope.images.copies)}) and no originals to train on; call the "
                f"folder of those {ORIGINAL}"
            )
            raise Unanswerable(msg)
        return replace(train, copy=""), replace(test, copy="")

    def _tests_shipped(self, images: Images) -> bool:
        """Whether the columns are copies that the data ships. Raises `Unanswerable` where it has none."""
        if self.copies == "shipped" and not images.copies:
            msg = (
                "the data ships no copies of its images; name the level of folders that holds them (--levels ...,copy),"
                " or leave --copies out"
            )
            raise Unanswerable(msg)
        return self.copies != "made" and not self.times and bool(images.copies)

    @staticmethod
    def _shipped(test: Subset, images: Images) -> list[Subset]:
        """The test subset as each copy that the data ships."""
        return [replace(test, copy=name, label=name) for name in images.copies if name]

    def _made(self, test: Subset) -> list[Subset]:
        """The test subset after each time of passing it on."""
        chains = accumulate(self._times(), lambda before, step: f"{before}+{step}")
        return [
            replace(test, degradation=chain, label=f"passed on {count}x") for count, chain in enumerate(chains, start=1)
        ]

    def _times(self) -> list[str]:
        """The degradation of each time under its canonical name; two alike are two times."""
        if self.times:
            steps = [step for text in self.times for step in canonical_steps([text])]
            if not steps:
                msg = "nothing is done to the images; give --times, such as lr:512+jpeg:80,lr:480+jpeg:70"
                raise Unanswerable(msg)
            return steps
        return [f"{SHRINK}+jpeg:{quality}" for quality in QUALITIES]

    def groups(self, cells: Sequence[Cell], scope: Scope) -> list[Group]:
        """Images as they are, and images that were passed on."""
        del scope
        original = [cell for cell in cells if _is_original(cell.test)]
        return [grouped(ORIGINAL, original, "home"), grouped("passed on", set(cells) - set(original), "away")]


def _is_original(test: Subset) -> bool:
    return test.degradation == NONE and not test.copy
