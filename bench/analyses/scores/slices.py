"""Accuracy over parts of the test images: by what they show, where they are from, how large they are.

A slice is measured as the whole is: in each cell the accuracy on those images that are in it, both classes counting
alike where it has both, then the mean over the cells of an average, with the interval of its sources.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from bench.analyses.scores.questions import binary_cells, missing_cells
from bench.evaluation.averages import Average, RunningAverages, SourceTable
from bench.evaluation.cells import MeasuredCells
from bench.evaluation.decided_blocks import Mask, decided_blocks
from bench.records import columns
from bench.records.manifest import ALL_CELLS
from bench.records.score_table import CellScores, ScoreTable, TestImages

if TYPE_CHECKING:
    from bench.images.image_set import ImageSet  # which brings all that decodes

CONTENT, ORIGIN, LONGER_SIDE, PIXELS = "content", "origin", "longer_side", "pixels"
ATTRIBUTES = (CONTENT, ORIGIN, LONGER_SIDE, PIXELS)
SIDES = (256, 512, 1024, 2048)  # edges of bins of the longer side, pixels
LEAST = 20  # images of a slice below which it is marked
REAL_POOL = "real, "  # before the pool of real images
NOT_STATED = ""  # the slice of images of which nothing is known
SLICE, CELLS, FEW, MISSING = "slice", "cells", "few", "missing"
REAL, GENERATED = "real_images", "generated_images"
LOW, HIGH = columns.interval_of(columns.RANKED)
SLICES = (columns.DETECTOR, SLICE, columns.RANKED, LOW, HIGH, CELLS, REAL, GENERATED, columns.SOURCES, FEW, MISSING)
UNDEFINED = float("nan")


def image_attributes(images: ImageSet, records: pd.DataFrame | None = None) -> pd.DataFrame:
    """What is known of the images of a data set.

    Args:
        images: The data set.
        records: One row per image in the same order with `width` and `height` in pixels, 0 for a file that cannot be
            read, such as `bench.images.quality.inspection.InspectedImages.records`; None where no file was inspected.

    Returns:
        Index `columns.NAME`, columns `ATTRIBUTES`: what an image shows, "" where the data set does not state it; its
        generator, or "real, " and the pool of a real image; the longer side and the number of pixels, NaN where they
        are not known.
    """
    table = images.table
    pools = REAL_POOL + table["generator"].astype(str)
    origin = table["generator"].astype(str).where(table["label"].eq(1), pools)
    sides = np.full((2, len(table)), np.nan)
    if records is not None:
        sides = records[["width", "height"]].to_numpy(np.float64).T
        sides = np.where(sides > 0, sides, np.nan)
    found = {
        CONTENT: table["content"].astype(str),
        ORIGIN: origin,
        LONGER_SIDE: sides.max(axis=0),
        PIXELS: sides.prod(axis=0),
    }
    return pd.DataFrame(found).set_axis(pd.Index(table["name"], name=columns.NAME))


def binned(values: pd.Series[float], edges: Sequence[float] = SIDES) -> pd.Series[str]:
    """The bin of each number as a text, in the order of the bins; `NOT_STATED` for NaN.

    Args:
        values: Such as the longer sides of images.
        edges: In ascending order, at least one. A bin has its lower edge and not its upper one.

    Returns:
        A categorical series of the same index: "below 256", "256 to 512", "from 512 on".
    """
    whole = [f"{edge:,g}" for edge in edges]
    names = [f"below {whole[0]}", *(f"{low} to {high}" for low, high in pairwise(whole)), f"from {whole[-1]} on"]
    places = np.searchsorted(np.asarray(edges, np.float64), values.to_numpy(np.float64), side="right")
    texts = np.where(values.isna(), NOT_STATED, np.array(names, object)[places])
    return pd.Series(pd.Categorical(texts, [*names, NOT_STATED], ordered=True), values.index)


def slice_accuracies(
    measured: MeasuredCells,
    values: pd.Series[str],
    average: str = ALL_CELLS,
    data: str = "",
    least: int = LEAST,
) -> pd.DataFrame:
    """The accuracy of each detector on each slice of the images of a data set.

    Args:
        measured: The cells of a run.
        values: The slice of each image, index its name, each name once; a column of `image_attributes`, or `binned`. An
            image that is not in the index is in the slice `NOT_STATED`.
        average: Whose cells are measured; those whose task is to name the generator are left out.
        data: The data set of the images, as cells name it.
        least: Images of a slice below which it is marked.

    Returns:
        One row per slice and detector, slices in the order of their category or of the alphabet, `NOT_STATED` last,
        columns `SLICES`: accuracy in [0, 1] and the ends of its 95% interval over the images, clustered by source; the
        cells that it is the mean of, which have images of the slice; numbers of distinct images of both classes and of
        sources; whether there are fewer than `least` images; the cells of the average that have no scores, a tuple of
        texts: where there are any, the accuracy is NaN.

    Raises:
        InputError: There is no such average.
    """
    cells = binary_cells(measured, average) & measured.table[columns.TEST_DATA].eq(data).to_numpy(bool)
    detectors = measured.table[columns.DETECTOR]
    masks = {str(name): cells & detectors.eq(name).to_numpy(bool) for name in detectors[cells].unique()}
    missing = {name: missing_cells(measured, own) for name, own in masks.items()}
    rows = []
    for name, inside in _slices(measured, cells, values).items():
        of_slice = _measured_slice(measured, {one: own & measured.scored for one, own in masks.items()}, inside)
        for detector, (found, count, classes) in of_slice.items():
            shown = found if not missing[detector] else None
            ends = (shown.value, *shown.interval) if shown else (UNDEFINED, UNDEFINED, UNDEFINED)
            sizes = *classes, found.sources if found else 0
            rows.append((detector, name, *ends, count, *sizes, sum(classes) < least, missing[detector]))
    return pd.DataFrame(rows, columns=list(SLICES))


def _slices(measured: MeasuredCells, cells: Mask, values: pd.Series[str]) -> dict[str, frozenset[str]]:
    """The names of the tested images of each slice, in the order of the slices."""
    keys = measured.table.loc[cells & measured.scored, columns.KEY]
    tests = measured.run.score_table.only(keys).test_images()
    names = pd.Index(sorted({name for images in tests for name in images.names}))
    known = values.reindex(names)
    ordered = (
        list(known.cat.categories) if isinstance(known.dtype, pd.CategoricalDtype) else sorted(known.dropna().unique())
    )
    texts = known.astype(object).where(known.notna(), NOT_STATED)
    groups = {str(one): frozenset(names[texts.eq(one).to_numpy(bool)]) for one in _last_not_stated(ordered)}
    return {name: inside for name, inside in groups.items() if inside}


def _last_not_stated(ordered: Sequence[str]) -> list[str]:
    return [*(one for one in ordered if one != NOT_STATED), NOT_STATED]


_OfSlice = tuple[Average | None, int, tuple[int, int]]  # the average, its cells, and distinct images by class


def _measured_slice(measured: MeasuredCells, masks: dict[str, Mask], inside: frozenset[str]) -> dict[str, _OfSlice]:
    """The average of each detector over the images of one slice."""
    scores = _only_images(measured, np.logical_or.reduce(list(masks.values())), inside)
    there = np.array([key in scores for key in measured.table[columns.KEY]], bool)
    run, sources = replace(measured.run, score_table=scores), SourceTable(scores.test_images())
    own = {name: mask & there for name, mask in masks.items()}
    running = RunningAverages(own, sources)
    classes: dict[str, tuple[set[str], set[str]]] = {name: (set(), set()) for name in masks}
    detectors = measured.table[columns.DETECTOR].to_numpy()
    for block in decided_blocks(run, there):
        running.add(block, {columns.RANKED: block.ranked()})
        for detector in pd.unique(detectors[block.cells]):
            for label in (0, 1):
                classes[str(detector)][label].update(block.images.names[block.images.labels == label])
    found = running.averages()
    return {
        name: (found[name].get(columns.RANKED), int(mask.sum()), (len(classes[name][0]), len(classes[name][1])))
        for name, mask in own.items()
    }


def _only_images(measured: MeasuredCells, cells: Mask, inside: frozenset[str]) -> ScoreTable:
    """The scores of these cells on the images of a slice; a cell without any is left out."""
    kept: dict[int, tuple[TestImages, Mask]] = {}
    found = {}
    for key, cell in measured.run.score_table.only(measured.table.loc[cells, columns.KEY]).items():
        if id(cell.images) not in kept:
            own = np.array([name in inside for name in cell.images.names], bool)
            images = TestImages(cell.images.names[own], cell.images.sources[own], cell.images.labels[own])
            kept[id(cell.images)] = images, own
        images, own = kept[id(cell.images)]
        if len(images):
            odds = None if cell.log_odds is None else cell.log_odds[own]
            found[key] = CellScores(images, cell.scores[own], odds, cell.threshold)
    return ScoreTable(found)
