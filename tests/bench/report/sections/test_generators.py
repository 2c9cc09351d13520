from dataclasses import replace

import pandas as pd

from bench.evaluation.cells import evaluate
from bench.records.manifest import CheckpointRecord
from bench.report.sections.generators import generator_content
from tests.support.synthetic_runs import make_run, with_detector


def released():
    """Two checkpoints on four generators."""
    run = make_run(n=20)
    kept = run.cells[run.cells["train"].eq("fog")].reset_index(drop=True)
    run = replace(run, cells=kept, score_table=run.score_table.only(kept["key"]))
    for name in ("alpha", "beta"):
        run = with_detector(run, name, checkpoint=CheckpointRecord(f"{name}.pth", "0" * 64, trained_on=("fog",)))
    return run


def test_each_generator_has_a_column_with_the_numbers_of_its_cells():
    measured = evaluate(released())
    areas, accuracies = generator_content(measured).tables
    assert [column.header for column in areas.columns] == ["detector", "trained on", "fog", "haze", "kiln", "ember"]
    cell = measured.table[measured.table["detector"].eq("beta") & measured.table["test"].eq("kiln")].iloc[0]
    assert areas.columns[4].texts[1] == f"{100 * cell['roc_auc']:.1f}"
    assert accuracies.columns[4].texts[1] == f"{100 * cell['accuracy']:.1f}"


def test_cells_that_an_axis_of_the_protocol_tells_apart_are_not_one_number():
    run = released()
    again = run.cells.assign(key="again/" + run.cells["key"])
    scores = pd.concat([run.scores, run.scores.assign(key="again/" + run.scores["key"])])
    cells = pd.concat([run.cells.assign(attack="none"), again.assign(attack="fgsm:2")], ignore_index=True)
    protocol = replace(run.manifest.protocol, axes=("attack",))
    twice = replace(run, cells=cells, score_table=type(run.score_table).from_frame(scores))
    measured = evaluate(replace(twice, manifest=replace(run.manifest, protocol=protocol)))
    assert generator_content(measured).tables == []
