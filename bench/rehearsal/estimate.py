"""What a workload costs: its amounts times the rates that were measured; what was not measured is left out by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bench.engine import timing
from bench.rehearsal.amounts import Amount, Counted, ImagesRead
from bench.rehearsal.rates import RateKind, Rates
from bench.rehearsal.sample_images import SIDE
from bench.rehearsal.workload import DetectorWork, Workload
from protocols.degradations import parse_degradation

FLOAT_BYTES, HASH_BYTES = 4, 32  # of a column of an embedding, and of the content that it stands under


@dataclass(frozen=True)
class Cost:
    """Time that one kind of work takes.

    Attributes:
        shared: Seconds of cores of the processor, which workers share.
        serial: Seconds of what is done one after the other: by the device that detectors compute on, or by one thread.
        further_shared: Seconds that join the former, at most, where trainings need all their epochs.
        further_serial: The same of the latter.
    """

    shared: float = 0.0
    serial: float = 0.0
    further_shared: float = 0.0
    further_serial: float = 0.0

    def __add__(self, other: Cost) -> Cost:
        return Cost(
            self.shared + other.shared,
            self.serial + other.serial,
            self.further_shared + other.further_shared,
            self.further_serial + other.further_serial,
        )

    def elapsed(self, workers: int) -> float:
        """Seconds by the clock with so many workers, at most: a device of its own works while they do."""
        return self.shared / workers + self.serial

    def longest(self, workers: int) -> float:
        """The same where trainings need all their epochs."""
        return self.elapsed(workers) + self.further_shared / workers + self.further_serial


@dataclass(frozen=True)
class Disk:
    """Bytes that are written.

    Attributes:
        embeddings: By key of the embedder.
        fits: What fits learned.
        scores: Of all cells.
    """

    embeddings: Mapping[str, int]
    fits: float
    scores: float


@dataclass(frozen=True)
class Estimate:
    """What a workload costs.

    Attributes:
        costs: Time by kind of work, in the order in which it is done.
        degrading: Seconds of cores by degradation, the dearest first.
        disk: Bytes that are written.
        memory: Bytes that are held at once, by what holds them.
        unmeasured: What is left out, each with the reason, "" where it was never measured.
    """

    costs: Mapping[str, Cost]
    degrading: Mapping[str, float]
    disk: Disk
    memory: Mapping[str, float]
    unmeasured: Mapping[str, str]

    @property
    def total(self) -> Cost:
        """Of all work."""
        return sum(self.costs.values(), Cost())


@dataclass
class Prices:
    """Looks rates up, and notes what has none.

    Attributes:
        rates: What was measured.
        unmeasured: What has no rate, each with the reason.
    """

    rates: Rates
    unmeasured: dict[str, str]

    def __call__(self, kind: RateKind, of: str, what: str, count: float) -> float:
        """What so many images cost; 0 and a note where the rate is not known."""
        rate = self.rates.get(kind, of)
        if rate is None and count:
            self.unmeasured[what] = self.unmeasured.get(what) or self.rates.reason(kind, of)
        return count * (rate or 0.0)

    def by_pixels(self, kind: RateKind, of: str, what: str, amount: Amount) -> float:
        """The same of work that grows with the pixels of an image."""
        return self(kind, of, what, amount.pixels / SIDE**2)


def estimate(work: Workload, rates: Rates, workers: int, *, on_cpu: bool) -> Estimate:
    """What a workload costs.

    Args:
        work: What would be done.
        rates: What was measured.
        workers: Cores that are worked with.
        on_cpu: Whether detectors compute on the processor, where fits of one thread run side by side.
    """
    unmeasured: dict[str, str] = {}
    prices = Prices(rates, unmeasured)
    degrading = degrading_seconds(work.degraded, prices)
    again = decoding_seconds(work.refitting.decoded, prices) + sum(
        degrading_seconds(work.refitting.degraded, prices).values()
    )
    fits = [_fit(key, one, prices, workers if on_cpu else 1) for key, one in work.detectors.items()]
    each = work.detectors.items()
    costs = {
        "check files": Cost(decoding_seconds(work.checked, prices)),
        "decode": Cost(decoding_seconds(work.decoded, prices)),
        "degrade": Cost(sum(degrading.values())),
        "prepare": Cost(
            sum(prices("prepare", key, f"embedding by {key}", one.images) for key, one in work.embedders.items())
            + sum(prices("prepare", key, f"scoring by {one.label}", one.prepared) for key, one in each)
        ),
        "embed": Cost(
            serial=sum(prices("embed", key, f"embedding by {key}", one.images) for key, one in work.embedders.items())
        ),
        "fit": sum(fits, Cost(further_shared=again)),
        "score": Cost(serial=sum(prices("score", key, f"scoring by {one.label}", one.scored) for key, one in each)),
        "decide": Cost(
            serial=sum(prices("decide", key, f"decisions of {one.label}", one.decided) for key, one in each)
        ),
        "record": Cost(serial=prices("record", "", "writing scores", work.recorded)),
        "time": Cost(serial=sum(_timing(key, read, work, prices) for key, read in work.timed.items())),
    }
    disk = Disk(
        {key: one.images * (one.embedder.dim * FLOAT_BYTES + HASH_BYTES) for key, one in work.embedders.items()},
        sum(prices("fit bytes", key, f"fits of {one.label}", len(one.fits) + len(one.fine_tuned)) for key, one in each),
        prices("row bytes", "", "writing scores", work.recorded),
    )
    largest = max((max(one.fits, default=0) * one.columns * FLOAT_BYTES for _, one in each), default=0)
    rows = prices("row memory", "", "writing scores", work.recorded)
    index = prices("index memory", "", "finding embeddings", sum(one.images for one in work.embedders.values()))
    memory = {"embeddings in a fit": float(largest), "the index of embeddings": index, "scores in the report": rows}
    ordered = dict(sorted(degrading.items(), key=lambda item: -item[1]))
    return Estimate(costs, ordered, disk, memory, unmeasured)


def decoding_seconds(decoded: Counted, prices: Prices) -> float:
    """Seconds of cores that decoding takes."""
    return sum(prices.by_pixels("decode", name, f"decoding {name}", amount) for name, amount in decoded.items())


def degrading_seconds(degraded: Counted, prices: Prices) -> dict[str, float]:
    """Seconds of cores that each step of a degradation takes, by the beginning of its chain."""
    return {
        chain: prices.by_pixels("degrade", parse_degradation(chain).key, chain, amount)
        for chain, amount in degraded.items()
    }


def reading_seconds(read: ImagesRead, prices: Prices) -> float:
    """Seconds of cores that decoding and degrading take."""
    return decoding_seconds(read.decoded, prices) + sum(degrading_seconds(read.degraded, prices).values())


def _timing(key: str, read: ImagesRead, work: Workload, prices: Prices) -> float:
    """Seconds of timing a detector."""
    images, what = sum(amount.images for amount in read.decoded.values()), f"scoring by {work.detectors[key].label}"
    steps = reading_seconds(read, prices)
    answers: tuple[RateKind, ...] = ("decide",) if work.detectors[key].decided else ("prepare", "score")
    return max(timing.LEAST_SECONDS, steps + sum(prices(kind, key, what, images) for kind in answers))


def _fit(key: str, work: DetectorWork, prices: Prices, workers: int) -> Cost:
    """What the fits of a recipe take, with one epoch each, and with all of them."""
    what = f"fits of {work.label}"
    epoch = prices("fit", key, what, sum(work.fits))
    start = prices("fit start", key, what, len(work.fits))
    start += prices("fit", key, what, sum(work.fine_tuned))
    side_by_side = workers if work.recipe.single_threaded_fit else 1
    return Cost(serial=(start + epoch) / side_by_side, further_serial=epoch * (work.epochs - 1) / side_by_side)
