"""Detectors that were not trained here, generator by generator: accuracy, ROC AUC, and what they saw in training."""

from __future__ import annotations

import pandas as pd

from bench.evaluation.cells import SCORED, MeasuredCells, accuracy_name
from bench.records import columns
from bench.records.manifest import DataRecord, Manifest
from bench.report.ranking_columns import DASH, TableColumn, TitledTable, percent, training_text
from bench.report.sections.content import SectionContent

GENERATOR_AXIS = "generator"  # of the protocol's own, in the tables of cells
SEEN, TRAINED_ON = "seen_in_training", "trained_on"
SEEN_MARK = "*"
LEGEND = (
    f"One column per generator, each against its own real images. {SEEN_MARK} The detector saw images of this "
    "generator in training; where its training is unknown, so is that."
)


def generator_rows(measured: MeasuredCells) -> pd.DataFrame:
    """The measured cells of released and imported rows, what each was trained on, and whether it saw the generator."""
    manifest, cells = measured.run.manifest, measured.table
    detectors, known = manifest.detectors, {one for data in _data_records(manifest) for one in data.generators}
    records = {name: record.checkpoint or record.imported for name, record in detectors.items() if not record.trained}
    cells = cells[cells[columns.DETECTOR].isin(list(records))]
    seen = [
        "unknown" if record.trained_on is None else "yes" if _tested(test, known) & set(record.seen) else "no"
        for record, test in zip(map(records.get, cells[columns.DETECTOR]), cells[columns.TEST], strict=True)
        if record is not None
    ]
    trained_on = [training_text(records[name]) for name in cells[columns.DETECTOR]]
    names = [columns.DETECTOR, columns.TEST_DATA, columns.TEST, columns.DEGRADATION, *columns.MEASURES]
    shown = cells[[*names, columns.STATUS, columns.REASON]].assign(**{TRAINED_ON: trained_on, SEEN: seen})
    shown[GENERATOR_AXIS] = [
        f"{data}:{test}" if data else test
        for data, test in zip(cells[columns.TEST_DATA], cells[columns.TEST], strict=True)
    ]
    return shown


def _data_records(manifest: Manifest) -> tuple[DataRecord, ...]:
    return manifest.data, *manifest.further.values()


def _tested(test: str, known: set[str]) -> set[str]:
    """The generators of a test set by its name; a name that is a label may stand for any of the data."""
    names = set(test.split("+"))
    return {test} if test in known else names if names <= known else known


def generator_content(measured: MeasuredCells) -> SectionContent:
    """A table of each measure and degradation; none where every detector was trained.

    Nor where a protocol's own axes tell cells of one generator apart, such as by attack: a column would be of several.
    """
    if all(record.trained for record in measured.run.manifest.detectors.values()):
        return SectionContent([])
    rows = generator_rows(measured)
    scored = rows[rows[columns.STATUS].eq(SCORED)]
    if scored.duplicated([columns.DETECTOR, GENERATOR_AXIS, columns.DEGRADATION]).any():
        return SectionContent([])
    titles = {columns.ROC_AUC: "ROC AUC in %", columns.RANKED: f"{accuracy_name(scored).capitalize()} in %"}
    tables = [
        _table(part, measure, f"{title}, {step}" if step != "none" else title)
        for measure, title in titles.items()
        for step, part in scored.groupby(columns.DEGRADATION, sort=False)
    ]
    return SectionContent(tables, rows)


def _table(cells: pd.DataFrame, measure: str, title: str) -> TitledTable:
    """One measure of all such detectors on all generators."""
    detectors = list(cells[columns.DETECTOR].unique())
    trained_on = cells.drop_duplicates(columns.DETECTOR).set_index(columns.DETECTOR)[TRAINED_ON]
    texts = {
        (detector, generator): percent(value) + (SEEN_MARK if seen == "yes" else "")
        for detector, generator, value, seen in cells[[columns.DETECTOR, GENERATOR_AXIS, measure, SEEN]].itertuples(
            index=False, name=None
        )
    }
    shown = [
        TableColumn("detector", tuple(detectors), left=True),
        TableColumn("trained on", tuple(trained_on[detectors]), left=True),
    ]
    for generator in cells[GENERATOR_AXIS].unique():
        column = tuple(texts.get((detector, generator), DASH) for detector in detectors)
        shown.append(TableColumn(str(generator), column))
    return TitledTable(title, tuple(shown))
