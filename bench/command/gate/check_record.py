"""Compares what detectors answer now with a golden record of a question."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.command.gate.gate_runs import answer, forget_fits, score_again
from bench.engine.cache import Cache
from bench.evaluation.joined_runs import only_rows
from bench.golden.changed_decisions import compare_decisions
from bench.golden.gate_findings import (
    FITTED_AGAIN,
    KEPT_FITS,
    REPLACED,
    SCORED_AGAIN,
    GateComparison,
    GateFindings,
    GateHalf,
    GateResults,
)
from bench.golden.question_record import QuestionRecord
from bench.golden.recorded_images import FoundImages, find_images
from bench.golden.regression import compare
from bench.golden.replaced_detectors import compare_replaced, replaced_detectors
from bench.images.data_sets import open_data
from bench.platform.errors import InputError
from bench.platform.progress import Reporter
from bench.records import columns
from bench.records.run import Run
from bench.records.score_table import ScoreTable
from bench.request.run_request import RunRequest


@dataclass(frozen=True)
class RecordCheck:
    """A check that is under way.

    Attributes:
        record: The record.
        golden: Its answers, of the images that are here.
        found: Its images here.
        request: What it asks, of these images, in an empty cache.
        reporter: Shows progress.
    """

    record: QuestionRecord
    golden: Run
    found: FoundImages
    request: RunRequest
    reporter: Reporter

    @property
    def scored_missing(self) -> int:
        """How many of the missing images the record has scores of."""
        return len(set(self.found.missing).intersection(self.record.run.scores[columns.NAME]))

    @property
    def trained_on_missing(self) -> int:
        """How many of the missing images are tested by nothing: detectors were trained on them."""
        return len(self.found.missing) - self.scored_missing


def check_record(
    record: QuestionRecord, request: RunRequest, cache: Path, reporter: Reporter, *, fit_again: bool
) -> GateFindings:
    """Score and fit again what a record holds, and compare.

    Args:
        record: The record.
        request: What it asks, `data` being where its images lie now.
        cache: The user's cache, of which the embedded corpus alone is used.
        reporter: Shows progress.
        fit_again: Whether what was trained is trained again.

    Raises:
        InputError: Nothing can be compared.
    """
    if record.trained and not record.fits and not fit_again:
        msg = f"the golden record {record.name} keeps no fitted detectors, and --no-fit-again leaves nothing to compare"
        raise InputError(f"{msg}; leave it out, or make the record with --keep-fitted")
    with _check(record, request, cache, reporter) as check:
        comparisons: list[GateComparison] = []
        runs: list[Run] = []
        obstacles: list[str] = []
        if record.fits or not record.trained:
            now = _scored_again(check)
            comparisons += _compared_as_kept(check, now)
            runs.append(now)
            obstacles = [*_absent(now), *([] if fit_again else _older_fits(check, now))]
        if record.trained and fit_again and not check.trained_on_missing:
            forget_fits(check.request.cache)
            now = answer(replace(check.request, out=check.request.out / FITTED_AGAIN), reporter)
            comparisons += _compared_as_fitted(check, now)
            runs.append(now)
    if count := check.scored_missing:
        obstacles.append(f"Not compared: the decisions about {count:,} images that are missing")
    if record.trained and fit_again and (count := check.trained_on_missing):
        obstacles.append(f"Not fitted again: {count:,} images that detectors were trained on are missing")
    return GateFindings(record.name, tuple(comparisons), tuple(obstacles), tuple(_notes(check, runs)))


@contextmanager
def _check(record: QuestionRecord, request: RunRequest, cache: Path, reporter: Reporter) -> Iterator[RecordCheck]:
    """A check in folders of its own, which are deleted afterwards."""
    data, workers = record.run.manifest.data, request.workers
    with TemporaryDirectory(prefix="lineup-golden-") as scratch:
        own = Cache(Path(scratch) / "cache")
        opened = open_data(request.data, cache, os.cpu_count() or 1, reporter, request.real, request.reading)
        candidates = record.images.candidates(replace(opened, max_pixels=request.max_pixels), data.limit)
        with reporter.stage("find images", len(candidates)) as advance:
            here = own.inspect(candidates, workers, advance).usable()
        found = find_images(record.images, data, here)
        of_these = replace(
            request, images=found.images, cache=own.root, out=Path(scratch) / "runs", timed=False, keep_fitted=False
        )
        yield RecordCheck(record, _without_images(record.run, found.missing), found, of_these, reporter)


def _without_images(run: Run, names: tuple[str, ...]) -> Run:
    """A record without the scores of some images."""
    if not names:
        return run
    kept = run.scores[~run.scores[columns.NAME].isin(names)]
    return replace(run, score_table=ScoreTable.from_frame(kept))


def _scored_again(check: RecordCheck) -> Run:
    """The answers of what is kept: fitted detectors, or checkpoints."""
    request = replace(check.request, out=check.request.out / SCORED_AGAIN)
    if check.record.fits:
        return score_again(request, check.record.fits, check.reporter)
    return answer(request, check.reporter)


def _compared_as_kept(check: RecordCheck, now: Run) -> Iterator[GateComparison]:
    """Decisions of what is the same as in the record; falls of what is another."""
    golden = check.golden
    replaced = replaced_detectors(golden.manifest, now.manifest)
    if same := [name for name in golden.manifest.detectors if name not in replaced]:
        what = KEPT_FITS if check.record.fits else "checkpoints scored again"
        result = compare_decisions(only_rows(golden, same), only_rows(now, same))
        yield _comparison(check, SCORED_AGAIN, what, result)
    if replaced and not check.record.trained:
        yield _comparison(check, REPLACED, "replaced detectors", compare_replaced(golden, now, replaced))


def _compared_as_fitted(check: RecordCheck, now: Run) -> Iterator[GateComparison]:
    """Falls of what was trained again."""
    golden = check.golden
    replaced = replaced_detectors(golden.manifest, now.manifest)
    if same := [name for name in golden.manifest.detectors if name not in replaced]:
        result = compare(only_rows(golden, same), only_rows(now, same))
        yield _comparison(check, FITTED_AGAIN, FITTED_AGAIN, result)
    if replaced:
        yield _comparison(check, REPLACED, "replaced detectors", compare_replaced(golden, now, replaced))


def _comparison(check: RecordCheck, half: GateHalf, what: str, result: GateResults) -> GateComparison:
    name = check.record.name
    return GateComparison(name, half, f"Gate: {name}, {what}", result)


def _older_fits(check: RecordCheck, now: Run) -> Iterator[str]:
    """Why nothing is said of trained detectors that are others than those of the record, where none is trained."""
    before, after = check.golden.manifest, now.manifest
    for name in replaced_detectors(before, after) if check.record.trained else ():
        rows = before.detectors[name], after.detectors[name]
        told = [f"{row.key} (version {row.version})" for row in rows]
        yield f"Not scored again: {name}: the record's fits are of {told[0]}, this is {told[1]}; fit it again"


def _absent(now: Run) -> Iterator[str]:
    """Why checkpoints that are not there have no scores."""
    for name, row in now.manifest.detectors.items():
        if row.checkpoint is not None and not row.checkpoint.sha256:
            reason = now.cells.loc[now.cells[columns.DETECTOR].eq(name), columns.REASON].iloc[0]
            yield f"Not scored again: {name}: {reason}"


def _notes(check: RecordCheck, now: Sequence[Run]) -> Iterator[str]:
    """What differs from the record and is no fault."""
    yield from check.found.notes
    if not now:
        return
    before, after = check.golden.manifest.versions, now[0].manifest.versions
    changed = [
        f"{name} {before.get(name, 'none')} -> {after.get(name, 'none')}"
        for name in dict.fromkeys((*before, *after))
        if before.get(name) != after.get(name)
    ]
    if changed:
        yield f"versions are not those of the record: {', '.join(changed)}"
