"""A gate on a user's own images and detector: recorded, checked, moved, damaged, and failing where it should."""

import io
import json
import re
from dataclasses import replace
from shutil import copytree
from xml.etree import ElementTree as ET

import lineup_checkerboard
import numpy as np
import pandas as pd
import pytest
from lineup_checkerboard import Checkerboard, CheckerboardDetector
from PIL import Image

from bench.golden.question_record import read_record
from detectors.checks import texture
from tests.support.command_line import one_line

DETECTOR = "checkerboard"


def write_image(path, name, strength):
    pixels = texture(name, 24, 24).astype(int)
    pixels[::2, ::2] += strength
    buffer = io.BytesIO()
    Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)).save(buffer, "PNG")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(buffer.getvalue())


@pytest.fixture(scope="module")
def faces(tmp_path_factory):
    """A tiny data set of a user's: two generators in folders."""
    root = tmp_path_factory.mktemp("user") / "faces"
    for split, size in (("train", 6), ("test", 5)):
        for kind, strength in (("real", 0), ("mine", 25), ("theirs", 16)):
            for index in range(size):
                write_image(root / split / kind / f"{index}.png", f"{kind}{split}{index}", strength)
    return root


@pytest.fixture(scope="module")
def made(lineup, faces, tmp_path_factory):
    """A record of a detector with its fits: folder, and what was printed."""
    folder = tmp_path_factory.mktemp("golden") / "faces"
    done = lineup("golden", "make", folder, *asked(faces), "--keep-fitted")
    assert done.returncode == 0, done.stderr
    return folder, done


@pytest.fixture
def record(made, tmp_path):
    """A copy of the record, which a test may damage."""
    return copytree(made[0], tmp_path / "record")


def asked(data):
    return ("--data", data, "--detectors", DETECTOR, "--no-baselines", "--workers", "1")


def check(lineup, record, data, *further):
    return lineup("golden", "check", record, "--data", data, "--workers", "1", *further)


@pytest.fixture
def turned(monkeypatch):
    """The detector answers the other way round: a change of its code that forgot its version."""
    right = CheckerboardDetector.score
    monkeypatch.setattr(CheckerboardDetector, "score", lambda self, batch: 1 - right(self, batch))


def test_a_record_says_what_it_can_show_and_how_large_it_is(made, faces):
    folder, done = made
    assert "Scored again: 2 fitted detectors are kept" in done.stderr
    assert "of one training seed no spread between trainings is known" in done.stderr
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    assert f"{size / 1000:,.0f} kB" in done.stderr
    assert not list(folder.rglob("*.png"))
    contents = pd.read_parquet(folder / "contents.parquet")
    assert len(contents) == 33
    assert contents["sha256"].str.fullmatch("[0-9a-f]{64}").all()


def test_what_is_unchanged_passes_wherever_its_images_lie(lineup, record, faces, tmp_path, monkeypatch):
    moved = copytree(faces, tmp_path / "elsewhere" / "other name")
    (moved / "test" / "mine" / "0.png").rename(moved / "test" / "mine" / "renamed.png")
    before = read_record(record).run.manifest.versions["lineup"]
    monkeypatch.setattr("bench.request.run_record.version", lambda _: "9.9.9")
    done = check(lineup, record, moved, "--junit", tmp_path / "a.xml", "--summary", tmp_path / "a.md")
    assert done.returncode == 0, done.stderr
    assert "40 decisions compared, none changed" in done.stdout
    assert "4 cells and 2 averages compared, none fell" in done.stdout
    assert "lineup golden make" not in done.stdout
    assert "1 images have other names than in the record" in done.stderr
    assert f"versions are not those of the record: lineup {before} -> 9.9.9" in done.stderr
    root = ET.parse(tmp_path / "a.xml").getroot()
    assert (root.get("tests"), root.get("failures"), root.get("errors")) == ("10", "0", "0")
    assert "passed" in (tmp_path / "a.md").read_text()


def test_a_changed_detector_fails_and_the_cells_are_named(lineup, made, faces, turned, tmp_path, monkeypatch):
    job = tmp_path / "summary.md"
    job.write_text("## Of the step before\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(job))
    done = check(lineup, made[0], faces, "--no-fit-again", "--junit", tmp_path / "a.xml")
    assert done.returncode == 1, done.stderr
    assert "Cells with changed decisions: 4" in done.stdout
    assert re.search("degradation +seed +images +now wrong +now right", done.stdout), "one block in a pipe"
    assert f"lineup golden make {made[0]} --update --data {faces}" in done.stdout
    failed = [one for one in ET.parse(tmp_path / "a.xml").iter("testcase") if one.find("failure") is not None]
    assert len(failed) == 4
    assert {one.get("classname") for one in failed} == {f"scored again.{DETECTOR}"}
    assert "train mine, test theirs, degradation none, seed 0" in {one.get("name") for one in failed}
    text = job.read_text()
    assert text.startswith("## Of the step before\n")
    assert "faces: failed" in text
    assert "train mine, test theirs" in text


@pytest.mark.slow
def test_what_is_fitted_again_falls_too(lineup, made, faces, monkeypatch):
    class Blind(Checkerboard):
        def fit(self, train, seed, runtime):
            return CheckerboardDetector(0.0, -4.0)

    monkeypatch.setattr(lineup_checkerboard, "Checkerboard", Blind)
    done = check(lineup, made[0], faces, "--json")
    assert done.returncode == 1, done.stderr
    found = json.loads(done.stdout)
    kept, fitted = found["comparisons"]
    assert [(one["half"], any(case["failed"] for case in one["cases"])) for one in (kept, fitted)] == [
        ("scored again", False),
        ("fitted again", True),
    ]
    fell = [case["where"] for case in fitted["cases"] if case["verdict"] == "fell"]
    assert "average all cells" in fell
    assert found["moved"] == [DETECTOR]


@pytest.mark.slow
def test_a_detector_that_says_that_it_is_another_is_tested_for_falls(lineup, made, faces, monkeypatch):
    class Newer(Checkerboard):
        card = replace(Checkerboard.card, version=2)

    monkeypatch.setattr(lineup_checkerboard, "Checkerboard", Newer)
    done = check(lineup, made[0], faces, "--json")
    assert done.returncode == 0, done.stderr
    (found,) = json.loads(done.stdout)["comparisons"]
    assert found["half"] == "replaced"
    assert {case["verdict"] for case in found["cases"]} == {"same"}
    done = check(lineup, made[0], faces, "--no-fit-again")
    assert done.returncode == 2, done.stderr
    assert "Not scored again: checkerboard: the record's fits are of" in done.stderr


def test_missing_images_are_not_passed_over_and_new_ones_are_named(lineup, made, faces, tmp_path):
    other = copytree(faces, tmp_path / "faces")
    (other / "test" / "mine" / "0.png").unlink()
    write_image(other / "test" / "mine" / "new.png", "new", 20)
    done = check(lineup, made[0], other, "--no-fit-again")
    assert done.returncode == 2, done.stderr
    assert "1 images of the record are missing: test/mine/0.png" in done.stderr
    assert "Not compared: the decisions about 1 images that are missing" in done.stderr
    assert "1 images are not in the record, and not scored: test/mine/new.png" in done.stderr
    assert "38 decisions compared, none changed" in done.stdout


@pytest.mark.slow
def test_nothing_is_fitted_again_on_other_images(lineup, made, faces, tmp_path):
    other = copytree(faces, tmp_path / "faces")
    (other / "train" / "mine" / "0.png").unlink()
    done = check(lineup, made[0], other)
    assert done.returncode == 2
    assert "Not fitted again: 1 images that detectors were trained on are missing" in done.stderr
    assert "40 decisions compared, none changed" in done.stdout


def test_other_images_altogether_are_an_error(lineup, made, miniature):
    assert "none of the 33 images of the golden record is there" in one_line(check(lineup, made[0], miniature))


@pytest.mark.parametrize(
    "file", ["record.json", "question.toml", "contents.parquet", "manifest.json", "scores.parquet", "fitted"]
)
def test_a_damaged_record_is_one_line(lineup, record, faces, file, tmp_path):
    path = next((record / file).glob("*.safetensors")) if file == "fitted" else record / file
    path.write_bytes(path.read_bytes()[:-20])
    line = one_line(check(lineup, record, faces, "--junit", tmp_path / "a.xml"))
    assert re.search("damaged|is not the fitted detector", line)
    assert ET.parse(tmp_path / "a.xml").getroot().get("errors") == "1"


def test_a_record_of_a_newer_form_is_refused(lineup, record, faces):
    path = record / "record.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "schema": 99}))
    assert "schema 99" in one_line(check(lineup, record, faces))


def test_nothing_is_replaced_that_was_not_meant(lineup, record, faces, tmp_path):
    assert "add --update" in one_line(lineup("golden", "make", record, *asked(faces)))
    (record / "README.md").write_text("mine")
    assert "README.md" in one_line(lineup("golden", "make", record, "--update", *asked(faces)))
    assert (record / "README.md").read_text() == "mine"
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "a.png").write_bytes(b"")
    assert "a.png" in one_line(lineup("golden", "make", tmp_path / "photos", *asked(faces)))


@pytest.mark.slow
def test_an_update_asks_what_the_record_asks_and_says_what_changes(lineup, record, faces, turned):
    before = (record / "question.toml").read_text()
    done = lineup("golden", "make", record, "--update", "--data", faces)
    assert done.returncode == 0, done.stderr
    assert "checkerboard: mean accuracy" in done.stderr
    assert check(lineup, record, faces).returncode == 0
    now = dict(line.split(" = ", 1) for line in (record / "question.toml").read_text().splitlines())
    old = dict(line.split(" = ", 1) for line in before.splitlines())
    assert now | {"data": ""} == old | {"data": ""}


@pytest.mark.slow
def test_a_finished_run_becomes_a_record(lineup, faces, made, tmp_path):
    run, record = tmp_path / "run", tmp_path / "record"
    assert lineup("run", *asked(faces), "--out", run, "--keep-fitted").returncode == 0
    done = lineup("golden", "make", record, "--from", run)
    assert done.returncode == 0, done.stderr
    first, second = (read_record(folder).run.scores.sort_values(["key", "name"]) for folder in (made[0], record))
    pd.testing.assert_frame_equal(first.reset_index(drop=True), second.reset_index(drop=True))
    assert sorted(path.name for path in (record / "fitted").iterdir()) == sorted(
        path.name for path in (made[0] / "fitted").iterdir()
    )
    other = ("--from", run, "--train-on", "mine", "--detectors", f"{DETECTOR},hog_svm")
    assert "holds the answers of 2 of the 4 cells" in one_line(lineup("golden", "make", tmp_path / "b", *other))
    assert "--out is of a run" in one_line(lineup("golden", "make", tmp_path / "b", "--from", run, "--out", run))


def test_what_cannot_be_a_record_is_refused(lineup, faces, made, tmp_path):
    folder = tmp_path / "record"
    chains = ("--base-degradation", "none,jpeg:80")
    assert "one question, and 2 base degradations" in one_line(lineup("golden", "make", folder, *asked(faces), *chains))
    assert "holds no finished run" in one_line(lineup("golden", "make", folder, "--from", tmp_path))
    assert "holds no golden record" in one_line(lineup("golden", "check", folder))
    assert "--junit" in one_line(check(lineup, made[0], faces, "--junit", tmp_path))
    assert not folder.exists()


@pytest.mark.slow
def test_paths_of_a_record_hold_where_it_is_moved_with_its_images(lineup, faces, tmp_path, monkeypatch):
    first, second = tmp_path / "first", tmp_path / "second"
    copytree(faces, first / "images")
    monkeypatch.chdir(first)
    assert lineup("golden", "make", "golden/faces", *asked("images")).returncode == 0
    assert 'data = "../../images"' in (first / "golden" / "faces" / "question.toml").read_text()
    first.rename(second)
    monkeypatch.chdir(tmp_path)
    done = lineup("golden", "check", second / "golden" / "faces", "--workers", "1")
    assert done.returncode == 0, done.stderr


def test_a_record_is_shown(lineup, made):
    assert "detectors: checkerboard (checkerboard.1.small)" in lineup("golden", "show", made[0]).stdout
    shown = json.loads(lineup("golden", "show", made[0], "--json").stdout)
    assert (shown["images"], shown["cells"], shown["fitted_detectors"]) == (33, 4, 2)
