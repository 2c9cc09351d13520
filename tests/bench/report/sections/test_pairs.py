"""The section on pairs: twins of one source, else every two of a cell."""

from dataclasses import replace

import numpy as np
import pytest

from bench.evaluation.cells import evaluate
from bench.report.sections.pairs import pair_content
from tests.support.synthetic_runs import make_run, with_manifest, with_scores


def paired(score, log_odds=np.nan):
    """A run with the real and the generated images of each cell in twins, whose scores are as given by label."""
    run = make_run()
    scores = run.scores.assign(source=run.scores.groupby(["key", "label"]).cumcount().map("twin {}".format))
    number = run.scores.groupby(["key", "label"]).cumcount()
    scores = scores.assign(score=[score(label, one) for label, one in zip(scores["label"], number, strict=True)])
    scores = scores.assign(score=scores["score"].astype("float32"), log_odds=log_odds)
    protocol = replace(run.manifest.protocol, pairs=True)
    return with_scores(with_manifest(run, protocol=protocol), scores)


def test_ties_count_half():
    found = pair_content(evaluate(paired(lambda label, number: 0.5)))
    assert found.rows["generated_higher"].tolist() == pytest.approx([0.5] * len(found.rows))


def test_twins_are_compared_with_each_other_alone():
    """Each generated image is a little above its twin, and below most other real ones."""
    rows = pair_content(evaluate(paired(lambda label, number: number / 100 + 0.001 * label))).rows
    assert set(rows["kind"]) == {"twins"}
    assert rows["generated_higher"].tolist() == pytest.approx([1] * len(rows))
    assert set(rows["pairs"]) == set(evaluate(make_run()).table["n"] // 2)


def test_a_run_that_asks_for_no_pairs_has_no_such_section():
    assert pair_content(evaluate(make_run())).tables == []
