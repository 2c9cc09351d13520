import io
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from bench.evaluation.joined_runs import join_runs, only_rows
from bench.golden.golden_record import golden_from, pack, unpack
from bench.golden.regression import BETTER, MEAN_CHANGES, WORSE, FallLimits, cell_changes, compare, seeds_differ
from bench.metrics.metric import UnusableScores
from bench.report.comparison_report import comparison_report
from tests.support.synthetic_runs import (
    falling,
    make_run,
    rng,
    with_data,
    with_detector,
    with_manifest,
    with_scores,
    without,
)

DETECTORS = ("alpha", "beta")


def same_for_every_seed(skill):
    """Deterministic detectors: every seed scores alike."""

    def made(run):
        first = run.cells["key"].map(lambda key: key.rsplit("/", 1)[0] + "/0")
        donors = run.scores.set_index("key")["score"]
        scores = np.concatenate([donors.loc[key].to_numpy() for key in first])
        return with_scores(run, run.scores.assign(score=scores))

    return made(make_run(skill, DETECTORS, (0, 1, 2), n=100))


@pytest.fixture(scope="module")
def golden():
    """Two deterministic detectors, 16 cells of 200 images, three seeds that agree."""
    return golden_from([same_for_every_seed(falling())])


@pytest.fixture
def now():
    return make_run(falling(), DETECTORS, (0,), n=100)


def change(run, where, how):
    """The same run with other scores where `where` holds."""
    scores = run.scores.copy()
    scores.loc[where, "score"] = how(scores.loc[where, "score"].to_numpy())
    return with_scores(run, scores)


def spoil(run, keys, count):
    """Call `count` more images wrong in each of these cells."""
    scores = run.scores.copy()
    for key in keys:
        mine = scores[scores["key"] == key]
        right = mine.index[(mine["score"] > 0.5) == (mine["label"] == 1)]
        chosen = rng("spoil", key).choice(right, count, replace=False)
        scores.loc[chosen, "score"] = 1 - scores.loc[chosen, "score"]
    return with_scores(run, scores)


def of(run, detector):
    return run.scores["key"].str.startswith(f"{detector}/")


def fallen(found):
    rows = found.cells[found.cells["verdict"] == WORSE]
    return set(zip(rows["detector"], rows["train"], rows["test"], strict=True))


def fallen_averages(found):
    rows = found.means[found.means["verdict"] == WORSE]
    return set(zip(rows["detector"], rows["average"], strict=True))


def test_the_same_scores_pass(golden, now):
    found = compare(golden, now)
    assert found.exit_code == 0
    assert found.obstacles == ()
    assert found.notes == ("every decision is that of the record's training of that seed: alpha, beta",)
    assert (tuple(found.cells.columns), tuple(found.means.columns)) == (cell_changes(), MEAN_CHANGES)
    assert (len(found.cells), len(found.means)) == (32, 4)
    assert found.cells["change"].abs().max() < 1e-12
    assert (found.cells["images"] == 200).all()


def test_a_packed_record_gives_the_same_verdicts(golden, now):
    worse = spoil(now, ["alpha/fog/fog/none/0"], 30)
    pd.testing.assert_frame_equal(compare(unpack(pack(golden)), worse).cells, compare(golden, worse).cells)


def test_rows_may_come_in_any_order(golden, now):
    worse = spoil(now, ["alpha/fog/fog/none/0"], 30)
    shuffled = with_scores(worse, worse.scores.sample(frac=1, random_state=0))
    expected, found = compare(golden, worse), compare(golden, shuffled)
    pd.testing.assert_frame_equal(found.cells, expected.cells)
    pd.testing.assert_frame_equal(found.means, expected.means, rtol=1e-9)


def test_shuffled_scores_fall(golden, now):
    worse = change(now, of(now, "alpha"), rng("shuffle").permutation)
    found = compare(golden, worse)
    assert found.exit_code == 1
    assert {(train, test) for detector, train, test in fallen(found) if train == test} == {
        (name, name) for name in ("fog", "haze", "kiln", "ember")
    }
    assert {detector for detector, *_ in fallen(found)} == {"alpha"}
    assert fallen_averages(found) == {("alpha", "diagonal"), ("alpha", "all cells")}


def test_inverted_scores_fall(golden, now):
    found = compare(golden, change(now, of(now, "beta"), lambda scores: 1 - scores))
    assert found.exit_code == 1
    assert {detector for detector, *_ in fallen(found)} == {"beta"}


def test_flipped_labels_fall_and_are_named(golden, now):
    found = compare(golden, with_scores(now, now.scores.assign(label=1 - now.scores["label"])))
    assert found.exit_code == 1
    assert found.obstacles[0].startswith("alpha: 3200 images have another label now, in 16 cells, such as val/")


def test_one_fallen_cell_is_found_and_no_other(golden, now):
    found = compare(golden, spoil(now, ["alpha/kiln/haze/none/0"], 40))
    assert found.exit_code == 1
    assert fallen(found) == {("alpha", "kiln", "haze")}
    row = found.cells[found.cells["verdict"] == WORSE].iloc[0]
    assert row["change"] == pytest.approx(-0.2)
    assert row["now"] == pytest.approx(row["golden"] - 0.2)
    assert (row["p"], row["seeds"], row["spread"]) == (0, 1, 0)
    assert found.fallen == ("alpha",)


def test_a_small_fall_everywhere_is_found_by_the_averages(golden, now):
    """4 of 200 images in every cell: within the tolerance of each."""
    found = compare(golden, spoil(now, now.cells["key"][now.cells["detector"] == "alpha"], 4))
    assert fallen(found) == set()
    assert fallen_averages(found) == {("alpha", "diagonal"), ("alpha", "all cells")}
    assert found.exit_code == 1


def test_a_rise_is_told_and_passes(golden, now):
    right = now.scores["label"].to_numpy() * 0.8 + 0.1
    kiln = now.scores["key"] == "alpha/kiln/haze/none/0"
    found = compare(golden, change(now, kiln, lambda _: right[kiln].astype(np.float32)))
    assert found.exit_code == 0
    assert found.cells.loc[found.cells["verdict"] == BETTER, "test"].tolist() == ["haze"]


def test_a_change_within_what_is_tolerated_is_none(golden, now):
    """6 of 200 images in one cell: 3 points, and 0.2 of all cells."""
    found = compare(golden, spoil(now, ["alpha/kiln/haze/none/0"], 6))
    assert found.cells["change"].min() == pytest.approx(-0.03)
    assert found.exit_code == 0
    assert "alpha: 6 of 3200 decisions are not those of the record's training of that seed" in found.notes


def test_degraded_cells_are_compared_on_clean_ground_and_over_all():
    golden = golden_from([make_run(degraded=True, n=100)])
    run = make_run(degraded=True, n=100)
    found = compare(golden, spoil(run, ["alpha/fog/fog/jpeg:65/0"], 50))
    assert found.means["average"].tolist() == ["none", "all cells"] * 2
    assert found.cells.loc[found.cells["verdict"] == WORSE, "degradation"].tolist() == ["jpeg:65"]
    assert fallen_averages(found) == {("alpha", "all cells")}


def unstable(training, shift=0.0):
    """A network whose accuracy differs from training to training: little at home, more away."""

    def skill(detector, train, test, degradation, seed):
        usual = falling(away=0.7)(detector, train, test, degradation, seed)
        drawn = rng("training", training, seed, train, test).normal(0, 0.005 if train == test else 0.04)
        return float(np.clip(usual + drawn - shift * ((train, test) == ("fog", "haze")), 0, 1))

    return skill


@pytest.fixture(scope="module")
def retrained():
    """A record of 10 trainings of a network, and 3 others of the same one."""
    golden = golden_from([make_run(unstable("golden"), ["alpha"], range(10), n=100)])
    return golden, make_run(unstable("again"), ["alpha"], range(3), n=100, noise=1)


def test_a_network_trained_again_passes_and_its_spread_is_shown(retrained):
    golden, now = retrained
    found = compare(golden, now)
    assert found.exit_code == 0
    assert (len(found.cells), len(found.means)) == (16, 2)
    assert (found.cells["seeds"] == 3).all()
    right = (golden.scores["score"] > 0.5) == (golden.scores["label"] == 1)
    accuracy = right.groupby(golden.scores["key"]).mean()
    trainings = [accuracy[f"alpha/fog/kiln/none/{seed}"] for seed in range(10)]
    row = found.cells.set_index(["train", "test"]).loc[("fog", "kiln")]
    assert row["golden"] == pytest.approx(np.mean(trainings))
    assert row["spread"] == pytest.approx(np.std(trainings, ddof=1))
    assert any("decisions are not those of the record's training of that seed" in note for note in found.notes)


def test_a_fall_of_every_training_is_found(retrained):
    golden, _ = retrained
    worse = make_run(unstable("again", shift=0.25), ["alpha"], range(3), n=100, noise=1)
    found = compare(golden, worse, FallLimits(cell_alpha=0.02))
    assert found.exit_code == 1
    assert fallen(found) == {("alpha", "fog", "haze")}


def test_one_bad_training_of_several_is_no_fall(retrained):
    golden, now = retrained
    found = compare(golden, spoil(now, ["alpha/fog/haze/none/0"], 60), FallLimits(cell_alpha=0.02))
    assert found.cells["change"].min() < -0.08
    assert found.exit_code == 0


def test_too_few_trainings_to_show_a_fall_of_a_cell_are_told():
    golden = make_run(unstable("golden"), ["alpha"], range(4), n=50)
    broken = make_run(lambda *_: 0.5, ["alpha"], (0,), n=50)
    few = "alpha: 1 training seeds now and 4 in the golden record cannot show a fall of one cell; train more"
    again = compare(golden, make_run(unstable("again"), ["alpha"], (0,), n=50))
    assert (again.exit_code, again.obstacles) == (2, (few,))
    found = compare(golden, broken, FallLimits(mean_alpha=0.02))  # the averages are of four train sets
    assert (found.exit_code, fallen(found), found.obstacles) == (1, set(), (few,))


def test_a_detector_that_does_not_depend_on_its_seed_is_compared_beside_one_that_does(retrained):
    golden, now = retrained
    steady = golden_from([same_for_every_seed(falling())])
    beta = only_rows(steady, ["beta"])
    found = compare(joined_run(golden, beta), joined_run(now, spoil(first_seed(beta), ["beta/kiln/haze/none/0"], 20)))
    assert fallen(found) == {("beta", "kiln", "haze")}
    assert found.obstacles == ()
    assert found.cells.groupby("detector")["seeds"].first().to_dict() == {"alpha": 3, "beta": 1}
    assert seeds_differ(joined_run(golden, beta)) == ["alpha"]


def joined_run(*runs):
    (run,) = join_runs(runs)
    return run


def first_seed(run):
    return replace(run, cells=run.cells[run.cells["seed"] == 0].reset_index(drop=True))


@pytest.mark.slow
def test_networks_trained_again_fail_as_seldom_as_stated():
    limits, alarms = FallLimits(cell_alpha=0.05, mean_alpha=0.05), 0
    for i in range(200):
        golden = make_run(unstable(("golden", i)), ["alpha"], range(6), n=50, noise=2 * i)
        again = make_run(unstable(("again", i)), ["alpha"], range(3), n=50, noise=2 * i + 1)
        alarms += compare(golden, again, limits).exit_code != 0
    assert alarms <= 0.1 * 200 + 8  # two families, and two standard errors


def test_missing_detector(golden, now):
    part = with_manifest(now, detectors={"alpha": now.manifest.detectors["alpha"]})
    cells = now.cells[now.cells["detector"] == "alpha"]
    found = compare(golden, with_scores(part, now.scores[of(now, "alpha")], cells=cells))
    assert (found.exit_code, found.obstacles) == (2, ("beta: not in this run",))
    assert len(found.cells) == 16


def test_other_version(golden, now):
    found = compare(golden, with_detector(now, "beta", version=2, key="beta.2.small"))
    assert found.exit_code == 2
    assert found.obstacles == (
        "beta: the golden record holds beta.1.small (version 1), this run beta.2.small (version 2)",
    )
    assert set(found.cells["detector"]) == {"alpha"}


@pytest.mark.parametrize("status", ["skipped", "failed"])
def test_holes_are_told_with_their_reason(golden, now, status):
    found = compare(golden, without(now, now.cells["detector"].eq("beta"), status, "no room"))
    assert (found.exit_code, found.obstacles) == (2, (f"beta: 16 cells {status}: no room",))


def test_a_hole_in_one_of_several_seeds_is_told(golden):
    run = make_run(falling(), DETECTORS, (0, 1), n=100)
    hole = run.cells["detector"].eq("beta") & run.cells["seed"].eq(1)
    found = compare(golden, without(run, hole, "failed", "no room"))
    assert found.obstacles == ("beta: 16 cells failed: no room",)


def test_cells_that_were_not_asked(golden, now):
    found = compare(golden, replace(now, cells=now.cells[now.cells["train"] != "kiln"]))
    assert (found.exit_code, found.obstacles) == (2, ("alpha: 4 cells not asked", "beta: 4 cells not asked"))


def test_missing_and_foreign_images(golden, now):
    first = now.scores["name"] == "val/fog/0003.jpg"
    found = compare(golden, with_scores(now, now.scores[~first]))
    assert found.exit_code == 2
    lost = "4 images of the golden record were not scored, in 4 cells, such as val/fog/0003.jpg"
    assert found.obstacles == (f"alpha: {lost}", f"beta: {lost}")
    assert found.cells["images"].min() == 199
    renamed = now.scores["name"].where(~first, "val/fog/new.jpg")
    found = compare(golden, with_scores(now, now.scores.assign(name=renamed)))
    assert "alpha: 4 images are not in the golden record, in 4 cells, such as val/fog/new.jpg" in found.obstacles


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"setting": "paper"}, "another setting: small in the golden record, paper now"),
        (
            {"protocol": replace(make_run().manifest.protocol, name="other")},
            "another protocol: made_up in the golden record, other now",
        ),
        (
            {"protocol": replace(make_run().manifest.protocol, axes=("weather",))},
            "other axes of the protocol: none in the golden record, weather now",
        ),
        ({"data": replace(make_run().manifest.data, version="2")}, "another data version: 1 in"),
    ],
)
def test_another_question_is_not_compared(golden, now, change, reason):
    found = compare(golden, with_manifest(now, **change))
    assert found.exit_code == 2
    assert found.obstacles[0].startswith(reason)
    assert found.cells.empty


def test_nothing_in_common_is_not_comparable(golden, now):
    found = compare(golden, with_manifest(now, detectors={}))
    assert (found.exit_code, len(found.obstacles)) == (2, 2)


def test_a_new_detector_is_noted(golden):
    found = compare(golden, make_run(falling(), [*DETECTORS, "gamma"], n=100))
    assert found.exit_code == 0
    assert "gamma: 16 cells are not in the golden record, not compared" in found.notes


def test_an_unknown_seed_is_compared_with_the_lowest(golden):
    found = compare(golden, make_run(falling(), DETECTORS, (7,), n=100))
    assert found.obstacles == ()
    assert "alpha: seed 7 is not in the golden record" in found.notes


def test_a_record_of_one_seed_says_that_it_gives_no_slack(now):
    assert any("no slack" in note for note in compare(golden_from([now]), now).notes)


def test_scores_that_are_no_probabilities_are_refused(golden, now):
    unusable = with_scores(now, now.scores.assign(score=now.scores["score"].where(now.scores.index != 3)))
    with pytest.raises(UnusableScores):
        compare(golden, unusable)


def test_the_outcome_reads_in_100_characters(golden, now):
    worse = spoil(now, now.cells["key"][now.cells["detector"] == "alpha"], 60)
    worse = without(worse, worse.cells["detector"].eq("beta"), "skipped", "no weights")
    console = Console(width=100, file=io.StringIO())
    console.print(comparison_report(compare(golden, worse)))
    text = console.file.getvalue()
    assert max(map(len, text.splitlines())) <= 100
    assert "Cells that fell: 16" in text
    assert "-30.0" in text
    assert "- beta: 16 cells skipped: no weights" in text
    assert text.splitlines()[-1] == "16 cells and 2 averages compared, 18 fell, 1 obstacles."


def test_a_corpus_made_elsewhere_is_compared_by_name_and_noted(golden, now):
    found = compare(golden, with_data(now, digest="d2"))
    assert found.exit_code == 0
    assert any("paired by name" in note for note in found.notes)
