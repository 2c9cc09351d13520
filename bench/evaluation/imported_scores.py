"""Scores that another tool gave to the images of a data set, measured as those of a run are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from bench.evaluation.conditions import CALLED, FIT, POOL, TESTED, ConditionOutcomes, mean_auc, outcomes_of, real_pools
from bench.images.degraded_copies import ORIGINAL
from bench.images.image_set import ImageSet
from bench.metrics.catalogue import measure
from bench.metrics.metric import called_generated
from bench.platform.errors import InputError
from bench.records import columns
from detectors.api import Array
from protocols.api import NONE, Subset

ONE_COPY = ["source", "label", "generator", "copy"]  # identifies an image whose copies a data set ships


@dataclass(frozen=True, slots=True)
class ImportedOutcomes:
    """What becomes of imported scores.

    Attributes:
        overall: Over all conditions.
        by_condition: One row per condition, in the order of the data set: `columns.DEGRADATION`, `columns.N`,
            `columns.N_GENERATED`, `columns.ROC_AUC` and `columns.BALANCED_ACCURACY`, in [0, 1].
    """

    overall: ConditionOutcomes
    by_condition: pd.DataFrame


def imported_outcomes(detector: str, images: ImageSet, scores: Mapping[str, float]) -> ImportedOutcomes:
    """Measure scores of every image of a data set; its conditions are the copies that it ships.

    Args:
        detector: What gave the scores.
        images: A data set, such as a folder of degraded copies.
        scores: Probability of "generated" in [0, 1], by name of the image.

    Raises:
        InputError: A class is missing, or it is not known which copies are of one image.
    """
    values = np.array([scores[name] for name in images.names])
    table = images.table
    copies = pd.DataFrame(
        {
            FIT: 0,
            columns.TEST_DATA: "",
            columns.NAME: original_names(images),
            columns.SOURCE: table["source"],
            columns.LABEL: images.labels,
            columns.SCORE: values,
            columns.LOG_ODDS: np.nan,
            columns.DEGRADATION: table["copy"].replace("", NONE),
            CALLED: called_generated(values),
        }
    )
    cells = pd.DataFrame(_cells(images, values))
    pools = real_pools(_real_images(images, copies))
    cells = cells.assign(**{POOL: cells[TESTED].map(pools).fillna("")})
    return ImportedOutcomes(outcomes_of(detector, cells, copies), pd.DataFrame(_conditions(images, copies)))


def original_names(images: ImageSet) -> list[str]:
    """What each image is a copy of. Raises `InputError` where that is not known."""
    if ORIGINAL in images.attributes:
        return list(images.attribute(ORIGINAL))
    if not images.copies:
        return list(images.names)
    repeated = images.table.duplicated(ONE_COPY)
    if repeated.any():
        name = images.table.loc[repeated, "name"].iloc[0]
        msg = (
            f"{images.files.where} ships copies, and {name} is not the only one of its source of its kind; name what "
            f"each is a copy of in the column {ORIGINAL} of a manifest"
        )
        raise InputError(msg)
    return images.table[ONE_COPY[:-1]].astype(str).agg("/".join, axis=1).tolist()


def _conditions(images: ImageSet, copies: pd.DataFrame) -> Iterator[dict[str, object]]:
    """The measures of each condition, over the images of all generators together."""
    for name in images.copies or ("",):
        own = copies[copies[columns.DEGRADATION] == (name or NONE)]
        measures = measure(own[columns.LABEL].to_numpy(), own[columns.SCORE].to_numpy())
        yield {
            columns.DEGRADATION: name or NONE,
            columns.N: len(own),
            columns.N_GENERATED: int(own[columns.LABEL].sum()),
            columns.ROC_AUC: mean_auc(own),
            columns.BALANCED_ACCURACY: measures[columns.BALANCED_ACCURACY],
        }


def _cells(images: ImageSet, values: Array) -> Iterator[dict[str, object]]:
    """The accuracies of each generator against its real images under each condition. Raises `InputError`."""
    for copy in images.copies or (None,):
        for generator in images.generators:
            rows = images.rows_of(Subset((generator,), "all", copy=copy))
            measures = measure(images.labels[rows], values[rows])
            yield {
                TESTED: generator,
                columns.DEGRADATION: copy or NONE,
                columns.RANKED: measures[columns.BALANCED_ACCURACY],  # both classes count alike
                columns.REAL_ACCURACY: measures[columns.REAL_ACCURACY],
            }


def _real_images(images: ImageSet, copies: pd.DataFrame) -> pd.DataFrame:
    """The real images beside each generator, by the names of what they are copies of."""
    of_each = []
    for generator in images.generators:
        own = copies.iloc[images.rows_of(Subset((generator,), "all"))]
        of_each.append(own[own[columns.LABEL].eq(0)].assign(**{TESTED: generator}))
    return pd.concat(of_each)
