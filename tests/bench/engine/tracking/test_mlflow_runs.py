"""A run on a tracking server: everything arrives, and a server that does not answer costs one line."""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from importlib.util import find_spec
from urllib.error import URLError
from urllib.parse import quote
from urllib.request import Request, urlopen

import pandas as pd
import pytest

from bench.engine.tracking.mlflow_runs import MlflowCurves, MlflowTracker, TrackedQuestion, _name, _Server
from bench.records.outcomes import Failed
from protocols.api import Cell, Subset
from tests.support.miniature import write_folder

# the command of MLflow may be that of another environment: its server wants an older pandas than ours
COMMAND = shutil.which("mlflow")
CELL = Cell("npr", Subset(("a",), "train"), Subset(("b",), "val"))
CELLS = [("k1", "npr", "even/odd"), ("", "npr", "even/none"), ("k2", "npr", "odd/odd")]


def question(folder):
    return TrackedQuestion(folder, {"protocol": "p"}, {"npr": {"key": "npr.1"}}, CELLS)


class Broken:
    """A client whose server answers so many requests, and errors from then on."""

    def __init__(self, answers):
        self.answers, self.asked = answers, 0

    def __getattr__(self, name):
        def answer(*arguments, **named):
            self.asked += 1
            if self.asked > self.answers:
                raise ConnectionError("502 from the server\nand a page of HTML")
            return type("Answer", (), {"experiment_id": "1", "info": type("Info", (), {"run_id": f"r{self.asked}"})})()

        return answer


@pytest.fixture
def broken(monkeypatch):
    """Let every server answer so many requests, and errors from then on; parameters and metrics are requests."""

    def make(answers):
        client = Broken(answers)
        monkeypatch.setattr(_Server, "client", client)
        monkeypatch.setattr(_Server, "log_parameters", lambda self, run, values: client.log(run, values))
        monkeypatch.setattr(_Server, "log_metrics", lambda self, run, values, step=0: client.log(run, values))
        return client

    return make


@pytest.mark.parametrize("answers", range(7))
def test_a_server_that_fails_at_any_request_costs_one_line(broken, quiet, tmp_path, answers):
    client = broken(answers)
    tracker = MlflowTracker("http://127.0.0.1:5000/", question(tmp_path), quiet)
    with tracker.curves(CELL) as callback:
        for number in range(3):
            if callback:
                callback(number, {"train_loss": 1.0})
    tracker.left_out({"k2": Failed("ValueError: a")})
    tracker.answered([])
    tracker.ended(ValueError("the run's own"))
    said = [line for line in quiet.console.file.getvalue().splitlines() if "does not take" in line]
    assert said == [
        "MLflow at http://127.0.0.1:5000 does not take the run (502 from the server); the run goes on without it"
    ]
    assert client.asked == answers + 1  # nothing is asked after the first fault


def test_without_the_package_a_run_goes_on(quiet, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "mlflow", None)
    tracker = MlflowTracker("http://127.0.0.1:5000", question(tmp_path), quiet)
    tracker.ended(None)
    assert quiet.console.file.getvalue().count("goes on without it") == 1


def test_a_detector_without_a_run_there_has_no_curves():
    with MlflowCurves("http://127.0.0.1:5000", "m", {})(CELL) as callback:
        assert callback is None


def test_names_are_those_that_a_server_takes():
    assert _name("accuracy/fog/jpeg 65") == "accuracy/fog/jpeg 65"
    assert re.fullmatch("accuracy/a_b_/jpeg_65___[0-9a-f]{6}", _name("accuracy/a<b>/jpeg:65+ü"))
    assert len(_name("a" * 1000)) == 250
    assert _name("accuracy//../odd/").startswith("accuracy/_/_/odd/__")


def test_names_that_look_alike_to_a_server_stay_apart():
    names = ["accuracy/生", "accuracy/成", "a" * 300, "a" * 301, "accuracy/fog"]
    assert len({_name(one) for one in names}) == len(names)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A real server of MLflow on this machine."""
    if find_spec("mlflow") is None:
        pytest.skip("MLflow's client is not installed: pip install mlflow-skinny")
    if COMMAND is None:
        pytest.skip("no command mlflow is on the PATH: pip install mlflow, perhaps in an environment of its own")
    folder = tmp_path_factory.mktemp("mlflow")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    stores = ["--backend-store-uri", f"sqlite:///{folder}/a.db", "--artifacts-destination", folder / "files"]
    with (folder / "log").open("w") as log:
        running = subprocess.Popen(
            [COMMAND, "server", *stores, "--host", "127.0.0.1", "--port", str(port), "--workers", "1"],
            stdout=log,
            stderr=log,
            cwd=folder,
            env={**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true"},
            start_new_session=True,
        )
    try:
        if not _answers(f"http://127.0.0.1:{port}/health", running):
            pytest.skip(f"MLflow's server does not start: {(folder / 'log').read_text()[-300:]}")
        yield f"http://127.0.0.1:{port}"
    finally:
        os.killpg(running.pid, 15)
        running.wait()


def _answers(url, running):
    """Whether a server answers within two minutes."""
    end = time.monotonic() + 120
    while running.poll() is None and time.monotonic() < end:
        try:
            with urlopen(url, timeout=5) as answer:  # noqa: S310 - of this test
                return answer.status == 200
        except (URLError, OSError):
            time.sleep(0.3)
    return False


def asked(server, path, body=None):
    """The answer of the server's own API."""
    data = None if body is None else json.dumps(body).encode()
    request = Request(f"{server}/api/2.0/mlflow/{path}", data, {"Content-Type": "application/json"})  # noqa: S310
    with urlopen(request, timeout=20) as answer:  # noqa: S310 - of this test
        return json.load(answer)


def tracked(server, name):
    """The runs of an experiment: the parent of that name, and its nested ones by name."""
    experiment = asked(server, "experiments/get-by-name?experiment_name=lineup")["experiment"]["experiment_id"]
    runs = asked(server, "runs/search", {"experiment_ids": [experiment]})["runs"]
    (parent,) = [one for one in runs if one["info"]["run_name"] == name]
    nested = [one for one in runs if tags_of(one).get("mlflow.parentRunId") == parent["info"]["run_id"]]
    return parent, {one["info"]["run_name"]: one for one in nested}


def tags_of(run):
    return {one["key"]: one["value"] for one in run["data"].get("tags", [])}


def metrics_of(run):
    return {one["key"]: one["value"] for one in run["data"].get("metrics", [])}


def lineup(folder, server, out):
    """Run two detectors over a folder, as a user does."""
    typed = [
        "run",
        "--data",
        folder,
        "--detectors",
        "npr,hog_svm",
        "--no-baselines",
        "--train-on",
        "even",
        "--out",
        out,
    ]
    return subprocess.run(
        [sys.executable, "-m", "bench", *typed, "--track", f"mlflow:{server}"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "LINEUP_CACHE": str(folder.parent / "cache")},
    )


@pytest.fixture(scope="module")
def arrived(server, tmp_path_factory):
    """A run that was tracked: its data, its result folder, and the runs on the server."""
    root = tmp_path_factory.mktemp("tracked")
    folder, out = write_folder(root / "data"), root / "first"
    done = lineup(folder, server, out)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("MLflow") == 1
    return folder, out, *tracked(server, "first")


@pytest.mark.slow
def test_a_run_arrives_with_a_nested_one_of_each_detector(server, arrived):
    _, out, parent, nested = arrived
    assert nested.keys() == {"npr", "hog_svm"}
    assert {one["info"]["status"] for one in (parent, *nested.values())} == {"FINISHED"}
    parameters = {one["key"]: one["value"] for one in parent["data"]["params"]}
    assert (parameters["protocol"], parameters["detectors"]) == ("cross_generator", "npr, hog_svm")
    cells = pd.read_parquet(out / "cells.parquet")
    for name, run in nested.items():
        own = cells[cells["detector"] == name]
        found = {key: value for key, value in metrics_of(run).items() if key.startswith("accuracy/")}
        assert found == pytest.approx({f"accuracy/{row.test}": row.ranked_accuracy for row in own.itertuples()})
        assert metrics_of(run)["average/all cells"] == pytest.approx(own["ranked_accuracy"].mean())
    files = asked(server, f"artifacts/list?run_id={parent['info']['run_id']}")["files"]
    assert {"leaderboard.md", "leaderboard.csv", "leaderboard.json"} <= {one["path"] for one in files}


@pytest.mark.slow
def test_epochs_arrive_as_they_are_recorded(server, arrived):
    _, out, _, nested = arrived
    history = pd.read_csv(out / "training.csv")
    run_id = nested["npr"]["info"]["run_id"]
    for measure in ("train_loss", "validation_accuracy"):
        key = quote(f"training/even-0/{measure}")
        sent = asked(server, f"metrics/get-history?run_id={run_id}&metric_key={key}")["metrics"]
        assert [one["step"] for one in sent] == history["epoch"].tolist()
        assert [one["value"] for one in sent] == pytest.approx(history[measure].tolist(), rel=1e-4)


@pytest.mark.slow
def test_what_was_answered_before_arrives_at_the_end(server, arrived):
    folder, out, _, nested = arrived
    assert lineup(folder, server, out.rename(out.with_name("again"))).returncode == 0
    _, repeated = tracked(server, "again")
    for name, run in repeated.items():
        results = {key: one for key, one in metrics_of(nested[name]).items() if not key.startswith("training/")}
        assert metrics_of(run) == pytest.approx(results)
