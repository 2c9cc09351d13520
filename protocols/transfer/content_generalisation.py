"""Content generalisation: train on one kind of content, test on each (GenImage, arXiv 2306.08571: faces and art)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from protocols.api import Cell, EvaluationProtocol, Group, Images, MatrixLayout, Scope, Unanswerable, grouped, option
from protocols.subsets import cells_of, mixed_subsets, require_contents, trained_cells

MOST = 20  # kinds of content that are not named: a square of more is no table


@dataclass(frozen=True)
class ContentGeneralisation(EvaluationProtocol):
    """Every detector, trained on images of one kind of content, tested on the same generators with each kind."""

    kinds: tuple[str, ...] = option((), "Kinds of content, as the data calls them; empty: all.")
    train_on: tuple[str, ...] = option((), "Generators to train on, all together; empty: all.", names="generators")

    name: ClassVar[str] = "content_generalisation"
    title: ClassVar[str] = "Content generalisation: train on one kind of content (rows), test on each (columns)"
    source: ClassVar[str] = "GenImage, arXiv 2306.08571 (trained on objects, tested on faces and on art)"
    view: ClassVar[MatrixLayout] = MatrixLayout(rows="train_contents", columns="test_contents")

    def cells(self, scope: Scope) -> list[Cell]:
        """One cell per detector, seed, kind of content in training and in testing. Raises `Unanswerable`."""
        kinds = self._kinds(scope.images)
        train, test = mixed_subsets(scope, self.train_on)
        return cells_of(
            scope,
            [(replace(train, contents=(seen,)), replace(test, contents=(shown,))) for seen in kinds for shown in kinds],
        )

    def _kinds(self, images: Images) -> Sequence[str]:
        present = require_contents(images, self.kinds)
        if not self.kinds and len(present) > MOST:
            msg = (
                f"the data has {len(present)} kinds of content, such as {', '.join(present[:3])}; name up to {MOST} "
                "with --kinds, or use the protocol class_generalisation"
            )
            raise Unanswerable(msg)
        return tuple(dict.fromkeys(self.kinds)) or present

    def groups(self, cells: Sequence[Cell], scope: Scope) -> list[Group]:
        """Cells tested on the kind of content of their training, and on others."""
        del scope
        trained = trained_cells(cells)
        home = {cell for cell, train in trained if cell.test.contents == train.contents}
        return [
            grouped("same content", home, "home"),
            grouped("other content", {cell for cell, _ in trained} - home, "away"),
        ]
