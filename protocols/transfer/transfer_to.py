"""Transfer to other data: train on one data set, test on another (Saland: ELSA_D3 to Synthbuster)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass
from typing import ClassVar

from protocols.api import (
    Axis,
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
from protocols.released import generator_of
from protocols.subsets import cells_of, held_out_generators, mixed_subsets, trained_cells


@dataclass(frozen=True)
class TransferTo(EvaluationProtocol):
    """Every detector, trained on all generators of the data together, tested on every generator of it and of others.

    Generators of one family are compared across data sets, which may call them differently: `families` says what their
    names do not.
    """

    to: tuple[str, ...] = option(MISSING, "Further data sets to test on, written as for --data.", names="data_sets")
    train_on: tuple[str, ...] = option((), "Generators to train on, all together; empty: all.", names="generators")
    families: tuple[str, ...] = option((), "Families of generators of any of the data, each written NAME=FAMILY.")

    name: ClassVar[str] = "transfer_to"
    title: ClassVar[str] = "Transfer: train on one data set (rows), test on the generators of others (columns)"
    source: ClassVar[str] = (
        "Saland, internship report on CLIP detectors, SIGMA, CRIStAL, 2024 (trained on ELSA_D3, tested on Synthbuster)"
    )
    view: ClassVar[MatrixLayout] = MatrixLayout(rows="train", columns="tested")
    axes: ClassVar[Mapping[str, Axis]] = {"tested": Axis(generator_of, generators=True)}
    worst_over: ClassVar[Mapping[str, str]] = {"test_data": "data set"}

    def __post_init__(self) -> None:
        """Raises ValueError without a data set, and for a family that is not written NAME=FAMILY."""
        if not self.to:
            msg = "no data set to test on is named; give --to"
            raise ValueError(msg)
        if wrong := [text for text in self.families if not all(text.partition("="))]:
            msg = f"families has {wrong[0]!r}; write NAME=FAMILY"
            raise ValueError(msg)

    def data_sets(self) -> tuple[str, ...]:
        """The further data sets."""
        return tuple(dict.fromkeys(self.to))

    def cells(self, scope: Scope) -> list[Cell]:
        """One cell per detector, seed, data set and generator. Raises `Unanswerable` for data without any to test."""
        train, _ = mixed_subsets(scope, self.train_on)
        tests = held_out_generators(scope.images)
        for data, images in zip(self.data_sets(), self._others(scope), strict=True):
            split = images.untouched
            if not images.generators_in(split):
                msg = f"{data} has no generated images to test on; name other data with --to"
                raise Unanswerable(msg)
            tests += [Subset((name,), split, data=data) for name in images.generators_in(split)]
        self._require_known(scope)
        return cells_of(scope, [(train, test) for test in tests])

    def _require_known(self, scope: Scope) -> None:
        """Raise `Unanswerable` where a family is stated of a generator that no data has."""
        known = dict.fromkeys(name for images in (scope.images, *self._others(scope)) for name in images.generators)
        if unknown := [name for name in self._stated() if name not in known]:
            msg = f"families names {unknown[0]!r}, which is no generator of the data; there are {', '.join(known)}"
            raise Unanswerable(msg)

    def _others(self, scope: Scope) -> list[Images]:
        """The further data sets."""
        return [scope.other_images[data] for data in self.data_sets()]

    def _stated(self) -> dict[str, str]:
        """Family by generator, as the user says."""
        return dict(text.split("=", 1) for text in self.families)

    def groups(self, cells: Sequence[Cell], scope: Scope) -> list[Group]:
        """The data that was trained on, other data, and of these what is of a family that was trained on or not."""
        trained = trained_cells(cells)
        families = self._families(scope)
        away = [(cell, train) for cell, train in trained if cell.test.data]
        kin = {cell for cell, train in away if _of(families, "", train) & _of(families, cell.test.data, cell.test)}
        found = [
            grouped("own data", (cell for cell, _ in trained if not cell.test.data), "home"),
            grouped("other data", (cell for cell, _ in away), "away"),
            grouped("other data, families trained on", kin),
            grouped("other data, other families", {cell for cell, _ in away} - kin),
        ]
        data_sets = self.data_sets()
        several = data_sets if len(data_sets) > 1 else ()
        return found + [grouped(f"data: {one}", (cell for cell, _ in away if cell.test.data == one)) for one in several]

    def _families(self, scope: Scope) -> Mapping[str, Mapping[str, str]]:
        """Family by data set and generator: what the user says, else what the data says."""
        every = {"": scope.images, **scope.other_images}
        return {data: {**images.families, **self._stated()} for data, images in every.items()}


def _of(families: Mapping[str, Mapping[str, str]], data: str, subset: Subset) -> set[str]:
    """The families of the generators of a subset; one of unknown family is its own."""
    return {families[data].get(name, name) for name in subset.generators}
