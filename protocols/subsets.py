"""Subsets and cells that several protocols ask for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from protocols.api import Cell, Images, Scope, Subset, train_generators

Question = tuple[Subset, Subset]  # what is trained on, and what is tested on


def all_together(images: Images, names: Sequence[str]) -> tuple[str, ...]:
    """The generators of one mixed train set: those that a user named, else all with training images.

    Args:
        images: The image set.
        names: Generators, or several joined with "+".

    Raises:
        Unanswerable: One of them is not in the data, or there is none.
    """
    return tuple(dict.fromkeys(name for group in train_generators(images, names) for name in group))


def held_out_generators(images: Images) -> list[Subset]:
    """The held-out images of each generator by itself."""
    return [Subset((name,), images.held_out) for name in images.generators_in(images.held_out)]


def cells_of(scope: Scope, questions: Iterable[Question]) -> list[Cell]:
    """A cell for each trained detector, seed and question, and for each released one and subset that is tested."""
    questions = list(questions)
    trained = [
        Cell(detector, train, test, seed)
        for detector in scope.trained
        for seed in scope.seeds
        for train, test in questions
    ]
    return trained + scope.released_cells(list(dict.fromkeys(test for _, test in questions)))


def trained_cells(cells: Iterable[Cell]) -> list[tuple[Cell, Subset]]:
    """The cells of detectors that were trained, each with its train subset."""
    return [(cell, cell.train) for cell in cells if cell.train is not None]
