"""What must be read before a ranking: shortcuts in the data, unbalanced cells, and warnings of the census."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd

from bench.evaluation.cells import Mask, MeasuredCells, first_average_with_cells
from bench.records import columns
from bench.records.run import Run
from bench.statistics.intervals import bootstrap_accuracies, interval

CHANCE = 0.5  # balanced accuracy of guessing
UNBALANCED = 0.6  # share of the larger class above which accuracy alone misleads


def notices(run: Run, evaluation: MeasuredCells, masks: Mapping[str, Mask]) -> Iterator[str]:
    """What must be read before the table: shortcuts in the data, unbalanced cells, and what the census warns of."""
    images, protocol = evaluation.images, run.manifest.protocol
    home = protocol.group("home")
    average = first_average_with_cells(masks, home, protocol.group("away"))
    where = "where it was trained" if average == home else f"over {average}"
    for detector, entry in run.manifest.detectors.items():
        if entry.shortcut:
            own = masks[average] & evaluation.table[columns.DETECTOR].eq(detector).to_numpy()
            yield from _shortcut(
                f"{detector}, which sees nothing but {entry.shortcut},", where, _images_of(images, own)
            )
    real = 1 - images.groupby(columns.CELL)[columns.LABEL].mean()
    if len(real) and (larger := float(np.maximum(real, 1 - real).mean())) > UNBALANCED:
        yield (
            f"Unbalanced: the larger class is {100 * larger:.0f}% of a cell on average, and calling everything that is "
            "as accurate; read balanced accuracy."
        )
    yield from run.manifest.data.warnings
    for name, further in run.manifest.further.items():
        yield from (f"{name}: {warning}" for warning in further.warnings)


def _images_of(images: pd.DataFrame, cells: Mask) -> pd.DataFrame:
    """The images of these cells."""
    selected: pd.DataFrame = images[cells[images[columns.CELL].to_numpy(int)]]
    return selected


def _shortcut(baseline: str, where: str, images: pd.DataFrame) -> Iterator[str]:
    """A sentence where a baseline tells the classes of these cells apart better than chance does."""
    if not len(images):
        return
    labels, correct = images[columns.LABEL].to_numpy(), images[columns.CORRECT]
    cells, sources = pd.factorize(images[columns.CELL], sort=True)[0], images[columns.SOURCE].to_numpy()
    draws = bootstrap_accuracies(cells, sources, labels, correct.to_numpy(), balanced=True).mean(axis=0)
    low, high = interval(draws)
    if low > CHANCE:
        by_class = correct.groupby([images[columns.CELL], images[columns.LABEL]]).mean()
        value = by_class.groupby(level=0).mean().mean()
        yield (
            f"Shortcut: {baseline} reaches {100 * value:.1f}% [{100 * low:.1f}, {100 * high:.1f}] balanced accuracy "
            f"{where} (chance {100 * CHANCE:.0f}%). Accuracies below may rest on that."
        )
