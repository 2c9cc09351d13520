"""The regression gate: what the golden record says, and what this code does now.

Two halves. The fitted detectors that ship with the record are scored again: no decision may change. And everything is
fitted again, detectors that depend on their training seed with several: no accuracy may fall.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from shutil import rmtree

from bench.command.gate.gate_output import NO_FILES, GateOutput, show_findings
from bench.command.gate.gate_runs import GATED, PROTOCOLS, Fits, GateRuns, gate_runs, joined, usable_fits
from bench.evaluation.joined_runs import only_rows
from bench.golden.changed_decisions import compare_decisions
from bench.golden.fitted_record import read_fitted, write_fitted
from bench.golden.gate_findings import FITTED_AGAIN, KEPT_FITS, SCORED_AGAIN, GateComparison, GateFindings
from bench.golden.golden_record import describe_update, golden_from, read_golden, with_detectors_of, write_golden
from bench.golden.regression import compare, seeds_differ
from bench.golden.speeds import compare_speeds, read_speeds, write_speeds
from bench.platform.errors import InputError
from bench.platform.outside.console import PlainConsole
from bench.platform.progress import Reporter
from bench.records.run import Run
from bench.report.gate_report import acceptance, accepting, speed_report
from bench.report.terminal import WIDTH

GOLDEN_SEEDS = (0, 1, 2, 3, 4)  # of every detector
# of those that depend on the seed: more show better what a retrained network may be, and one train set costs less
FURTHER_SEEDS = {"cross_generator": tuple(range(5, 10)), "degradation": tuple(range(5, 16))}
SEEDS_NOW = {"cross_generator": tuple(range(3)), "degradation": tuple(range(8))}  # of those, as the gate trains them
FURTHER, FITTED = "further_seeds", "fitted"  # folders of the record beside one for each protocol


@dataclass(frozen=True)
class RunsNow:
    """What this code does now.

    Attributes:
        scored_again: Fitted detectors of the record, by protocol.
        fitted_again: Everything fitted again, by protocol.
        obstacles: Why some fitted detectors were not scored again.
    """

    scored_again: Mapping[str, Run]
    fitted_again: Mapping[str, Run]
    obstacles: Sequence[str] = ()


@dataclass(frozen=True)
class RecordRuns:
    """What a record is made of.

    Attributes:
        golden: Every detector with `GOLDEN_SEEDS`, by protocol.
        further: Those that depend on their seed with `FURTHER_SEEDS`, by protocol; empty where none does.
        fits: Fitted detectors as files by name.
    """

    golden: Mapping[str, Run]
    further: Mapping[str, Run] = field(default_factory=dict)
    fits: Mapping[str, bytes] = field(default_factory=dict)


def read_record(golden: Path, protocol: str) -> Run:
    """The golden record of a protocol, with all training seeds. Raises `InputError` where there is none."""
    record, further = read_golden(golden / protocol), golden / FURTHER / protocol
    return joined([record, read_golden(further)]) if further.is_dir() else record


def compare_now(
    golden: Path, cache: Path, reporter: Reporter, *, speed: bool = False, output: GateOutput = NO_FILES
) -> int:
    """Score and fit again, compare, and print what changed and how to accept it.

    Args:
        golden: Folder of the record.
        cache: Folder of the corpus.
        reporter: Of progress.
        speed: Whether speeds are compared too.
        output: The files that findings are written into, without the speeds.

    Returns:
        1 where a decision of a fitted detector changed, accuracy fell or a detector became slower, else 2 where
        something could not be compared, else 0.

    Raises:
        InputError: There is no golden record, or it is damaged.
    """
    records = {protocol: read_record(golden, protocol) for protocol in PROTOCOLS}
    speeds = read_speeds(golden) if speed else None
    now = runs_now(records, read_fitted(golden / FITTED), cache, reporter, timed=speed)
    findings = findings_of(records, now)
    accepted = accepting(findings.moved) if findings.moved else ""
    output.write(findings, accepted)
    show_findings(findings, reporter.say, as_json=output.as_json, acceptance=accepted)
    console, codes = PlainConsole(least_width=WIDTH), {findings.exit_code}
    if findings.moved and not output.as_json:
        console.print(acceptance(findings.moved))
    if speeds is not None and (timed := now.scored_again.get(PROTOCOLS[0])) is not None:
        found = compare_speeds(speeds, timed)
        console.print("Gate: speed", speed_report(found), sep="\n")
        codes.add(found.exit_code)
    return 1 if 1 in codes else max(codes)


def findings_of(records: Mapping[str, Run], now: RunsNow) -> GateFindings:
    """What this code does now beside the golden record, by protocol."""
    scored = [
        GateComparison(name, SCORED_AGAIN, f"Gate: {name}, {KEPT_FITS}", compare_decisions(records[name], run))
        for name, run in now.scored_again.items()
    ]
    fitted = [
        GateComparison(name, FITTED_AGAIN, f"Gate: {name}, {FITTED_AGAIN}", compare(records[name], run))
        for name, run in now.fitted_again.items()
    ]
    return GateFindings("Lineup", (*scored, *fitted), tuple(f"Not scored again: {line}" for line in now.obstacles))


def runs_now(records: Mapping[str, Run], fits: Fits, cache: Path, reporter: Reporter, *, timed: bool) -> RunsNow:
    """Run both halves.

    Args:
        records: The golden record by protocol.
        fits: The fitted detectors that ship with it.
        cache: Folder of the corpus.
        reporter: Of progress.
        timed: Whether the fitted detectors are timed.
    """
    usable, obstacles = usable_fits(fits, records[PROTOCOLS[0]].manifest.detectors)
    with gate_runs(cache, reporter) as runs:
        scored = {
            protocol: runs.scored_again(protocol, usable, timed=timed and protocol == PROTOCOLS[0])
            for protocol in (records if usable else ())
        }
        runs.forget_fits()
        fitted = {protocol: _fitted_again(runs, protocol, record) for protocol, record in records.items()}
    return RunsNow(scored, fitted, obstacles)


def update_speeds(golden: Path, cache: Path, reporter: Reporter) -> int:
    """Time the fitted detectors of the record, and write their speeds into it. Returns 0.

    Raises:
        InputError: The record has no fitted detectors of this version.
    """
    usable, obstacles = usable_fits(read_fitted(golden / FITTED), GATED)
    if obstacles:
        raise InputError(f"the golden record in {golden} cannot be timed: {obstacles[0]}; make it anew with --update")
    with gate_runs(cache, reporter) as runs:
        write_speeds(runs.scored_again(PROTOCOLS[0], usable, timed=True), golden)
    return 0


def _fitted_again(runs: GateRuns, protocol: str, record: Run) -> Run:
    """Everything fitted again: detectors that depend on their seed with several seeds, the others with one."""
    first, *further = SEEDS_NOW[protocol]
    several = [name for name in seeds_differ(record) if name in GATED]
    parts = [runs.fitted_again(protocol, GATED, (first,))]
    return joined([*parts, runs.fitted_again(protocol, several, further)] if several else parts)


def update_golden(golden: Path, cache: Path, reporter: Reporter, only: Sequence[str] = ()) -> int:
    """Replace the golden record, both halves, by runs of this code, and print what changes. Returns 0.

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
    kept = _kept_fits(golden / FITTED, only)
    found = runs_for_record(only or GATED, cache, reporter)
    for protocol, run in found.golden.items():
        record = _replacement(old[protocol], golden_from([run]), only)
        reporter.say(f"{protocol}:\n{describe_update(old[protocol], record)}")
        write_golden(record, golden / protocol)
        _update_further(golden / FURTHER / protocol, found.further.get(protocol), only, reporter)
    write_fitted({**kept, **found.fits}, golden / FITTED)
    reporter.say(f"{FITTED}: {len(found.fits)} fitted detectors made, {len(kept)} kept")
    return 0


def runs_for_record(detectors: Sequence[str], cache: Path, reporter: Reporter) -> RecordRuns:
    """Make everything that a record is made of."""
    with gate_runs(cache, reporter) as runs:
        golden = {protocol: runs.fitted_again(protocol, detectors, GOLDEN_SEEDS) for protocol in PROTOCOLS}
        several = sorted({name for run in golden.values() for name in seeds_differ(run)})
        further = {name: runs.fitted_again(name, several, FURTHER_SEEDS[name]) for name in PROTOCOLS if several}
        return RecordRuns(golden, further, runs.fits_to_ship(detectors))


def _update_further(folder: Path, new: Run | None, only: Sequence[str], reporter: Reporter) -> None:
    """Replace the further seeds of a protocol: of all detectors, or of some."""
    old = _record(folder, reporter) if folder.is_dir() else None
    others = [name for name in old.manifest.detectors if name not in only] if old is not None and only else []
    parts = [only_rows(old, others)] if old is not None and others else []
    parts += [] if new is None else [new]
    if parts:
        further = golden_from(parts)
        reporter.say(f"{FURTHER}/{folder.name}:\n{describe_update(old, further)}")
        write_golden(further, folder)
    elif folder.is_dir():
        rmtree(folder)


def _kept_fits(folder: Path, only: Sequence[str]) -> dict[str, bytes]:
    """The fitted detectors that an update leaves alone, as files by name."""
    if not only:
        return {}
    fits = read_fitted(folder).items()
    return {name: (folder / name).read_bytes() for name, (saved, _) in fits if saved.detector not in only}


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
