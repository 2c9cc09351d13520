"""Single cells and decisions in which two detectors differ."""

import numpy as np
import pytest
from scipy.stats import binomtest

from bench.evaluation.cells import evaluate
from bench.evaluation.comparing.cell_differences import compare_cells, correct_cells, corrected_p, verdict_of
from bench.evaluation.comparing.paired_runs import pair_runs
from bench.evaluation.comparing.sides import choose_sides
from tests.support.synthetic_runs import falling, make_run, with_scores


def compared(run):
    paired = pair_runs(*choose_sides([run], ("alpha", "beta"))[0])
    return compare_cells(paired, evaluate(paired.run))


def better_in_one(detector, train, test, *_):
    return 0.95 if (detector, train, test) == ("alpha", "fog", "kiln") else 0.6


def test_the_one_cell_that_differs_is_found():
    cells, _ = compared(make_run(better_in_one, n=80))
    assert correct_cells([cells]) == 16
    found = cells[cells["verdict"].ne("unresolved")]
    assert found[["train", "test", "verdict"]].to_numpy().tolist() == [["fog", "kiln", "better"]]
    (row,) = found.to_dict("records")
    assert 0 < row["low"] < row["difference"] == row["first"] - row["second"] < row["high"]
    assert row["p"] < row["corrected_p"] <= 16 * row["p"] * (1 + 1e-9)


def test_a_cell_alone_has_nearly_the_p_of_mcnemar():
    """Every source is one image and classes are as large: changes of balanced accuracy are changes of decisions."""
    run = make_run(better_in_one, n=80)
    cells, _ = compared(run)
    right = run.scores.assign(right=(run.scores["score"] > 0.5) == (run.scores["label"] == 1))
    theirs = {name: part.set_index("name")["right"] for name, part in right.groupby("key")}
    tried = 0
    for place, cell in cells.iterrows():
        keys = [f"{name}/{cell['train']}/{cell['test']}/none/0" for name in ("alpha", "beta")]
        one, other = (theirs[key] for key in keys)
        won, lost = int((one & ~other).sum()), int((~one & other).sum())
        if won != lost:
            exact = binomtest(won, won + lost).pvalue
            assert exact / 2 < cells.loc[place, "p"] < max(2 * exact, 0.001)
            tried += 1
    assert tried > 10


def test_decisions_that_differ_are_counted():
    run = make_run(falling(), n=30)
    _, changes = compared(run)
    decided = run.scores.assign(right=(run.scores["score"] > 0.5) == (run.scores["label"] == 1))
    decided["detector"], decided["cell"] = decided["key"].str[:1], decided["key"].str.split("/", n=1).str[1]
    both = decided.pivot_table(index=["cell", "name"], columns="detector", values="right", aggfunc="first").astype(bool)
    won, lost = both["a"] & ~both["b"], both["b"] & ~both["a"]
    assert (changes.decisions, changes.won, changes.lost) == (len(both), won.sum(), lost.sum())
    differing = (won | lost).groupby("name").any()
    assert (changes.images, changes.of_images) == (differing.sum(), len(differing))
    assert 0 < changes.p <= 1


def test_a_cell_that_both_decide_alike_is_the_same_and_counts_as_no_test():
    run = make_run(falling(), n=20)
    scores = run.scores
    sure = (0.25 + 0.5 * scores["label"]).astype(np.float32)
    fog = scores["key"].str.contains("/fog/fog/")
    cells, _ = compared(with_scores(run, scores.assign(score=scores["score"].where(~fog, sure))))
    assert correct_cells([cells]) == 15
    (row,) = cells[cells["verdict"].eq("same")].to_dict("records")
    assert (row["difference"], row["low"], row["high"], row["p"], row["corrected_p"]) == (0, 0, 0, 1, 1)


def test_cells_of_several_comparisons_are_corrected_together():
    one, _ = compared(make_run(better_in_one, n=80))
    other, _ = compared(make_run(better_in_one, n=80))
    alone = one.copy()
    assert correct_cells([alone]) == 16
    assert correct_cells([one, other]) == 32
    assert one["corrected_p"].min() == pytest.approx(2 * alone["corrected_p"].min())


def test_a_cell_of_several_trainings_holds_what_trainings_differ_by():
    """Two thirds of the trainings fail: images alone would tell the detectors apart, trainings do not."""
    run = make_run(lambda *where: 0.5 if where[0] == "alpha" and where[-1] else 0.9, seeds=(0, 1, 2), n=60)
    cells, _ = compared(run)
    assert len(cells) == 16
    assert set(cells["seeds"]) == {3}
    assert correct_cells([cells]) == 16
    assert set(cells["verdict"]) == {"unresolved"}
    steady, _ = compared(make_run(lambda *where: 0.63 if where[0] == "alpha" else 0.9, seeds=(0, 1, 2), n=60))
    correct_cells([steady])
    assert steady["verdict"].eq("worse").sum() > 12


def test_nothing_to_correct_is_no_fault():
    assert corrected_p([]) == []
    assert corrected_p([0.01, 0.5]) == [0.02, 0.5]
    assert [verdict_of(0.1, 0.04), verdict_of(-0.1, 0.05), verdict_of(0.1, 0.06), verdict_of(0, 0)] == [
        "better",
        "worse",
        "unresolved",
        "unresolved",
    ]
