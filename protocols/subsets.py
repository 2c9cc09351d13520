"""Subsets and cells that several protocols ask for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from protocols.api import NONE, Cell, Images, Scope, Split, Subset, Unanswerable, train_generators

ALL = "all generators"  # the label of subsets of all generators together
Question = tuple[Subset, Subset]  # what is trained on, and what is tested on


def all_together(images: Images, names: Sequence[str], split: Split = "train") -> tuple[str, ...]:
    """The generators of one mixed train set: those that a user named, else all with training images.

    Args:
        images: The image set.
        names: Generators, or several joined with "+".
        split: Where they need images.

    Raises:
        Unanswerable: One of them is not in the data, or there is none.
    """
    return tuple(dict.fromkeys(name for group in train_generators(images, names, split) for name in group))


def asked_split(scope: Scope) -> Split:
    """Where the generators that a user names need images: where they are trained on, else where they are tested."""
    return "train" if scope.trained else scope.images.held_out


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


def mixed_subsets(scope: Scope, names: Sequence[str], degradation: str = NONE) -> Question:
    """The mixed train set of some generators, and the held-out images of the same generators together.

    Without a detector to train, the generators need no training images; those that are named are tested all the same,
    so that a released detector alone is asked what it is asked beside trained ones.

    Args:
        scope: Of the protocol.
        names: The generators that a user named; empty for all.
        degradation: Of both.

    Raises:
        Unanswerable: One of them is not in the data, or there is none to train on or to test.
    """
    images, label = scope.images, "" if names else ALL
    tested = images.generators_in(images.held_out)
    trained = all_together(images, names, asked_split(scope))
    common = tuple(name for name in trained if name in tested)
    if not common:
        msg = f"none of the generators {', '.join(trained)} has images in the {images.held_out} split; add some"
        raise Unanswerable(msg)
    return (
        Subset(trained, "train", degradation=degradation, label=label),
        Subset(common, images.held_out, degradation=degradation, label=label),
    )


def halves(most: int, steps: int, least: int = 1) -> list[int]:
    """A number and its repeated halves, rounded down, ascending, each once; at most `steps` of them.

    Args:
        most: The number.
        steps: How many at most.
        least: The least half; `most` is there even where it is smaller.
    """
    return sorted({most, *(half for step in range(1, steps) if (half := most >> step) >= least)})


def require_at_least(least: int, **options: Iterable[int]) -> None:
    """Raise `ValueError` for a number below `least` in one of some options, by their names."""
    for name, numbers in options.items():
        if low := [number for number in numbers if number < least]:
            msg = f"{name} has {low[0]}; give whole numbers from {least} on"
            raise ValueError(msg)


def require_contents(images: Images, names: Sequence[str]) -> Sequence[str]:
    """The kinds of content of the data. Raises `Unanswerable` where it has one at most, or not one of these names."""
    if len(images.contents) < 2:
        msg = (
            f"the data states {len(images.contents) or 'no'} kinds of content, and at least 2 are to be told apart; "
            "name a column of contents (--columns content=NAME), or give a manifest with the column content"
        )
        raise Unanswerable(msg)
    if unknown := [name for name in names if name not in images.contents]:
        shown = ", ".join(images.contents[:20]) + (", ..." if len(images.contents) > 20 else "")
        msg = f"content {unknown[0]!r} is not in the data, which has {shown}"
        raise Unanswerable(msg)
    return images.contents
