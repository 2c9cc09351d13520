"""How the time and the memory of the process that leads a run grow with the number of images; no detector computes.

All that this process does is done: files are looked at, the census is taken, cells are planned, chunks are cut, answers
are merged into cells, records are written and read. What other processes or a device would do is simulated
(`tests.support.simulated_images`).

    python -m tests.benchmarks.driver_memory 100000                     # a run on one machine
    python -m tests.benchmarks.driver_memory 1000000 --stub             # the same without a pass over the images
    python -m tests.benchmarks.driver_memory 10000000 --stub --unseen   # and without a look at files
    python -m tests.benchmarks.driver_memory 100000 --cluster local:2   # the same run, led on a cluster

Each prints a line for each stage, and all of them as JSON in the last line. One process measures one run, for the peak
of its memory is that of its whole life. A run on a cluster is to take at most `MOST_MORE` more than one on a machine.
"""

from __future__ import annotations

import argparse
import io
import json
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from rich.console import Console

from bench.platform.progress import Reporter
from bench.records.store import Store
from bench.request.execution import execute
from bench.request.planned_run import plan_run
from bench.request.protocol_catalogue import make_protocol
from bench.request.run_request import RunRequest
from tests.support.entry_points import install
from tests.support.simulated_images import (
    NAMES,
    simulated_images,
    simulated_inspection,
    simulated_pass,
    simulated_records,
)

MOST_MORE = 500_000_000  # bytes that the process which leads a cluster may take beyond one machine's
KIB = 1024
SIMULATED = "tests.support.simulated_images"


@dataclass
class Growth:
    """What each stage took.

    Attributes:
        stages: By stage, seconds, and the memory of the process at its end and at its peak so far, in bytes.
    """

    stages: dict[str, tuple[float, int, int]] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Measure what is done in this context."""
        start = time.monotonic()
        yield
        held, peak = memory()
        self.stages[name] = round(time.monotonic() - start, 2), held, peak
        say(f"{name:<8}{self.stages[name][0]:9.1f} s{held / 1e6:9.0f} MB{peak / 1e6:9.0f} MB at most")


def say(line: str) -> None:
    """Print a line at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def memory() -> tuple[int, int]:
    """Bytes of memory that this process has now, and had at its peak."""
    lines = (line.split() for line in Path("/proc/self/status").read_text().splitlines())
    found = {words[0]: int(words[1]) * KIB for words in lines if words[0] in {"VmRSS:", "VmHWM:"}}
    return found["VmRSS:"], found["VmHWM:"]


def request(folder: Path, images: int, degradations: str, cluster: str) -> RunRequest:
    """A run over so many images: every generator on every generator, under these degradations."""
    protocol = make_protocol("cross_generator" if not degradations else "degradation", _options(degradations))
    further = {"cluster": cluster} if cluster else {}
    if further and "cluster" not in {one.name for one in fields(RunRequest)}:
        raise SystemExit("runs have no cluster here")
    return RunRequest(
        protocol, "simulated", ("simulated",), "small", "cpu", "float32", folder / "out", None, (0,), 64, 2,
        folder / "cache", timed=False, images=simulated_images(images), **further,
    )  # fmt: skip


def _options(degradations: str) -> dict[str, str]:
    """Options of the protocol; of the usual one there are none."""
    return {"degradations": degradations, "train_on": ",".join(NAMES), "test_all": "true"} if degradations else {}


def measured(
    images: int, *, degradations: str = "", cluster: str = "", stub: bool = False, unseen: bool = False
) -> Growth:
    """What a run over so many images takes."""
    growth = Growth()
    with pytest.MonkeyPatch.context() as patch, TemporaryDirectory() as folder:
        install(patch, "lineup.detectors", simulated=f"{SIMULATED}:SimulatedRecipe")
        patch.setattr("bench.engine.caching.inspections.inspect_files", simulated_records)
        if unseen:
            patch.setattr("bench.engine.cache.Cache.inspect", simulated_inspection)
            patch.setattr("bench.images.quality.duplicates.near_pairs", lambda _: np.empty((0, 2), np.int64))
        if stub:
            patch.setattr("bench.engine.run.score_pool", simulated_pass)
        reporter = Reporter(Console(file=io.StringIO()))
        with growth.stage("start"):
            import_module("torch")  # as detectors do that compute, on one machine and on a cluster alike
        with growth.stage("open"):
            asked = request(Path(folder), images, degradations, cluster)
        with growth.stage("plan"):
            planned = plan_run(asked, reporter)
        with growth.stage("run"):
            run = execute(planned, Store.at(asked.out), reporter)
        if not run.cells["status"].eq("scored").all():
            raise SystemExit(f"cells have no scores: {set(run.cells['reason'])}")
    return growth


def main(words: Sequence[str] | None = None) -> None:
    """Measure one run as the command line asks for it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("images", type=int)
    parser.add_argument("--degradations", default="", help="under each of them beside none; names with commas between")
    parser.add_argument("--cluster", default="", help="as of `lineup run`")
    parser.add_argument("--unseen", action="store_true", help="no look at files, and none at near duplicates")
    parser.add_argument("--stub", action="store_true", help="no pass over the images")
    chosen = parser.parse_args(words)
    found = measured(**vars(chosen))
    say(json.dumps({"images": chosen.images, "cluster": chosen.cluster, "stages": found.stages}))


if __name__ == "__main__":
    main()
