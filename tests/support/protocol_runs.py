"""Protocols as a user runs them, over small data: what is fitted, and the table that comes out."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from shutil import rmtree

import numpy as np
import pandas as pd
from PIL import Image
from rich.console import Console

from bench.evaluation.cells import cells_table, matrix
from bench.evaluation.leaderboard import Ranking, ranking
from bench.platform.progress import Reporter
from bench.records.run import Run
from bench.records.store import Store
from bench.rehearsal.rehearsal import rehearse
from bench.report.run_report import report_run
from bench.request.announcement import announce_run
from bench.request.execution import execute
from bench.request.planned_run import plan_run
from bench.request.protocol_catalogue import make_protocol
from bench.request.run_request import RunRequest
from detectors.checks import texture
from protocols.api import Scope

CONTENTS = ("leaves", "shells", "stones", "waves")


@dataclass
class FakeImages:
    """What a protocol sees of an image set."""

    generators: tuple[str, ...] = ("a", "b", "c")
    families: Mapping[str, str] = field(default_factory=lambda: {"a": "x", "b": "x", "c": "y"})
    short_side: int = 512
    held_out: str = "val"
    untrained: tuple[str, ...] = ()
    contents: tuple[str, ...] = CONTENTS
    copies: tuple[str, ...] = ()
    release_dates: Mapping[str, str] = field(default_factory=dict)

    def generators_in(self, split):
        return tuple(name for name in self.generators if split != "train" or name not in self.untrained)

    def largest_size(self, subset):
        return 100

    @property
    def untouched(self):
        return self.held_out


def fake_scope(detectors=("d",), seeds=(0,), checkpoints=(), others=None, differentiable=(), **images) -> Scope:
    """The scope of a protocol over `FakeImages`."""
    paths = {name: f"{name}.pth" for name in checkpoints}
    return Scope(FakeImages(**images), detectors, seeds, others or {}, paths, differentiable)


def averages(protocol, scope) -> dict[str, tuple[str | None, int]]:
    """Role and number of cells of each average of a protocol."""
    cells = protocol.cells(scope)
    return {group.name: (group.role, len(group.cells)) for group in protocol.groups(cells, scope)}


@dataclass(frozen=True)
class FinishedRun:
    """A run over small data: what it recorded and said."""

    run: Run
    said: str
    folder: Path

    @property
    def cells(self) -> pd.DataFrame:
        """The measured cells."""
        return cells_table(self.run)

    @property
    def ranking(self) -> Ranking:
        """The ranking of its detectors."""
        return ranking(self.run)

    def matrix(self, detector="checkerboard") -> pd.DataFrame:
        """The matrix of one detector as the protocol lays it out."""
        return matrix(self.cells, detector, self.run.manifest.protocol)

    @property
    def fits(self) -> int:
        """How many fits its cells needed, whether they were made or were in the cache."""
        return self.count("fits made") + self.count("fits reused")

    def count(self, what) -> int:
        """A number of the line that ends a run, such as that of "fits made"."""
        found = re.search(rf"(\d+) {what}", self.said)
        return int(found[1]) if found else 0


@dataclass(frozen=True)
class ProtocolRunner:
    """Runs protocols over one data set, with one cache.

    Attributes:
        data: Its folder.
        root: Where the cache and the results of its runs lie.
        answers: Whether a run finds in the cache what others answered, so that it may need no fits.
    """

    data: Path
    root: Path
    answers: bool = False

    def request(self, protocol, detectors=("checkerboard",), seeds=(0,), **options) -> RunRequest:
        """The request for a protocol with these options, as texts of the command line."""
        made = make_protocol(protocol, options)
        out = self.root / f"run-{len(list(self.root.iterdir())) if self.root.exists() else 0}"
        places = (out, None, seeds, 5, 1, self.root / "cache")
        return RunRequest(made, str(self.data), detectors, "small", "cpu", "float32", *places, timed=False)

    def dry(self, protocol, **further) -> str:
        """What a dry run says; arguments as for `request`."""
        said = io.StringIO()
        reporter = Reporter(Console(file=said, width=500))
        planned = plan_run(self.request(protocol, **further), reporter, dry=True)
        announce_run(planned, reporter)
        reporter.say("\n".join(rehearse(planned, reporter).lines))
        return said.getvalue()

    def __call__(self, protocol, *, report=True, **further) -> FinishedRun:
        """Plan, run and report a protocol; arguments as for `request`."""
        return self.run(self.request(protocol, **further), report=report)

    def run(self, request, *, report=False) -> FinishedRun:
        """Plan, run and report a request."""
        if not self.answers:
            rmtree(request.cache / "answers", ignore_errors=True)
        said = io.StringIO()
        reporter, store = Reporter(Console(file=said, width=500)), Store.at(request.out)
        run = execute(plan_run(request, reporter), store, reporter)
        if report:
            report_run(run, store, reporter, show=False)
        return FinishedRun(run, said.getvalue(), request.out)


def write_kinds(root: Path, per_kind: int = 4) -> Path:
    """Two generators over four kinds of content; each generated image has the source of a real one.

    Args:
        root: Folder to make.
        per_kind: Pairs of images of each generator, split and kind of content.
    """
    root.mkdir(parents=True)
    rows = []
    for generator, phase in (("even", 0), ("odd", 1)):
        for split in ("train", "val"):
            for content in CONTENTS:
                for index in range(per_kind):
                    source = f"{generator}_{split}_{content}_{index}"
                    pixels = texture(source, 40, 40).astype(int)
                    for label in (0, 1):
                        if label:
                            pixels[phase::2, phase::2] += 14
                        path = f"{source}_{label}.png"
                        Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)).save(root / path)
                        rows.append((path, label, generator, split, content, source))
    with (root / "manifest.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("path", "label", "generator", "split", "content", "source"), *rows])
    return root
