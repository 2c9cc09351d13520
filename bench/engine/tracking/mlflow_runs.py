"""Follows a run on a tracking server of MLflow: one run there, and a nested one of each detector.

A nested run gets the epochs of trainings and the accuracy of every cell as they come, and the averages at the end; the
parent has what was asked, and the leaderboard as files. `mlflow-skinny` is enough of MLflow for this.

Source: the tracking API, https://mlflow.org/docs/latest/ml/tracking/
"""

from __future__ import annotations

import math
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, cached_property
from hashlib import sha256
from pathlib import Path
from secrets import token_hex
from typing import TYPE_CHECKING, Any

import pandas as pd

from bench.engine.plan import fit_name
from bench.engine.tracking.run_tracker import AnsweredCell, RunTracker, answer_accuracy
from bench.engine.tracking.training_curves import CurveWriter
from bench.platform.outside.json_text import parse_json
from bench.platform.progress import Reporter
from bench.records.columns import RANKED
from bench.records.outcomes import Outcome
from detectors.types import EpochCallback
from protocols.api import Cell

if TYPE_CHECKING:
    from mlflow import MlflowClient

EXPERIMENT = "lineup"
LONGEST_VALUE, LONGEST_NAME = 6000, 250  # characters of a parameter, and of a name, that a server takes
MARK = 6  # characters that tell names apart which look alike to a server
LONGEST_FAULT = 200
METRICS_AT_ONCE, PARAMETERS_AT_ONCE = 500, 100  # a server takes twice as many metrics
CELLS_FILE, LEADERBOARD = "cells.parquet", "leaderboard.json"
FILES = ("leaderboard.md", "leaderboard.csv", LEADERBOARD, "matrix.png", "manifest.json")


@dataclass(frozen=True)
class TrackedQuestion:
    """What a tracking server is told of a run.

    Attributes:
        folder: Its result folder.
        parameters: What was asked, by name.
        detectors: What each detector is, by its name, then by parameter.
        cells: Of each planned cell, its key, its detector and its name among the metrics of the detector.
    """

    folder: Path
    parameters: Mapping[str, object]
    detectors: Mapping[str, Mapping[str, object]]
    cells: Sequence[tuple[str, str, str]]


class MlflowTracker(RunTracker):
    """Tells a tracking server of a run, as long as the server answers.

    The first time that it does not, one line says so, and it is asked nothing more.
    """

    def __init__(self, uri: str, question: TrackedQuestion, reporter: Reporter) -> None:
        """Start the runs on the server.

        Args:
            uri: Of the server.
            question: What is asked.
            reporter: Says where the server has the run, or that it does not answer.
        """
        self._mark = token_hex(8)
        self._server = _server(uri.rstrip("/"), self._mark)
        self._question, self._reporter, self._has_said = question, reporter, False
        self._metrics = {key: (detector, name) for key, detector, name in question.cells if key}
        self._parent, self._runs = "", dict[str, str]()
        self._left_out: dict[str, str] = {}
        self._attempt(self._start)

    @property
    def curves(self) -> CurveWriter:
        """Sends the epochs of trainings to the runs of their detectors."""
        return MlflowCurves(self._server.uri, self._mark, self._runs)

    def answered(self, cells: Sequence[AnsweredCell]) -> None:
        """Send the accuracies of cells."""
        found: dict[str, dict[str, float]] = {}
        for item, images, answer in cells:
            if item.key in self._metrics:
                detector, name = self._metrics.pop(item.key)
                found.setdefault(detector, {})[f"accuracy/{name}"] = answer_accuracy(item, images, answer)
        self._attempt(lambda: self._log_all(found))

    def left_out(self, outcomes: Mapping[str, Outcome]) -> None:
        """Keep why detectors have no scores of cells, for the end."""
        for key, outcome in outcomes.items():
            if key in self._metrics:
                self._left_out.setdefault(self._metrics[key][0], f"{outcome.status}: {outcome.reason}")

    def ended(self, error: BaseException | None) -> None:
        """Send averages and files, and end the runs there."""
        if error is None:
            self._attempt(self._log_results)
        state = "FINISHED" if error is None else "FAILED" if isinstance(error, Exception) else "KILLED"
        self._attempt(lambda: self._close(state))

    def _attempt(self, work: Callable[[], object]) -> None:
        """Do what asks the server; say once that it does not answer."""
        self._server.attempt(work)
        if self._server.fault and not self._has_said:
            self._has_said = True
            self._reporter.say(
                f"MLflow at {self._server.uri} does not take the run ({self._server.fault}); the run goes on without it"
            )

    def _start(self) -> None:
        client = self._server.client
        known = client.get_experiment_by_name(EXPERIMENT)
        experiment = known.experiment_id if known else client.create_experiment(EXPERIMENT)
        name = self._question.folder.resolve().name
        self._parent = client.create_run(experiment, run_name=name).info.run_id
        self._server.log_parameters(self._parent, self._question.parameters)
        for detector, parameters in self._question.detectors.items():
            tags = {"mlflow.parentRunId": self._parent}
            self._runs[detector] = client.create_run(experiment, run_name=detector, tags=tags).info.run_id
            self._server.log_parameters(self._runs[detector], parameters)
        self._reporter.say(f"MLflow: {self._server.uri}/#/experiments/{experiment}/runs/{self._parent}")

    def _log_all(self, found: Mapping[str, Mapping[str, float]]) -> None:
        """Send metrics by detector and name."""
        for detector, metrics in found.items():
            self._server.log_metrics(self._runs[detector], metrics)

    def _log_results(self) -> None:
        """Send what is known at the end: cells that were answered before, averages, reasons and files."""
        folder = self._question.folder
        self._log_all(_known_cells(folder, self._question, self._metrics))
        self._log_all(_averages(folder))
        for detector, reason in self._left_out.items():
            self._server.client.set_tag(self._runs[detector], "left out", reason[:LONGEST_VALUE])
        for name in FILES:
            if (folder / name).is_file():
                self._server.client.log_artifact(self._parent, str(folder / name))

    def _close(self, state: str) -> None:
        for run in (*self._runs.values(), self._parent):
            self._server.client.set_terminated(run, state)


@dataclass(frozen=True)
class MlflowCurves:
    """Sends the epochs of trainings to a tracking server; where it does not answer, the training goes on without.

    Attributes:
        uri: Of the server.
        mark: Of the tracker that it belongs to: what one of both finds of the server, the other knows.
        runs: The run of each detector there, by its name.
    """

    uri: str
    mark: str
    runs: Mapping[str, str]

    @contextmanager
    def __call__(self, cell: Cell) -> Iterator[EpochCallback | None]:
        """Give a callback that sends every epoch of a cell's training; None for a detector without a run."""
        if cell.detector not in self.runs:
            yield None
            return
        server, run, name = _server(self.uri, self.mark), self.runs[cell.detector], fit_name(cell)

        def callback(number: int, epoch: Mapping[str, float]) -> None:
            metrics = {f"training/{name}/{measure}": value for measure, value in epoch.items()}
            server.attempt(lambda: server.log_metrics(run, metrics, number))

        yield callback


class _Server:
    """A tracking server, as this process knows it.

    Attributes:
        uri: Its address.
        fault: The first that went wrong; it is asked nothing more from then on.
    """

    def __init__(self, uri: str) -> None:
        self.uri, self.fault = uri, ""

    @cached_property
    def client(self) -> MlflowClient:
        """A client of it."""
        from mlflow import MlflowClient

        return MlflowClient(tracking_uri=self.uri)

    def attempt(self, work: Callable[[], object]) -> None:
        """Do what asks it, unless that has failed before."""
        if self.fault:
            return
        try:
            work()
        except Exception as error:  # noqa: BLE001 - whatever a server answers, the run goes on
            self.fault = (str(error) or type(error).__name__).split("\n", maxsplit=1)[0][:LONGEST_FAULT]

    def log_parameters(self, run: str, parameters: Mapping[str, object]) -> None:
        """Send parameters of a run."""
        from mlflow.entities import Param

        named = {_name(name): str(value)[:LONGEST_VALUE] for name, value in parameters.items()}
        found = [Param(name, value) for name, value in named.items()]
        for start in range(0, len(found), PARAMETERS_AT_ONCE):
            self.client.log_batch(run, params=found[start : start + PARAMETERS_AT_ONCE])

    def log_metrics(self, run: str, metrics: Mapping[str, float], step: int = 0) -> None:
        """Send metrics of a run; those that are undefined are left out."""
        from mlflow.entities import Metric

        now = int(1000 * time.time())
        found = [Metric(_name(name), value, now, step) for name, value in metrics.items() if math.isfinite(value)]
        for start in range(0, len(found), METRICS_AT_ONCE):
            self.client.log_batch(run, metrics=found[start : start + METRICS_AT_ONCE])


@cache
def _server(uri: str, mark: str) -> _Server:
    """The server of one tracker, the same for all that follows its run in this process."""
    del mark
    return _Server(uri)


def _name(text: str) -> str:
    """A text as a name that a server takes: a path without empty parts, of plain letters and signs."""
    parts = re.sub(r"[^\w./ -]", "_", text, flags=re.ASCII)[:LONGEST_NAME].split("/")
    plain = "/".join("_" if part in {"", ".", ".."} else part for part in parts)
    if plain == text:
        return plain
    mark = sha256(text.encode()).hexdigest()[:MARK]  # else two names would be one
    return f"{plain[: LONGEST_NAME - MARK - 1]}_{mark}"


def _known_cells(
    folder: Path, question: TrackedQuestion, missing: Mapping[str, tuple[str, str]]
) -> dict[str, dict[str, float]]:
    """The accuracies of those cells that were not sent yet, by detector and metric, from the table of the run."""
    table = pd.read_parquet(folder / CELLS_FILE)  # its rows are the planned cells, in order
    found: dict[str, dict[str, float]] = {}
    for (key, detector, name), accuracy in zip(question.cells, table[RANKED], strict=True):
        if key in missing:
            found.setdefault(detector, {})[f"accuracy/{name}"] = float(accuracy)
    return found


def _averages(folder: Path) -> dict[str, dict[str, float]]:
    """The averages of the leaderboard, by detector and metric: those of all their planned cells."""
    rankings: list[dict[str, Any]] = parse_json((folder / LEADERBOARD).read_bytes())
    rows = [row for ranking in rankings for row in ranking["rows"]]
    return {
        row["detector"]: {
            f"average/{name}": average["value"]
            for name, average in row["means"].items()
            if average["value"] is not None and average["cells"] == average["planned"]
        }
        for row in rows
    }
