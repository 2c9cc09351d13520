"""A share of every train set that detectors are not fitted on and score: for thresholds and calibration."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from protocols.api import Cell, Group, SourceDraw, Subset


@dataclass(frozen=True)
class ValidationCells:
    """The cells of a protocol, and those in which detectors score what was held out of their train sets.

    Attributes:
        cells: Of the protocol, in its order, fitted on the rest.
        groups: Its averages, over them.
        validation: The cell with the validation scores of a cell's fit, by cell; none for what is loaded from a
            checkpoint, or names generators.
    """

    cells: Sequence[Cell]
    groups: Sequence[Group]
    validation: Mapping[Cell, Cell] = field(default_factory=dict)

    def validation_of(self, cells: Iterable[Cell]) -> dict[Cell, Cell]:
        """The cells with validation scores of some cells, by cell."""
        return {cell: self.validation[cell] for cell in cells if cell in self.validation}


def hold_out_validation(cells: Sequence[Cell], groups: Sequence[Group], share: float) -> ValidationCells:
    """Fit every cell on all but a share of its train set, and let its detector score that share.

    The share is drawn by whole sources with the seed of the training, and degraded as the train set is. Of shots none
    is held out: they are few, and their number is what is asked.

    Args:
        cells: Of a protocol.
        groups: Its averages.
        share: Of the images of each class, between 0 and 1; 0 for none.
    """
    if not share:
        return ValidationCells(cells, groups)
    rest = {cell: _fitted_on_rest(cell, share) for cell in cells}
    moved = [Group(group.name, frozenset(rest[cell] for cell in group.cells), group.role) for group in groups]
    validation = {
        cell: Cell(
            cell.detector,
            cell.train,
            _other_part(cell.train),
            cell.seed,
            options=cell.options,
            fine_tuned=cell.fine_tuned,
        )
        for cell in rest.values()
        if cell.train is not None and cell.task == "binary"
    }
    return ValidationCells(list(rest.values()), moved, validation)


def _fitted_on_rest(cell: Cell, share: float) -> Cell:
    """The same cell with a smaller train set; what its images are attacked for is fitted on that too."""
    attack = cell.attack and replace(cell.attack, target=_fitted_on_rest(cell.attack.target, share))
    if cell.train is None:
        return replace(cell, attack=attack)
    train = replace(cell.train, sources=SourceDraw(share, cell.seed, drawn=False))
    return replace(cell, train=train, attack=attack)


def _other_part(train: Subset) -> Subset:
    """The sources of a train set that are not fitted on."""
    return train if train.sources is None else replace(train, sources=replace(train.sources, drawn=True))
