"""Fitted detectors as files: what a run kept scores other images alike, and is a start for further training."""

import json

import pandas as pd
import pytest
from safetensors.numpy import load_file, save_file

from bench.records.saved_detector import HEADER
from tests.support.command_line import one_line


@pytest.fixture(scope="module")
def kept(lineup, data, tmp_path_factory):
    """A run of a network whose fitted detectors and curves were kept, trained on one generator."""
    out = tmp_path_factory.mktemp("kept")
    done = lineup(
        "run", "--data", data, "--detectors", "npr,hog_svm", "--train-on", "even", "--out", out, "--keep-fitted",
        "--tensorboard",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return out


@pytest.mark.parametrize("detector", ["npr", "hog_svm"])
def test_a_kept_detector_scores_as_it_did_in_its_run(lineup, data, kept, tmp_path, detector):
    out = tmp_path / "scores.csv"
    fitted = kept / "fitted" / f"{detector}-even-0.safetensors"
    done = lineup("score", data / "odd" / "val", "--fitted", fitted, "--out", out)
    assert done.returncode == 0, done.stderr
    found = pd.read_csv(out).set_index("name")["score"]
    manifest = json.loads((kept / "manifest.json").read_text())
    key = next(one["key"] for one in manifest["cells"] if one["test"] == "odd" and one["detector"] == detector)
    scores = pd.concat([pd.read_parquet(path) for path in (kept / "scores").glob("*.parquet")])
    for row in scores[scores["key"] == key].itertuples():
        assert found[row.name.removeprefix("odd/val/")] == pytest.approx(row.score, abs=1e-6)


def test_a_kept_detector_is_a_warm_start(lineup, data, kept, tmp_path):
    start = kept / "fitted" / "npr-even-0.safetensors"
    settings = tmp_path / "settings.toml"
    settings.write_text(f'[options.npr]\nstart = "{start}"\ntune = "top"\n')
    done = lineup(
        "run", "--settings", settings, "--data", data, "--detectors", "npr", "--train-on", "odd", "--out", tmp_path,
        "--keep-fitted",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    before, after = load_file(start), load_file(tmp_path / "fitted" / "npr-odd-0.safetensors")
    changed = {name for name in before if (before[name] != after[name]).any()}
    assert changed == {"fc1.weight", "fc1.bias"}


def test_curves_are_written_for_tensorboard(kept):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(kept / "tensorboard" / "npr" / "even-0")).Reload()
    history = pd.read_csv(kept / "training.csv")
    for name in ("train_loss", "validation_accuracy", "forward_s"):
        assert [one.step for one in events.Scalars(name)] == history["epoch"].tolist()
        assert [one.value for one in events.Scalars(name)] == pytest.approx(history[name].tolist(), rel=1e-5)


def test_what_is_no_fitted_detector_is_one_line(lineup, data, kept, tmp_path):
    bare = tmp_path / "bare.safetensors"
    state = load_file(kept / "fitted" / "npr-even-0.safetensors")
    save_file(state, bare)
    assert "does not say which detector it is" in one_line(lineup("score", data, "--fitted", bare))
    told = {"detector": "npr", "version": 99, "setting": "small", "options": {}, "train": "a", "seed": 0, "data": ""}
    save_file(state, bare, {HEADER: json.dumps(told)})
    assert "was fitted by version 99 of npr" in one_line(lineup("score", data, "--fitted", bare))
    save_file(state, bare, {HEADER: json.dumps(told | {"setting": "embedded"})})
    assert "in the setting 'embedded', which is called 'small' now: fit it" in one_line(
        lineup("score", data, "--fitted", bare)
    )
    save_file(state, bare, {HEADER: json.dumps(told | {"setting": "big"})})
    assert "was fitted in the setting 'big': fit it again" in one_line(lineup("score", data, "--fitted", bare))
    assert "cannot be read as a fitted" in one_line(lineup("score", data, "--fitted", tmp_path / "absent.safetensors"))
    assert "--detector and --weights belong together" in one_line(lineup("score", data, "--detector", "npr"))
