"""Scores of another tool, from copies that are written to the numbers that are printed."""

import json
import re

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from sklearn.metrics import roc_auc_score

from bench.records.store import Store
from detectors.checks import texture
from tests.support.command_line import one_line
from tests.support.networks import save_tiny_ladeda
from tests.support.score_tables import score_table, written

EACH = 4  # photographs, real and generated
PROFILE = """version = 1
about = "a"
source = "b"
degradations = ["jpeg:30", "blur:1"]

[score]
clean_auc = 0.25
flip_rate = 0.75
"""


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    root = tmp_path_factory.mktemp("photos")
    for kind in ("real", "flux"):
        for number in range(EACH):
            path = root / kind / f"{number}.png"
            path.parent.mkdir(exist_ok=True)
            Image.fromarray(texture(f"{kind}{number}", 40, 44)).save(path)
    return root


@pytest.fixture(scope="module")
def degraded(lineup, photos, tmp_path_factory):
    """The copies of a profile."""
    out = tmp_path_factory.mktemp("out") / "copies"
    done = lineup("degrade", photos, "--profile", "techjam-2026", "--out", out)
    assert done.returncode == 0, done.stderr
    return out


@pytest.fixture
def predicted(tmp_path):
    """Writes a list of random scores for the rows of a manifest; gives its path and the manifest with the scores."""

    def write(folder):
        manifest = pd.read_csv(folder / "manifest.csv", keep_default_na=False)
        manifest["pred"] = np.random.default_rng(1).random(len(manifest))
        rows = [
            {"image_path": path, "pred": pred} for path, pred in zip(manifest["path"], manifest["pred"], strict=True)
        ]
        (tmp_path / "theirs.json").write_text(json.dumps(rows))
        return tmp_path / "theirs.json", manifest

    return write


def test_a_list_about_degraded_copies_is_scored_as_the_profile_says(lineup, degraded, predicted):
    path, manifest = predicted(degraded)
    done = lineup("import", path, "--data", degraded, "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    clean = manifest["copy"] == "none"
    areas = [roc_auc_score(manifest["label"][rows], manifest["pred"][rows]) for rows in (clean, ~clean)]
    assert (found["detector"], found["profile"], found["images"], found["conditions"]) == (
        "theirs",
        "techjam-2026",
        2 * EACH,
        20,
    )
    assert [found["clean_auc"], found["pooled_auc"]] == pytest.approx(areas)
    assert found["score"] == pytest.approx(sum(areas) / 2)
    assert found["by_condition"][0]["degradation"] == "none"
    assert len(found["by_condition"]) == 20
    printed = lineup("import", path, "--data", degraded, "--detector", "Another").stdout
    assert "Another" in printed
    assert "techjam-2026 (0.5 clean_auc, 0.5 pooled_auc)" in printed
    assert re.search(rf"{100 * found['score']:.1f}\b", printed)
    assert all(one in printed for one in set(manifest["copy"]))


@pytest.mark.slow
def test_what_score_writes_about_the_copies_is_what_it_says_of_the_originals(lineup, photos, degraded, tmp_path):
    weights = save_tiny_ladeda(tmp_path / "tiny.pth", 1)
    given = ("--detectors", f"tiny_ladeda@{weights}")
    out = tmp_path / "predictions.json"
    assert lineup("score", degraded, *given, "--form", "predictions", "--out", out).returncode == 0
    own = json.loads(lineup("score", photos, *given, "--profile", "techjam-2026", "--json").stdout)
    expected = {
        (image["name"], answer["degradation"]): answer["score"]
        for image in own["images"]
        for answer in image["answers"]
    }
    manifest = pd.read_csv(degraded / "manifest.csv", keep_default_na=False).set_index("path")
    written = {row["image_path"]: row["pred"] for row in json.loads(out.read_text())}
    assert len(written) == len(expected) == len(manifest)
    for path, pred in written.items():
        assert pred == pytest.approx(expected[manifest["original"][path], manifest["copy"][path]], abs=1e-6)
    assert lineup("import", out, "--data", degraded).returncode == 0


def test_labelled_images_without_degradation_have_no_flips(lineup, photos, tmp_path):
    rows = [
        {"image_path": f"{kind}/{n}.png", "pred": int(kind == "flux")} for kind in ("real", "flux") for n in range(EACH)
    ]
    (tmp_path / "p.json").write_text(json.dumps(rows))
    printed = lineup("import", tmp_path / "p.json", "--data", photos).stdout
    assert "flips" not in printed.partition("Under each condition")[0].splitlines()[1]
    found = json.loads(lineup("import", tmp_path / "p.json", "--data", photos, "--json").stdout)
    assert (found["clean_auc"], found["pooled_auc"], found["profile"]) == (1.0, None, None)


def test_a_profile_of_ones_own_has_its_score(lineup, photos, predicted, tmp_path):
    profile = tmp_path / "mine.toml"
    profile.write_text(PROFILE)
    copies = tmp_path / "copies"
    assert lineup("degrade", photos, "--profile", profile, "--out", copies).returncode == 0
    path, _ = predicted(copies)
    found = json.loads(lineup("import", path, "--data", copies, "--profile", profile, "--json").stdout)
    assert found["score"] == pytest.approx(0.25 * found["clean_auc"] + 0.75 * found["flip_rate"])
    assert "score" not in json.loads(lineup("import", path, "--data", copies, "--json").stdout)
    refused = one_line(lineup("import", path, "--data", copies, "--profile", "techjam-2026"))
    assert "--profile techjam-2026 is not of these degradations" in refused
    assert "--profile delivery has no score" in one_line(
        lineup("import", path, "--data", copies, "--profile", "delivery")
    )


def test_lists_that_do_not_fit_and_images_without_labels_are_one_line(lineup, photos, degraded, predicted, tmp_path):
    path, manifest = predicted(degraded)
    rows = json.loads(path.read_text())
    path.write_text(json.dumps(rows[5:]))
    refused = one_line(lineup("import", path, "--data", degraded))
    assert f"5 images of {degraded} have no prediction, such as {', '.join(manifest['path'][:3])}; mend" in refused
    assert "none.json is no file" in one_line(lineup("import", tmp_path / "none.json", "--data", degraded))
    unlabelled = tmp_path / "unlabelled"
    lineup("degrade", photos / "real", "--degradations", "jpeg:90", "--out", unlabelled)
    path, _ = predicted(unlabelled)
    assert "manifest.csv line 1: column label is missing" in one_line(lineup("import", path, "--data", unlabelled))


@pytest.fixture
def table(tmp_path):
    """A table of scores of another tool, with labels as words."""
    return written(tmp_path, score_table().drop(columns="logit"))


def test_a_table_is_a_result_folder_that_boards_are_made_of(lineup, table, tmp_path):
    out, other = tmp_path / "out", written(tmp_path, score_table(shift=0.3).drop(columns="logit"), "worse.jsonl")
    done = lineup("import", table, "--out", out)
    assert done.returncode == 0, done.stderr
    assert "theirs (imported)" in done.stdout
    assert "were taken for probabilities" in done.stderr
    assert {"manifest.json", "leaderboard.md", "leaderboard.csv", "cells.parquet"} <= {
        one.name for one in out.iterdir()
    }
    (row,) = pd.read_csv(out / "leaderboard.csv").to_dict(orient="records")
    assert (row["imported"], row["coverage"], row["imported_scores"]) == ("theirs.csv", 1.0, "probability")
    assert lineup("import", other, "--scores", "probability", "--out", tmp_path / "other").returncode == 0
    board = lineup("leaderboard", out, tmp_path / "other")
    assert (board.returncode, board.stdout.count("Imported: ")) == (0, 1)
    assert board.stdout.index("theirs (imported)") < board.stdout.index("worse (imported)")
    shown = lineup("show", out)
    assert shown.returncode == 0
    assert "ProGAN" in shown.stdout
    again = lineup("import", table, "--out", out)
    assert again.returncode == 0
    refused = one_line(lineup("import", other, "--out", out))
    assert "holds imported on images of a table of scores with theirs" in refused
    assert lineup("import", other, "--out", out, "--replace").returncode == 0
    assert list(Store(out).read().manifest.detectors) == ["worse"]


def test_without_a_folder_nothing_is_written_and_json_is_one_document(lineup, table, tmp_path):
    before = sorted(tmp_path.rglob("*"))
    done = lineup("import", table, "--json", "--detector", "Theirs")
    (ranking,) = json.loads(done.stdout)
    (row,) = ranking["rows"]
    assert (row["detector"], row["imported"]["file"], row["imported"]["said"]) == ("Theirs", "theirs.csv", False)
    assert "--out FOLDER keeps it" in lineup("import", table).stderr
    assert sorted(tmp_path.rglob("*")) == before


def test_coverage_decides_over_the_exit_code_and_is_listed(lineup, tmp_path):
    path = written(tmp_path, score_table().drop(columns="logit").assign(score=lambda t: t["score"].mask(t.index < 3)))
    assert "33 of 36 images have a score" in one_line(lineup("import", path, "--out", tmp_path / "out"))
    assert not (tmp_path / "out").exists()
    done = lineup("import", path, "--out", tmp_path / "out", "--on-missing", "real")
    assert "91.7, 3 as real" in done.stdout
    assert pd.read_csv(tmp_path / "out" / "missing.csv")["name"].tolist() == [f"ProGAN/{n}.png" for n in range(3)]
    assert "91.7, 3 as real" in (tmp_path / "out" / "leaderboard.md").read_text()
    assert "91.7, 3 left out" in lineup("import", path, "--min-coverage", "0.9").stdout


def log_odds_of(folder):
    """Log odds of a run by degradation and image: in which order they are kept says nothing."""
    run = Store(folder).read()
    degradations = run.scores["key"].map(run.cells.set_index("key")["degradation"])
    return dict(zip(zip(degradations, run.scores["name"], strict=True), run.scores["log_odds"], strict=True))


@pytest.mark.slow
def test_what_score_writes_in_any_form_stands_beside_its_own_run(lineup, photos, tmp_path):
    weights = save_tiny_ladeda(tmp_path / "tiny.pth", 1)
    asked = ("--detectors", f"tiny_ladeda@{weights}", "--degradations", "jpeg:65")
    run = tmp_path / "run"
    done = lineup("run", "--protocol", "released", "--data", photos, *asked, "--out", run)
    assert done.returncode == 0, done.stderr
    numbers = []
    for form in ("csv", "json", "jsonl"):
        assert lineup("score", photos, *asked, "--out", tmp_path / f"own.{form}").returncode == 0
        out = tmp_path / form
        named = ("--detector", form, "--scores", "probability")
        done = lineup("import", tmp_path / f"own.{form}", "--like", run, *named, "--out", out)
        assert done.returncode == 0, done.stderr
        numbers.append(log_odds_of(out))
    assert len(numbers[0]) == 2 * 2 * EACH
    assert numbers == [log_odds_of(run)] * 3
    board = lineup("leaderboard", run, tmp_path / "csv", tmp_path / "json").stdout
    assert board.count("Released: ") == 1
    assert "csv (imported)" in board


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (("--data", ".", "--like", "."), "each says what the images are; choose one"),
        (("--split", "val"), "--split val is of data; give --data too"),
        (("--profile", "techjam-2026"), "is for a list of image_path and pred with --data alone"),
        (("--scores", "percent"), "scores 'percent' is not known; choose probability, logit"),
        (("--positive", "fake"), "positive 'fake' is not known; choose generated, real"),
        (("--on-missing", "drop"), "on-missing 'drop' is not known; choose exclude, real, fake"),
        (("--like", "absent"), "absent is no folder, and no run below results/runs is called so"),
        (("--columns", "score=absent"), "has no column absent"),
    ],
)
def test_options_that_do_not_fit_are_one_line(lineup, table, given, message):
    assert message in one_line(lineup("import", table, *given))


def test_scores_of_copies_make_a_board_that_says_what_the_list_says(lineup, degraded, predicted, tmp_path):
    path, manifest = predicted(degraded)
    listed = json.loads(lineup("import", path, "--data", degraded, "--json").stdout)
    written(tmp_path, manifest[["path", "pred", "label"]], "scores.csv")
    done = lineup("import", tmp_path / "scores.csv", "--data", degraded, "--out", tmp_path / "board")
    assert done.returncode == 0, done.stderr
    run = Store(tmp_path / "board").read()
    assert run.cells["degradation"].tolist() == [one["degradation"] for one in listed["by_condition"]]
    assert run.scores["name"].nunique() == 2 * EACH  # copies are called like their originals
    (row,) = pd.read_csv(tmp_path / "board" / "conditions.csv").to_dict(orient="records")
    same = ("clean_auc", "pooled_auc", "flip_rate", "score")
    assert [row[name] for name in same] == pytest.approx([listed[name] for name in same], abs=1e-6)
