"""Two detectors on the cells and images that both have scores of, as one run of the two."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench.evaluation.comparing.sides import Difference, Side, differences
from bench.evaluation.decided_blocks import Mask
from bench.platform.errors import InputError
from bench.records import columns
from bench.records.run import Run
from bench.records.score_table import CellScores, ScoreTable, TestImages

LABELS = {0: "real", 1: "generated"}
_OTHER = "_other"
Places = NDArray[np.intp]


@dataclass(frozen=True)
class PairedRun:
    """Two detectors that answered the same cells about the same images.

    Attributes:
        run: A run of the two, named by the titles of their sides: all cells of the first, then those of the second in
            the same order; a pair of cells shares its images.
        first: The first side.
        second: The second.
        differences: How the two were made otherwise.
        left_out: What one of them alone has scores of, in sentences.
    """

    run: Run
    first: Side
    second: Side
    differences: tuple[Difference, ...]
    left_out: tuple[str, ...]

    @property
    def titles(self) -> tuple[str, str]:
        """The names of the two in the run."""
        return self.first.title, self.second.title

    @property
    def one_method(self) -> bool:
        """Whether the two are one method in two versions, options or runs, whose trainings of one seed are alike."""
        first, second = (side.record.key.partition(".")[0] for side in (self.first, self.second))
        return first == second

    def masks(self) -> tuple[Mask, Mask]:
        """The cells of the first and of the second, bools (cells,) each."""
        detectors = self.run.cells[columns.DETECTOR]
        first, second = (detectors.eq(title).to_numpy() for title in self.titles)
        return first, second


def pair_runs(first: Side, second: Side) -> PairedRun:
    """Pair the cells of the same question and seed, and their images by name.

    Where one of the two was trained and the other was not, each cell of the trained one is paired with the cell of the
    other that is tested on the same.

    Raises:
        InputError: Nothing is common, or an image has another label in the second.
    """
    keys, asked = _paired_cells(first, second)
    images = _PairedImages(first, second)
    scores: list[tuple[CellScores, CellScores] | None] = [images.scores(*pair) for pair in keys]
    kept = np.flatnonzero([pair is not None for pair in scores])
    if not kept.size:
        msg = f"no image is common to {first.title} and {second.title} by name: give runs on the same images"
        raise InputError(msg)
    keys, asked = [keys[place] for place in kept], asked.iloc[kept]
    titles = (first.title, second.title)
    new_keys = [[f"{title}/{place}" for place in range(len(keys))] for title in titles]
    cells = [
        asked.assign(**{columns.DETECTOR: title, columns.KEY: own}) for title, own in zip(titles, new_keys, strict=True)
    ]
    pairs = [pair for pair in scores if pair is not None]
    table = {key: pair[side] for side, own in enumerate(new_keys) for key, pair in zip(own, pairs, strict=True)}
    given = [[pair[side] for pair in keys] for side in (0, 1)]
    left = first if first.trained or not second.trained else second
    run = Run(
        replace(
            left.run.manifest,
            detectors=dict(zip(titles, (first.record, second.record), strict=True)),
            recipe_options={},
        ),
        pd.concat(cells, ignore_index=True),
        ScoreTable(table),
        left.run.throughput.iloc[:0],
        _diagnostics((first, second), given, new_keys),
    )
    lines = (*_unpaired_cells(first, second, given, len(images.without_any)), *images.left_out())
    return PairedRun(run, first, second, differences(first, second), lines)


def _paired_cells(first: Side, second: Side) -> tuple[list[tuple[str, str]], pd.DataFrame]:
    """The keys of the cells of each pair, and the first cell of each; of a trained and another side, the trained one.

    Raises:
        InputError: There is no pair.
    """
    on = [*columns.of_question(first.run.manifest.protocol.axes), columns.SEED]
    if first.trained != second.trained:
        on = [name for name in on if not name.startswith(columns.TRAIN) and name != columns.SEED]
    swapped = second.trained and not first.trained
    asked, other = (second.scored, first.scored) if swapped else (first.scored, second.scored)
    asked, other = (cells.astype(dict.fromkeys(on, "object")) for cells in (asked, other))
    others = other[[*on, columns.KEY]].rename(columns={columns.KEY: columns.KEY + _OTHER})
    pairs = asked.merge(others, on=on)
    if pairs.empty:
        raise InputError(_nothing_common(first, second))
    ours, theirs = pairs[columns.KEY].tolist(), pairs[columns.KEY + _OTHER].tolist()
    keys = list(zip(theirs, ours, strict=True) if swapped else zip(ours, theirs, strict=True))
    return keys, pairs[list(asked.columns)]


def _nothing_common(first: Side, second: Side) -> str:
    """What the two were asked, where no cell is common."""
    told = []
    for side in (first, second):
        cells = side.scored
        names = {"seeds": columns.SEED, "test sets": columns.TEST}
        parts = [f"{what} {', '.join(map(str, cells[name].unique()[:5]))}" for what, name in names.items()]
        told.append(f"{side.title} has {', '.join(parts)}" if len(cells) else f"{side.title} has no scored cell")
    return f"no cell has scores of both: {'; '.join(told)}; give runs of the same train sets, tests and seeds"


def _unpaired_cells(first: Side, second: Side, given: list[list[str]], without_images: int) -> list[str]:
    """Sentences on cells that are not compared."""
    found = []
    for side, keys in zip((first, second), given, strict=True):
        alone = len(side.scored) - len(set(keys) & set(side.scored[columns.KEY]))
        if alone - without_images > 0:
            found.append(f"{alone - without_images} of {len(side.scored)} cells of {side.title} alone have scores.")
    if without_images:
        found.append(f"{without_images} cells that both have share no image.")
    return found


def _diagnostics(sides: tuple[Side, Side], given: list[list[str]], new_keys: list[list[str]]) -> pd.DataFrame:
    """What detectors gave beside scores, under the keys of the new cells."""
    parts = []
    for side, old, new in zip(sides, given, new_keys, strict=True):
        renamed = pd.DataFrame({columns.KEY: old, columns.KEY + _OTHER: new})
        rows = side.run.diagnostics.merge(renamed, on=columns.KEY)
        parts.append(rows.assign(**{columns.KEY: rows[columns.KEY + _OTHER]}).drop(columns=columns.KEY + _OTHER))
    return pd.concat(parts, ignore_index=True)


@dataclass(frozen=True)
class _Overlap:
    """The images of two test sets: what is common, where it stands in each, and what one alone has."""

    images: TestImages
    places: tuple[Places, Places]
    alone: tuple[NDArray[np.object_], NDArray[np.object_]]
    other_sources: Places


@dataclass
class _PairedImages:
    """The images that are common to the cells of two sides, by name."""

    first: Side
    second: Side
    without_any: list[tuple[str, str]] = field(default_factory=list)
    _overlaps: dict[tuple[int, int], _Overlap] = field(default_factory=dict)

    def scores(self, key: str, other: str) -> tuple[CellScores, CellScores] | None:
        """The scores of two cells on the images of both; None where there are none."""
        cells = self.first.run.score_table[key], self.second.run.score_table[other]
        overlap = self._overlap(*(cell.images for cell in cells))
        if not len(overlap.images):
            self.without_any.append((key, other))
            return None
        one, two = (
            CellScores(overlap.images, cell.scores[place], None if cell.log_odds is None else cell.log_odds[place])
            for cell, place in zip(cells, overlap.places, strict=True)
        )
        return one, two

    def _overlap(self, one: TestImages, other: TestImages) -> _Overlap:
        place = id(one), id(other)
        if place not in self._overlaps:
            self._overlaps[place] = self._common(one, other)
        return self._overlaps[place]

    def _common(self, one: TestImages, other: TestImages) -> _Overlap:
        names, others = one.names.astype(str), other.names.astype(str)
        _, ours, theirs = np.intersect1d(names, others, assume_unique=True, return_indices=True)
        self._require_labels(one, other, ours, theirs)
        images = one if len(ours) == len(one) else TestImages(one.names[ours], one.sources[ours], one.labels[ours])
        alone = np.delete(one.names, ours), np.delete(other.names, theirs)
        moved = np.flatnonzero(one.sources[ours] != other.sources[theirs])
        return _Overlap(images, (ours, theirs), alone, moved)

    def _require_labels(self, one: TestImages, other: TestImages, ours: Places, theirs: Places) -> None:
        """Raise `InputError` where an image has two labels."""
        odd = np.flatnonzero(one.labels[ours] != other.labels[theirs])
        if odd.size:
            name = one.names[ours[odd[0]]]
            labels = LABELS[int(one.labels[ours[odd[0]]])], LABELS[int(other.labels[theirs[odd[0]]])]
            msg = (
                f"labels are at odds: {name} is {labels[0]} for {self.first.title} and {labels[1]} for "
                f"{self.second.title} ({odd.size} such images of one test set); give runs on the same labels"
            )
            raise InputError(msg)

    def left_out(self) -> list[str]:
        """Sentences on images that one side alone has, and on sources that differ."""
        found = []
        for place, side in enumerate((self.first, self.second)):
            if names := {name for overlap in self._overlaps.values() for name in overlap.alone[place]}:
                found.append(f"{len(names):,} images of {side.title} alone have scores in some of these cells.")
        moved = {name for one in self._overlaps.values() for name in one.images.names[one.other_sources]}
        if moved:
            found.append(f"{len(moved):,} images have other sources for the two; those of {self.first.title} count.")
        return found
