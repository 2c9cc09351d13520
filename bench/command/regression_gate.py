"""The regression gate: the matrices on the embedded corpus, run afresh and compared with the golden record.

The gate trusts no cache of embeddings or fitted detectors: a change of code that forgot to raise a card's version must
not hide behind them. Only the corpus is reused, under a name that follows from the code that makes it.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.golden.golden_record import describe_update, golden_from, read_golden, with_detectors_of, write_golden
from bench.golden.regression import compare
from bench.images.data_sets import embedded_corpus
from bench.platform.errors import InputError
from bench.platform.outside.console import PlainConsole
from bench.platform.progress import Reporter
from bench.records.run import Run
from bench.records.store import Store
from bench.report.comparison_report import comparison_report
from bench.request.defaults import BATCH_SIZE, DETECTORS
from bench.request.execution import execute
from bench.request.planned_run import plan_run
from bench.request.protocol_catalogue import make_protocol
from bench.request.run_request import RunRequest

PROTOCOLS = ("cross_generator", "degradation")
GOLDEN_SEEDS = (0, 1, 2, 3, 4)  # what a trained network may differ by without anything being wrong
GATE_SEEDS = (0,)
GATED = tuple(DETECTORS.split(","))


def matrices(cache: Path, seeds: Sequence[int], reporter: Reporter, detectors: Sequence[str] = GATED) -> dict[str, Run]:
    """Run every gated protocol on the embedded corpus, by protocol."""
    corpus = embedded_corpus(cache, os.cpu_count() or 1, reporter)
    with TemporaryDirectory(prefix="lineup-gate-") as scratch:
        return {
            protocol: run_protocol(protocol, corpus, Path(scratch), seeds, reporter, detectors)
            for protocol in PROTOCOLS
        }


def run_protocol(
    protocol: str,
    corpus: Path,
    scratch: Path,
    seeds: Sequence[int],
    reporter: Reporter,
    detectors: Sequence[str] = GATED,
) -> Run:
    """Run one protocol on the embedded corpus with a cache and results of its own in `scratch`."""
    request = RunRequest(
        protocol=make_protocol(protocol, {}),
        data=str(corpus),
        detectors=tuple(detectors),
        setting="small",
        device="cpu",
        precision="float32",
        out=scratch / protocol,
        limit=None,
        seeds=tuple(seeds),
        batch_size=BATCH_SIZE,
        workers=os.cpu_count() or 1,
        cache=scratch / "cache",
        timed=False,
    )
    reporter.say(f"Gate: {protocol}")
    return execute(plan_run(request, reporter), Store.at(request.out), reporter)


def compare_now(golden: Path, cache: Path, reporter: Reporter) -> int:
    """Run the matrices, compare, and print what fell.

    Returns:
        1 where accuracy fell, else 2 where something could not be compared, else 0.

    Raises:
        InputError: There is no golden record.
    """
    records = {protocol: read_golden(golden / protocol) for protocol in PROTOCOLS}
    runs = matrices(cache, GATE_SEEDS, reporter)
    console, codes = PlainConsole(), set()
    for protocol, record in records.items():
        outcome = compare(record, runs[protocol])
        console.print(f"Gate: {protocol}", comparison_report(outcome), sep="\n")
        codes.add(outcome.exit_code)
    return 1 if 1 in codes else max(codes)


def update_golden(golden: Path, cache: Path, reporter: Reporter, only: Sequence[str] = ()) -> int:
    """Replace the golden record by runs of this code, and print what changes. Returns 0.

    Args:
        golden: Folder of the record.
        cache: Folder of the corpus.
        reporter: Of progress.
        only: The detectors that are replaced; all where there is none.

    Raises:
        InputError: Some are to be replaced, and there is no record, or one of other cells.
    """
    read = read_golden if only else lambda folder: _record(folder, reporter)
    old = {protocol: read(golden / protocol) for protocol in PROTOCOLS}
    runs = matrices(cache, GOLDEN_SEEDS, reporter, only or GATED)
    new = {protocol: _replacement(old[protocol], golden_from([run]), only) for protocol, run in runs.items()}
    for protocol, record in new.items():
        reporter.say(f"{protocol}:\n{describe_update(old[protocol], record)}")
        write_golden(record, golden / protocol)
    return 0


def _replacement(old: Run | None, new: Run, only: Sequence[str]) -> Run:
    """The new record, or the old one with some detectors of the new."""
    return new if old is None or not only else with_detectors_of(old, new, only)


def _record(folder: Path, reporter: Reporter) -> Run | None:
    """The golden record in a folder; None, with a line that says why, where there is none that can be read."""
    try:
        return read_golden(folder)
    except InputError as error:
        reporter.say(f"Starting anew: {error}")
        return None
