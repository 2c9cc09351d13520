"""What a detector would reach at another threshold, or with calibrated scores, from images held out of its training."""

from __future__ import annotations

from bench.evaluation.cells import MeasuredCells
from bench.evaluation.validation_measures import BALANCED_ACCURACY, mean_measures, validation_measures
from bench.metrics.calibration import CALIBRATION_METHODS
from bench.report.ranking_columns import TableColumn, TitledTable, percent
from bench.report.sections.content import SectionContent

COLUMNS = {
    "native": "balanced_accuracy",
    "validation": BALANCED_ACCURACY,
    "oracle (seen)": "oracle_balanced_accuracy",
    "ECE": "ece",
    **{f"ECE, {method}": f"{method}_ece" for method in CALIBRATION_METHODS},
}
LEGEND = (
    "Balanced accuracy at the native threshold of 0.5, at the one that is best on images held out of the training, and "
    "at the best one for the test images themselves, which was chosen with their labels and nobody has. A gap between "
    "the first two is a matter of the threshold, one below the oracle of the order of the scores. ECE: expected "
    "calibration error of the probability of being generated, as it is and after temperature or Platt scaling on the "
    "held out images. Means over all cells with scores; stored scores stay as they are."
)


def threshold_content(measured: MeasuredCells) -> SectionContent:
    """One row per detector that scored what was held out of its training; nothing for a run without."""
    found = validation_measures(measured.run)
    means = mean_measures(measured.run, found)
    if not means:
        return SectionContent([])
    share = 100 * measured.run.manifest.validation
    columns = [TableColumn("detector", tuple(means), left=True)]
    columns += [
        TableColumn(header, tuple(percent(values[name]) for values in means.values()))
        for header, name in COLUMNS.items()
    ]
    title = f"Thresholds and calibration from {share:g}% of each train set, held out"
    return SectionContent([TitledTable(title, tuple(columns))], found)
