"""What becomes of a detector over several degradations of the same images: worst cases, and verdicts that flip."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from bench.evaluation.cells import SCORED, UNASKED, MeasuredCells
from bench.evaluation.decided_blocks import Mask
from bench.evaluation.ranking_rows import FIRST_DATA_SET
from bench.metrics.metric import called_generated, order_of
from bench.metrics.ranking import roc_auc
from bench.records import columns
from bench.records.manifest import Manifest
from bench.statistics.intervals import bounded_interval, sample_size, source_variances
from protocols.api import NONE

UNDEFINED = float("nan")
FIT, CALLED = "fit", "called"  # of copies: number of the fit, and whether the image is called generated
TESTED, POOL = "tested", "pool"  # of cells: the generators that are tested, and the real images beside them
IMAGE = [columns.TEST_DATA, columns.NAME]  # identifies an image of a run
TRAINING = [axis for axis in columns.QUESTION if axis.startswith("train") or axis == "options"]


@dataclass(frozen=True, slots=True)
class WorstValue:
    """The smallest of several accuracies.

    Attributes:
        value: In [0, 1].
        where: What it is of.
    """

    value: float
    where: str


@dataclass(frozen=True, slots=True)
class ConditionOutcomes:
    """How one detector fares over several conditions, a condition being one degradation, or none.

    Several fits (train sets, seeds) of a detector count alike.

    Attributes:
        detector: Its name.
        conditions: Number of conditions of which every cell has scores, the clean one included: all that follows is
            over these.
        planned: Number of conditions that were asked for.
        images: Number of images.
        clean_auc: Area under the ROC curve of clean images, in [0, 1]; NaN without clean images of both classes.
        pooled_auc: The same of all degraded copies together: one order of scores, and so one threshold, for all.
        mean: Mean over the conditions of the accuracy that ranks, in [0, 1].
        worst_condition: The condition of the smallest.
        worst_generator: The generator of the smallest mean over conditions, with its data set where there are several;
            None for one generator, and where a test set does not say which generators it is of.
        worst_real: The generators whose real images are most often called generated, mean over conditions; None where
            all have the same real images, and where a test set does not say which generators it is of.
        flip_rate: Share of the images whose verdict is not the same under every condition, in [0, 1].
        flip_low: Lower end of its 95% interval over the images, clustered by source.
        flip_high: Upper end.
    """

    detector: str
    conditions: int
    planned: int
    images: int
    clean_auc: float
    pooled_auc: float
    mean: float
    worst_condition: WorstValue
    worst_generator: WorstValue | None
    worst_real: WorstValue | None
    flip_rate: float
    flip_low: float
    flip_high: float


def condition_outcomes(measured: MeasuredCells) -> Iterator[ConditionOutcomes]:
    """The outcomes of each detector of which two conditions at least were asked, over those that are complete.

    A condition is complete where every cell has scores that the data can answer. Nothing for a detector without one,
    and nothing where a protocol's own axes tell cells of one degradation apart, such as which class it was applied to:
    then an image under one degradation is several images.

    Args:
        measured: The cells of a run.
    """
    table = measured.table
    asked = table[columns.STATUS].ne(UNASKED).to_numpy(bool)
    for detector in table[columns.DETECTOR].unique():
        own = table[columns.DETECTOR].eq(detector).to_numpy(bool) & asked
        cells = table[own]
        planned = cells[columns.DEGRADATION].nunique()
        missing = cells.loc[cells[columns.STATUS].ne(SCORED), columns.DEGRADATION]
        complete = own & ~table[columns.DEGRADATION].isin(missing).to_numpy(bool)
        if planned > 1 and complete.any() and not cells.duplicated([*columns.QUESTION, columns.SEED]).any():
            images = measured.images_of(complete)
            found = outcomes_of(str(detector), _described(measured, complete), _copies(measured, images))
            yield replace(found, planned=planned)


def outcomes_of(detector: str, cells: pd.DataFrame, copies: pd.DataFrame) -> ConditionOutcomes:
    """The outcomes of one detector over conditions that are complete.

    Args:
        detector: Its name.
        cells: One row per question and condition: `columns.DEGRADATION`, `columns.RANKED`, `columns.REAL_ACCURACY`,
            `TESTED`, which is "" where it is not known, and `POOL` as `real_pools` gives it.
        copies: One row per fit, image and condition: `FIT`, `IMAGE`, `columns.DEGRADATION`, the label, source, score
            and log odds, and `CALLED`.
    """
    flips = _flips(copies)
    rate, low, high = _flip_rate(flips)
    clean = copies[columns.DEGRADATION].eq(NONE)
    return ConditionOutcomes(
        detector,
        cells[columns.DEGRADATION].nunique(),
        cells[columns.DEGRADATION].nunique(),
        len(flips[IMAGE].drop_duplicates()),
        mean_auc(copies[clean]),
        mean_auc(copies[~clean]),
        float(cells.groupby(columns.DEGRADATION)[columns.RANKED].mean().mean()),
        _worst(cells, columns.DEGRADATION, columns.RANKED),
        _worst_of_several(cells, TESTED, columns.RANKED),
        _worst_of_several(cells, POOL, columns.REAL_ACCURACY),
        rate,
        low,
        high,
    )


def real_pools(images: pd.DataFrame) -> dict[str, str]:
    """What to call the real images beside the generators of each test: after these and all others with the same ones.

    Args:
        images: The real images of each test: `TESTED`, `columns.TEST_DATA` and `columns.NAME`; each at least once.
    """
    distinct = images[[TESTED, *IMAGE]].drop_duplicates()
    pools: dict[frozenset[tuple[str, str]], list[str]] = {}
    for tested, own in distinct.groupby(TESTED, sort=False):
        pools.setdefault(frozenset(own[IMAGE].itertuples(index=False, name=None)), []).append(str(tested))
    return {one: _pool_name(names) for names in pools.values() for one in names}


def _pool_name(names: list[str]) -> str:
    first, *others = names
    return f"{first} and {len(others)} more" if others else first


def _described(measured: MeasuredCells, own: Mask) -> pd.DataFrame:
    """These cells with `TESTED` and `POOL`. A label of a test set may be anything: it is taken for no generator."""
    cells, manifest = measured.table[own], measured.run.manifest
    several = cells[columns.TEST_DATA].nunique() > 1
    places = list(zip(cells[columns.TEST_DATA], cells[columns.TEST], strict=True))
    names = {place: _tested(manifest, *place, several=several) for place in set(places)}
    tested = [names[place] for place in places]
    pools = real_pools(_real_images(measured, cells, tested))
    # without a real image there is no accuracy of real images either
    return cells.assign(**{TESTED: tested, POOL: [pools.get(one, "") if one else "" for one in tested]})


def _real_images(measured: MeasuredCells, cells: pd.DataFrame, tested: list[str]) -> pd.DataFrame:
    """The real images of each test, as `real_pools` takes them; cells with the same images are looked at once."""
    parts = {}
    for key, data, test in zip(cells[columns.KEY], cells[columns.TEST_DATA], tested, strict=True):
        images = measured.run.score_table[key].images
        parts[test, data, id(images)] = images
    frames = [
        pd.DataFrame({columns.NAME: images.names[images.labels == 0], TESTED: test, columns.TEST_DATA: data})
        for (test, data, _), images in parts.items()
    ]
    return pd.concat(frames, ignore_index=True)


def _tested(manifest: Manifest, data: str, test: str, *, several: bool) -> str:
    """The generators of a test set that is called after them, with the data set among several; "" for a label."""
    record = manifest.further.get(data) if data else manifest.data
    known = record.generators if record else ()
    named = {test} if test in known else set(test.split("+"))
    if not named <= set(known):
        return ""
    return "+".join(name for name in known if name in named) + (f", {data or FIRST_DATA_SET}" if several else "")


def _copies(measured: MeasuredCells, images: pd.DataFrame) -> pd.DataFrame:
    """One row per fit, image and condition, whatever the number of cells that ask about it: its score and verdict."""
    fits, _ = pd.factorize(pd.MultiIndex.from_frame(measured.table[[*TRAINING, columns.SEED]]))
    cell = images[columns.CELL].to_numpy(int)
    described = images.assign(
        **{FIT: pd.factorize(fits[cell])[0], CALLED: called_generated(images[columns.SCORE].to_numpy())},
        **{name: measured.table[name].to_numpy()[cell] for name in (columns.DEGRADATION, columns.TEST_DATA)},
    )
    return described.drop_duplicates([FIT, *IMAGE, columns.DEGRADATION])


def _flips(copies: pd.DataFrame) -> pd.DataFrame:
    """One row per fit and image: its source, its label, and whether its verdict is not the same on every copy."""
    first = {name: (name, "first") for name in (columns.SOURCE, columns.LABEL)}
    found = copies.groupby([FIT, *IMAGE]).agg(least=(CALLED, "min"), most=(CALLED, "max"), **first).reset_index()
    return found.assign(flipped=found["least"].ne(found["most"]))


def _flip_rate(flips: pd.DataFrame) -> tuple[float, float, float]:
    """The mean over fits of the share of images that flip, and the ends of its interval, clustered by source."""
    fits, classes = (flips.groupby(names)["flipped"] for names in (FIT, [FIT, columns.LABEL]))
    weight = 1 / (fits.ngroups * fits.transform("size"))
    by_source = (
        pd.DataFrame({"influence": weight * (flips["flipped"] - classes.transform("mean")), "loss": weight})
        .groupby(flips[columns.SOURCE])
        .sum()
    )
    of_source = flips.groupby([columns.SOURCE, FIT, columns.LABEL])["flipped"].transform("size")
    shares = (of_source / classes.transform("size")).groupby(flips[columns.SOURCE]).max().to_numpy()
    images = flips.groupby(IMAGE, sort=False).ngroup().to_numpy()
    of_image = np.bincount(images, weight).astype(np.float64)
    source_of_image = pd.factorize(flips[columns.SOURCE].groupby(images).first(), sort=True)[0]
    sample = sample_size(of_image, source_of_image, shares, float(by_source["loss"].max()))
    rate = fits.mean().mean()
    spread = source_variances(by_source["influence"].to_numpy()[None], shares)
    low, high = bounded_interval(np.array([rate]), spread, sample)
    return float(rate), float(low[0]), float(high[0])


def mean_auc(copies: pd.DataFrame) -> float:
    """The area under the ROC curve of the copies of each fit together, mean over the fits; NaN without both classes."""
    found = []
    for _, images in copies.groupby(FIT):
        labels, odds = images[columns.LABEL].to_numpy(), images[columns.LOG_ODDS].to_numpy()
        both = 0 < labels.sum() < labels.size
        order = order_of(images[columns.SCORE].to_numpy(), odds)
        found.append(roc_auc(labels, order) if both else UNDEFINED)
    return float(np.mean(found)) if found else UNDEFINED


def _worst(cells: pd.DataFrame, axis: str, measure: str) -> WorstValue:
    means = cells.groupby(axis, sort=False)[measure].mean()
    return WorstValue(float(means.min(skipna=False)), str(means.idxmin(skipna=False)) if means.notna().all() else "")


def _worst_of_several(cells: pd.DataFrame, axis: str, measure: str) -> WorstValue | None:
    """The worst of several values of an axis; None for one, and where one of them is not known."""
    values = cells[axis]
    return _worst(cells, axis, measure) if values.nunique() > 1 and values.ne("").all() else None
