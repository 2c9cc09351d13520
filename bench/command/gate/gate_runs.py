"""The runs of the gate on the embedded corpus: the record's fitted detectors scored again, and everything fitted again.

The gate trusts no cache of embeddings or fitted detectors: a change of code that forgot to raise a card's version must
not hide behind them. Only the corpus is reused, under a name that follows from the code that makes it.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from shutil import rmtree
from tempfile import TemporaryDirectory

from bench.engine.cache import Cache
from bench.engine.plan import detector_names, training_text
from bench.evaluation.joined_runs import join_runs
from bench.golden.fitted_record import SUFFIX
from bench.images.data_sets import embedded_corpus
from bench.platform.errors import InputError
from bench.platform.progress import Reporter
from bench.records.run import Run
from bench.records.saved_detector import SavedDetector
from bench.records.store import Store
from bench.request.defaults import BATCH_SIZE, DETECTORS
from bench.request.execution import execute
from bench.request.planned_run import PlannedRun, plan_run
from bench.request.protocol_catalogue import make_protocol
from bench.request.run_request import RunRequest
from detectors import catalogue
from detectors.api import State

PROTOCOLS = ("cross_generator", "degradation")
GATED = tuple(DETECTORS.split(","))
TRAINED_ON = {"cross_generator": ("ldm_a", "gan_ps"), "degradation": ("ldm_a",)}  # the fits that ship
SHIPPED_SEED = 0
_OF_FITS = ("fitted", "answers", "shards", "agreements")  # folders of the cache: what follows from a fit

Fits = Mapping[str, tuple[SavedDetector, State]]


@dataclass(frozen=True)
class GateRuns:
    """Runs in a folder of their own, whose embeddings they share.

    Attributes:
        corpus: Folder of the embedded corpus.
        scratch: An empty folder.
        reporter: Shows progress.
    """

    corpus: Path
    scratch: Path
    reporter: Reporter

    def request(
        self, protocol: str, detectors: Sequence[str], seeds: Sequence[int], train_on: Sequence[str]
    ) -> RunRequest:
        """One protocol on the embedded corpus; `train_on` as it has it where it is empty."""
        name = "-".join([protocol, *train_on, *map(str, seeds)])
        return RunRequest(
            protocol=make_protocol(protocol, {"train_on": ",".join(train_on)} if train_on else {}),
            data=str(self.corpus),
            detectors=tuple(detectors),
            setting="small",
            device="cpu",
            precision="float32",
            out=self.scratch / name,
            limit=None,
            seeds=tuple(seeds),
            batch_size=BATCH_SIZE,
            workers=os.cpu_count() or 1,
            cache=self.scratch / "cache",
            timed=False,
        )

    def scored_again(self, protocol: str, fits: Fits, *, timed: bool = False) -> Run:
        """Fitted detectors of the record under a protocol, with nothing fitted.

        Args:
            protocol: Its name.
            fits: Of one detector or more, all those of `TRAINED_ON`.
            timed: Whether the detectors are timed too.

        Raises:
            InputError: A fit is missing.
        """
        detectors = list(dict.fromkeys(saved.detector for saved, _ in fits.values()))
        request = self.request(protocol, detectors, (SHIPPED_SEED,), TRAINED_ON[protocol])
        self.reporter.say(f"Gate: {protocol}, fitted detectors of the record")
        return score_again(replace(request, timed=timed), fits, self.reporter)

    def forget_fits(self) -> None:
        """Delete fitted detectors, and all that follows from them; embeddings stay."""
        forget_fits(self.scratch / "cache")

    def fitted_again(self, protocol: str, detectors: Sequence[str], seeds: Sequence[int]) -> Run:
        """Every train set of a protocol fitted now, or in an earlier run of this folder, and scored."""
        request = self.request(protocol, detectors, seeds, ())
        self.reporter.say(f"Gate: {protocol}, seeds {', '.join(map(str, seeds))} of {', '.join(detectors)}")
        return answer(request, self.reporter)

    def fits_to_ship(self, detectors: Sequence[str]) -> dict[str, bytes]:
        """The fitted detectors of `TRAINED_ON` as files by name, fitted now or in an earlier run of this folder."""
        protocol = PROTOCOLS[0]
        request = self.request(protocol, detectors, (SHIPPED_SEED,), TRAINED_ON[protocol])
        answer(replace(request, keep_fitted=True), self.reporter)
        return {path.name: path.read_bytes() for path in sorted((request.out / "fitted").iterdir())}


def answer(request: RunRequest, reporter: Reporter) -> Run:
    """Fit and score all that a request asks for."""
    return execute(plan_run(request, reporter), Store.at(request.out), reporter)


def score_again(request: RunRequest, fits: Fits, reporter: Reporter) -> Run:
    """Score with fitted detectors all that a request asks for; nothing is fitted. Raises `InputError` without a fit."""
    planned = plan_run(request, reporter)
    _place(fits, planned)
    return execute(planned, Store.at(request.out), reporter)


def forget_fits(cache: Path) -> None:
    """Delete the fitted detectors of a cache, and all that follows from them; embeddings stay."""
    for name in _OF_FITS:
        rmtree(cache / name, ignore_errors=True)


def _place(fits: Fits, planned: PlannedRun) -> None:
    """Put fitted detectors where the cells of a planned run look for them. Raises `InputError` where one is missing."""
    cache = Cache.at(planned.request.cache)
    items = {item.fit_key: item for item in planned.planned}
    names = detector_names({fit_key: item.cell for fit_key, item in items.items()})
    for fit_key, item in items.items():
        cell = item.cell
        if (fit := fits.get(names[fit_key] + SUFFIX)) is None:
            msg = f"the golden record has no fitted {cell.detector} of {training_text(cell)} and seed {cell.seed}"
            raise InputError(f"{msg}; make it with --update")
        cache.write_fit(item.training_key, fit[1])


def usable_fits(fits: Fits, detectors: Iterable[str]) -> tuple[dict[str, tuple[SavedDetector, State]], list[str]]:
    """The fitted detectors of these names that can be scored now, by name of the file, and why others cannot be."""
    found: dict[str, tuple[SavedDetector, State]] = {}
    obstacles = []
    for detector in detectors:
        own = {name: fit for name, fit in fits.items() if fit[0].detector == detector}
        version = catalogue.recipe(detector, "small").card.version
        old = sorted({saved.version for saved, _ in own.values()} - {version})
        trained = {saved.train for saved, _ in own.values() if saved.seed == SHIPPED_SEED}
        missing = [train for trains in TRAINED_ON.values() for train in trains if train not in trained]
        if old:
            obstacles.append(f"{detector}: its fits are of version {old[0]}, this is version {version}")
        elif missing:
            obstacles.append(f"{detector}: there is no fit of {missing[0]} in the golden record")
        else:
            found |= own
    return found, obstacles


@contextmanager
def gate_runs(cache: Path, reporter: Reporter) -> Iterator[GateRuns]:
    """Runs on the embedded corpus of a cache, in a folder that is deleted afterwards."""
    corpus = embedded_corpus(cache, os.cpu_count() or 1, reporter)
    with TemporaryDirectory(prefix="lineup-gate-") as scratch:
        yield GateRuns(corpus, Path(scratch), reporter)


def joined(runs: Sequence[Run]) -> Run:
    """Runs of one question, of different detectors or seeds, as one.

    Raises:
        InputError: They ask different questions.
    """
    (run, *others) = join_runs(runs)
    if others:
        msg = f"runs of the gate ask {1 + len(others)} different questions"
        raise InputError(msg)
    return run
