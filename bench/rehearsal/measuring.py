"""Measures rates on this machine, on a few photographs: what the processor does, and the device as a run uses it.

Decoding, degrading and preparing are measured in seconds of the processor over all its threads, so that work beside it
does not count; what a device does is measured by the clock.
"""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd

from bench.engine.cache import Cache
from bench.engine.scoring.batch_answers import (
    BatchInputs,
    answer_batch,
    base_detectors,
    needs_only_embeddings,
    prepare_samples,
)
from bench.engine.timing import DeviceClock
from bench.images.decoding.decoder import decode
from bench.images.image_set import ImageSet
from bench.images.quality.file_records import HASH_BYTES
from bench.platform.progress import Reporter
from bench.records.store import Store
from bench.rehearsal.amounts import Counted, beginnings
from bench.rehearsal.fit_measuring import HEAD_SIZES, measure_fit
from bench.rehearsal.rates import RateKind, Rates
from bench.rehearsal.repeated_train_set import RepeatedTrainSet
from bench.rehearsal.sample_images import ENCODINGS, encoded, repeated
from bench.rehearsal.workload import DetectorWork, Workload
from detectors.api import Answer, Detector, Embedder, Embeddings, Probe, Runtime, Sample
from detectors.isolation.calls import contained
from protocols.degradations import Degradation, parse_degradation

CPU_BATCH = 8  # a processor gains nothing from larger ones
DEGRADED = 4  # images that a degradation is measured on
SHORTEST = 0.02  # seconds that a measurement lasts at least: short work is repeated
LEAST_TIMES = 3  # that the device does a batch: other work beside it slows it down
ROWS = 2000  # of scores, which are written to see how long that takes and how large it is
INDEXED = 5000  # embeddings, to see what memory it takes to find them
SEED = 0  # of those scores and of the hashes of what is embedded


@dataclass(frozen=True)
class RateMeasurement:
    """Measures rates, and keeps them; what fails leaves a reason.

    Attributes:
        samples: A few images.
        runtime: Where detectors compute.
        batch_size: Images per batch.
        rates: Where the rates are kept.
    """

    samples: Sequence[Sample]
    runtime: Runtime
    batch_size: int
    rates: Rates

    def decoding(self) -> None:
        """Decode a file of each format."""
        for file_format in ENCODINGS:
            files = [encoded(sample.pixels, file_format) for sample in self.samples]
            seconds = _core_seconds(partial(_decode_all, files))
            self.rates.put("decode", file_format, seconds / len(files))
            self.rates.put("file bytes", file_format, sum(map(len, files)) / len(files))

    def degrading(self, chains: Counted) -> None:
        """Take every step of these chains, on what the steps before it leave of an image."""
        degraded: dict[str, list[Sample]] = {"": list(self.samples[:DEGRADED])}
        parts = {part for chain in chains for part in beginnings(chain)}
        for chain in sorted(parts, key=lambda part: (part.count("+"), part)):
            whole = parse_degradation(chain)
            before, step = degraded.get(chain.rpartition("+")[0]), whole.apart()[-1]
            with self._reasons(whole.key, "degrade"):
                if before is None:
                    msg = "what it begins with refuses the images"
                    raise ValueError(msg)
                degraded[chain] = _degrade_all(step, before)
                seconds = _core_seconds(partial(_degrade_all, step, before))
                self.rates.put("degrade", whole.key, seconds / len(before))

    def recording(self, images: ImageSet) -> None:
        """Write scores of images under their names."""
        some = images.select(np.arange(min(len(images), ROWS)))
        scores = np.random.default_rng(SEED).random(len(some)).astype(np.float32)
        answer = Answer(scores, {}, scores - 0.5)
        with TemporaryDirectory() as folder:
            seconds = _core_seconds(lambda: Store(Path(folder)).record([("0" * 32, some, answer)]))
            (path,) = Path(folder).rglob("*.parquet")
            size, held = path.stat().st_size, pd.read_parquet(path).memory_usage(deep=True).sum()
        self.rates.put("record", "", seconds / len(some))
        self.rates.put("row bytes", "", size / len(some))
        self.rates.put("row memory", "", float(held) / len(some))

    def indexing(self) -> None:
        """Hold where embeddings lie in their files."""
        hashes = np.random.default_rng(SEED).integers(0, 256, (INDEXED, HASH_BYTES), dtype=np.uint8)
        with TemporaryDirectory() as folder:
            Cache(Path(folder)).embeddings("any", "any").add(hashes, np.zeros((INDEXED, 1), np.float32))
            tracemalloc.start()
            files = Cache(Path(folder)).embeddings("any", "any")
            rows = files.rows_of(hashes)
            held, _ = tracemalloc.get_traced_memory()
            tracemalloc.stop()
        self.rates.put("index memory", "", held / int((rows >= 0).sum()))

    def embedding(self, embedder: Embedder) -> None:
        """Prepare and embed a batch."""
        with self._reasons(embedder.key, "embed"):
            seconds = _core_seconds(lambda: [embedder.prepare(sample) for sample in self.samples])
            prepared = [embedder.prepare(sample) for sample in repeated(self.samples, self.batch_size)]
            embedder.embed(prepared)  # reads the weights, and warms up
            self.rates.put("prepare", embedder.key, seconds / len(self.samples))
            self.rates.put(
                "embed", embedder.key, self._device_seconds(lambda: embedder.embed(prepared)) / len(prepared)
            )

    def detector(self, key: str, work: DetectorWork) -> None:
        """Fit or load a detector, and let it score a batch, or decide about embeddings.

        Args:
            key: Of its recipe.
            work: What it has to do.
        """
        answers: RateKind = "decide" if work.decided else "score"
        fits: tuple[RateKind, ...] = ("fit",) if work.fits else ()
        with self._reasons(key, answers, *fits):
            detector = self._fitted(key, work)
            if needs_only_embeddings(detector):
                self._deciding(key, detector)
            else:
                self._scoring(key, detector)

    def _fitted(self, key: str, work: DetectorWork) -> Detector:
        """The detector, and the rates of its fit."""
        if work.checkpoint:
            return work.recipe.load(Path(work.checkpoint), self.runtime)
        found = measure_fit(work.recipe, self.samples, self.runtime)
        self.rates.put("fit", key, found.image_s)
        self.rates.put("fit start", key, found.start_s)
        self.rates.put("fit bytes", key, sum(array.nbytes for array in found.detector.state().values()))
        return found.detector

    def _deciding(self, key: str, detector: Detector) -> None:
        """Decide about embeddings of as many images as heads are fitted on."""
        train = RepeatedTrainSet(self.samples, tuple(range(max(HEAD_SIZES))))
        embedders = {base.detector.embedder for base in base_detectors(detector) if isinstance(base.detector, Probe)}
        embeddings = {embedder.key: train.embed(embedder) for embedder in embedders}
        inputs = BatchInputs(lambda _: [], lambda embedder: embeddings[embedder.key])
        self.rates.put("decide", key, _core_seconds(lambda: answer_batch(detector, inputs)) / len(train))

    def _scoring(self, key: str, detector: Detector) -> None:
        """Prepare a batch, and score it."""
        batch = repeated(self.samples, self.batch_size)
        seconds = _core_seconds(lambda: prepare_samples(detector, self.samples))
        prepared = prepare_samples(detector, batch)

        def embeddings(embedder: Embedder) -> Embeddings:
            return embedder.embed(prepared[embedder.key])

        inputs = BatchInputs(prepared.__getitem__, embeddings)
        answer_batch(detector, inputs)
        self.rates.put("prepare", key, seconds / len(self.samples))
        self.rates.put("score", key, self._device_seconds(lambda: answer_batch(detector, inputs)) / len(batch))

    def _device_seconds(self, work: Callable[[], object]) -> float:
        """Seconds of some work by the clock, once the device has finished it: of the quickest time, for others wait."""
        clock, seconds = DeviceClock(self.runtime), [float("inf")]
        while len(seconds) <= LEAST_TIMES or sum(seconds[1:]) < SHORTEST:
            seconds.append(clock.time(work)[0])
        return min(seconds)

    @contextmanager
    def _reasons(self, of: str, *kinds: RateKind) -> Iterator[None]:
        """Note why rates cannot be measured, where something fails; others are measured all the same."""
        for kind in kinds:
            self.rates.forget(kind, of)
        try:
            with contained(f"measuring of {of}"):
                yield
        except Exception as error:  # noqa: BLE001 - what cannot be measured is left out of an estimate, and said so
            for kind in kinds:
                if self.rates.get(kind, of) is None:
                    self.rates.fail(kind, of, error)


def measure(work: Workload, images: ImageSet, run: RateMeasurement, reporter: Reporter) -> None:
    """Measure every rate that a workload needs.

    Args:
        work: What would be done.
        images: The images of the run, as its records name them.
        run: Measures the rates, and keeps them.
        reporter: Shows progress.
    """
    tasks: list[Callable[[], None]] = [
        run.decoding,
        partial(run.degrading, work.degraded),
        partial(run.recording, images),
        run.indexing,
        *(partial(run.embedding, one.embedder) for one in work.embedders.values()),
        *(partial(run.detector, key, one) for key, one in work.detectors.items()),
    ]
    with reporter.stage("measure rates", len(tasks)) as advance:
        for task in tasks:
            task()
            advance(1)


def _decode_all(files: Sequence[bytes]) -> list[Sample]:
    return [decode(file, "a photograph") for file in files]


def _degrade_all(step: Degradation, samples: Sequence[Sample]) -> list[Sample]:
    return [step(sample) for sample in samples]


def _core_seconds(work: Callable[[], object]) -> float:
    """Seconds that the processor spends on some work, over all its threads."""
    start, spent, count = time.process_time(), 0.0, 0
    while spent < SHORTEST:
        work()
        count += 1
        spent = time.process_time() - start
    return spent / count
