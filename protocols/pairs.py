"""Pairs: a real image and its generated twin, or one of the same content (after Saland's pair training, 2024)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from protocols.api import Cell, EvaluationProtocol, Group, MatrixLayout, Scope, Subset, grouped, option
from protocols.subsets import cells_of, held_out_generators, mixed_subsets, trained_cells

MOST = 20  # kinds of content that are told apart: of more, each has too few pairs


@dataclass(frozen=True)
class PairComparison(EvaluationProtocol):
    """Every detector, trained on all generators together, tested on each generator with each kind of content.

    The section `pairs` of the report says how often the generated image of a pair has the higher score. A pair is a
    real image and a generated one of one source; where no source has both, any two of one generator and content.
    """

    train_on: tuple[str, ...] = option((), "Generators to train on, all together; empty: all.", names="generators")
    by_content: bool = option(default=True, about=f"Each kind of content by itself, where there are at most {MOST}.")

    name: ClassVar[str] = "pairs"
    title: ClassVar[str] = "Pairs: of a real image and its generated twin, which scores higher, by content (columns)"
    source: ClassVar[str] = "Lineup; pairs as in Saland, internship report on CLIP detectors, SIGMA, CRIStAL, 2024"
    view: ClassVar[MatrixLayout] = MatrixLayout(rows="test", columns="test_contents")
    pairs: ClassVar[bool] = True

    def cells(self, scope: Scope) -> list[Cell]:
        """One cell per detector, seed, generator and kind of content. Raises `Unanswerable`."""
        train, _ = mixed_subsets(scope, self.train_on)
        contents = scope.images.contents if self.by_content and len(scope.images.contents) <= MOST else ()
        kinds: Sequence[tuple[str, ...]] = [(one,) for one in contents] or [()]
        tests = [replace(one, contents=kind) for one in held_out_generators(scope.images) for kind in kinds]
        return cells_of(scope, [(train, test) for test in tests])

    def groups(self, cells: Sequence[Cell], scope: Scope) -> list[Group]:
        """Generators of the train set, others, and each kind of content."""
        del scope
        home = {cell for cell, train in trained_cells(cells) if _within(cell.test, train)}
        others = {cell for cell, _ in trained_cells(cells)} - home
        kinds = dict.fromkeys(content for cell in cells for content in cell.test.contents)
        return [
            grouped("trained on", home, "home"),
            *([grouped("not trained on", others, "away")] if others else []),
            *(grouped(f"content: {one}", (cell for cell in cells if one in cell.test.contents)) for one in kinds),
        ]


def _within(test: Subset, train: Subset) -> bool:
    return set(test.generators) <= set(train.generators)
