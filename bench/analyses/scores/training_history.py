"""Losses and accuracies of trainings by epoch, as one tidy table."""

from __future__ import annotations

import numpy as np
import pandas as pd

from bench.records import columns

PART, MEASURE, VALUE, SEEDS = "part", "measure", "value", "seeds"
PARTS, MEASURES = ("train", "validation"), ("loss", "accuracy")
_FIT = (columns.DETECTOR, columns.TRAIN, columns.SEED, columns.FIT)
HISTORY = (*_FIT, columns.EPOCH, PART, MEASURE, VALUE)
SEED_MEANS = (columns.DETECTOR, columns.TRAIN, columns.EPOCH, PART, MEASURE, VALUE, SEEDS)


def training_history(training: pd.DataFrame) -> pd.DataFrame:
    """The epochs of trainings, one row for each number that was recorded of them.

    Args:
        training: As `bench.records.store.Store.training` gives it, or `training.csv` read: a row per fit and epoch with
            the columns train_loss, validation_loss and so on of those methods that are trained in epochs.

    Returns:
        Columns `HISTORY`, trainings in the order of the table, then `PART`, `MEASURE` and epoch, which counts from 0:
        losses in nats, accuracies in [0, 1]. Empty where nothing was trained in epochs; without the rows of a part that
        a training has not, such as validation.
    """
    if training.empty:
        return pd.DataFrame(columns=list(HISTORY))
    fits, _ = pd.factorize(training[columns.FIT])
    parts = []
    for place, (part, measure) in enumerate((part, measure) for part in PARTS for measure in MEASURES):
        name = f"{part}_{measure}"
        if name in training:
            rows = training[[*_FIT, columns.EPOCH]].assign(**{VALUE: training[name]}, _fit=fits, _place=place)
            parts.append(rows.assign(**{PART: part, MEASURE: measure})[training[name].notna()])
    if not parts:
        return pd.DataFrame(columns=list(HISTORY))
    whole = pd.concat(parts).sort_values(["_fit", "_place", columns.EPOCH], kind="stable")
    whole = whole.astype({columns.TRAIN: object}).fillna({columns.TRAIN: ""})  # a csv file has no empty text
    return whole[list(HISTORY)].reset_index(drop=True)


def mean_history(history: pd.DataFrame) -> pd.DataFrame:
    """The mean over training seeds at each epoch.

    Args:
        history: As `training_history` returns it.

    Returns:
        Columns `SEED_MEANS`: `SEEDS`, how many trainings reached the epoch; the value is NaN where another one of the
        same detector and train set ended before: a mean over the others would be of other trainings. Likewise where one
        seed has several trainings, such as of other sizes of the train set, which the table does not tell apart.
    """
    names = [columns.DETECTOR, columns.TRAIN, PART, MEASURE]
    if history.empty:
        return pd.DataFrame(columns=list(SEED_MEANS))
    groups = history.groupby([*names, columns.EPOCH], sort=False)
    found: pd.DataFrame = groups.agg(**{VALUE: (VALUE, "mean"), SEEDS: (VALUE, "size")}).reset_index()
    trainings = history.groupby(names, sort=False).agg(fits=(columns.FIT, "nunique"), seeds=(columns.SEED, "nunique"))
    planned = found[names].join(trainings, on=names)
    whole = found[SEEDS].eq(planned["fits"]) & planned["fits"].eq(planned["seeds"])
    return found.assign(**{VALUE: found[VALUE].where(whole, np.nan)})[list(SEED_MEANS)]
