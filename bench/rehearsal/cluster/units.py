"""A workload as units that nodes can do apart: shards that are embedded, fits, shards that are scored.

A shard is some consecutive batches of a pass, under all degradations, which share what they decode, as long as there
are batches enough; else under some of them, each group of which decodes for itself. A unit has a node to itself but for
fits of one thread, which a node does side by side.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import ceil

from bench.cluster.cutting import units_wanted
from bench.rehearsal.amounts import Counted, ImagesRead, added
from bench.rehearsal.conditions import ConditionWork, PassWork
from bench.rehearsal.estimate import FLOAT_BYTES, HASH_BYTES, Prices, reading_seconds
from bench.rehearsal.workload import DetectorWork, Workload

ANSWER_BYTES = 2 * FLOAT_BYTES  # a score and log odds
EMBED, FIT, FINE_TUNE, SCORE = "embed", "fit", "fine-tune", "score"
STAGES = EMBED, FIT, FINE_TUNE, SCORE  # one begins when the one before it has ended


@dataclass(frozen=True)
class Units:
    """Units of work of one kind and of about one size.

    Attributes:
        stage: One of `STAGES`.
        what: What each of them is, in words.
        count: Their number.
        size: Images of the largest.
        seconds: That all of them take on one node, one after the other.
        largest: Seconds that the largest takes.
        epochs: How often a training goes over its images at most.
        further: Seconds that join those of all where trainings need all their epochs.
        side_by_side: How many a node does at a time.
        images_read: Bytes of image files.
        read: Bytes of embeddings.
        written: Bytes of embeddings, of what fits learned, or of answers.
    """

    stage: str
    what: str
    count: int
    size: int
    seconds: float
    largest: float
    epochs: int = 1
    further: float = 0.0
    side_by_side: int = 1
    images_read: float = 0.0
    read: float = 0.0
    written: float = 0.0

    @property
    def longest(self) -> float:
        """Seconds that the largest takes at most."""
        return self.largest + self.further / self.count


@dataclass(frozen=True)
class UnitPricing:
    """What units cost.

    Attributes:
        work: What would be done.
        prices: The rates that were measured, and what has none.
        workers: Cores of a node.
        on_cpu: Whether detectors compute on the processor, where fits of one thread run side by side.
        batch_size: Images of a batch.
    """

    work: Workload
    prices: Prices
    workers: int
    on_cpu: bool
    batch_size: int

    def units(self) -> list[Units]:
        """All units of the workload, in the order of `STAGES`."""
        work = self.work
        return [
            *self._shards(EMBED, work.embedding_pass, work.embedding),
            *(units for key, one in work.detectors.items() for units in self._fits(key, one)),
            *(units for key, one in work.detectors.items() for units in self._fine_tuned(key, one)),
            *self._shards(SCORE, work.scoring_pass, work.scoring),
        ]

    def _shards(self, stage: str, one: PassWork, together: ImagesRead) -> Iterator[Units]:
        """The shards of a pass, those of each group of its degradations.

        Args:
            stage: Of the units.
            one: The pass.
            together: What it reads where no degradation is apart.
        """
        conditions = [part for part in one.conditions if part.answers or sum(part.embedded.values())]
        if not conditions:
            return
        answers = sum(sum(part.embedded.values()) if stage == EMBED else part.answers for part in conditions)
        batches = ceil(one.images / self.batch_size)
        wanted = units_wanted(answers)
        of_shard = max(1, batches // wanted)
        count = ceil(batches / of_shard)
        groups = 1 if stage == EMBED else min(len(conditions), ceil(wanted / count))
        of_group = ceil(len(conditions) / groups)
        size = min(one.images, of_shard * self.batch_size)
        for start in range(0, len(conditions), of_group):
            group = conditions[start : start + of_group]
            read = together if len(group) == len(conditions) else read_apart(group)
            yield self._shard_units(stage, group, read, (count, size, size / one.images))

    def _shard_units(
        self, stage: str, group: Sequence[ConditionWork], read: ImagesRead, cut: tuple[int, int, float]
    ) -> Units:
        """The shards of one group of degradations: so many, of so many images, each such a part of all."""
        count, size, part = cut
        seconds = sum(self._computing(one) for one in group) + reading_seconds(read, self.prices) / self.workers
        rows = {key: one.embedder.dim * FLOAT_BYTES + HASH_BYTES for key, one in self.work.embedders.items()}
        made = float(sum(rows[key] * images for one in group for key, images in one.embedded.items()))
        needed = float(sum(rows[key] * images for one in group for key, images in one.looked_up.items()))
        under = group[0].chain if len(group) == 1 else f"{len(group)} degradations"
        return Units(
            stage,
            f"a shard to {stage} under {under}",
            count,
            size,
            seconds,
            seconds * part,
            images_read=self._file_bytes(read.decoded),
            read=needed - made if stage == SCORE else 0.0,
            written=made + sum(one.answers for one in group) * ANSWER_BYTES,
        )

    def _computing(self, one: ConditionWork) -> float:
        """Seconds of preparing, embedding and answering under one degradation."""
        prices, detectors = self.prices, self.work.detectors
        scoring = {key: f"scoring by {detectors[key].label}" for key in (*one.prepared, *one.scored)}
        shared = sum(prices("prepare", key, f"embedding by {key}", count) for key, count in one.embedded.items())
        shared += sum(prices("prepare", key, scoring[key], count) for key, count in one.prepared.items())
        return (
            shared / self.workers
            + sum(prices("embed", key, f"embedding by {key}", count) for key, count in one.embedded.items())
            + sum(prices("score", key, scoring[key], count) for key, count in one.scored.items())
            + sum(prices("decide", key, f"decisions of {detectors[key].label}", n) for key, n in one.decided.items())
        )

    def _fits(self, key: str, one: DetectorWork) -> Iterator[Units]:
        """The fits of one recipe, by their number of images."""
        what, side_by_side = f"fits of {one.label}", self._side_by_side(one)
        reads = not one.decided  # images, and no embeddings alone
        first, again = (side_by_side * seconds for seconds in self._reading_of_fits())  # with a part of the cores
        start, each = self.prices("fit start", key, what, 1), self.prices("fit", key, what, 1)
        for images, count in Counter(one.fits).items():
            epoch = each * images
            seconds = start + epoch + (first * images if reads else 0.0)
            further = (epoch + (again * images if reads else 0.0)) * (one.epochs - 1)
            yield Units(
                FIT,
                f"a fit of {one.label} on {images:,} images",
                count,
                images,
                count * seconds,
                seconds,
                one.epochs,
                count * further,
                side_by_side,
                count * images * self._bytes_of_fitted_image() if reads else 0.0,
                count * images * one.columns * FLOAT_BYTES,
                self.prices("fit bytes", key, what, count),
            )

    def _fine_tuned(self, key: str, one: DetectorWork) -> Iterator[Units]:
        """The fits of one recipe that go on from others, by their number of images."""
        what = f"fits of {one.label}"
        for images, count in Counter(one.fine_tuned).items():
            seconds = self.prices("fit", key, what, images)
            yield Units(
                FINE_TUNE,
                f"a fine-tuning of {one.label}",
                count,
                images,
                count * seconds,
                seconds,
                side_by_side=self._side_by_side(one),
                written=self.prices("fit bytes", key, what, count),
            )

    def _side_by_side(self, one: DetectorWork) -> int:
        return self.workers if self.on_cpu and one.recipe.single_threaded_fit else 1

    def _reading_of_fits(self) -> tuple[float, float]:
        """Seconds of a node to read an image for a fit, in its first epoch and in a later one."""
        works = [one for one in self.work.detectors.values() if not one.decided]
        firsts = sum(sum(one.fits) for one in works)
        later = sum(sum(one.fits) * (one.epochs - 1) for one in works)
        first, again = (
            reading_seconds(read, self.prices) / self.workers for read in (self.work.fitting, self.work.refitting)
        )
        return first / max(1, firsts), again / max(1, later)

    def _bytes_of_fitted_image(self) -> float:
        """Bytes of the file of an image that a fit reads, on average."""
        decoded = self.work.fitting.decoded
        return self._file_bytes(decoded) / max(1, sum(amount.images for amount in decoded.values()))

    def _file_bytes(self, decoded: Counted) -> float:
        """Bytes of these files."""
        return sum(
            self.prices.by_pixels("file bytes", name, f"bytes of {name}", amount) for name, amount in decoded.items()
        )


def read_apart(group: Sequence[ConditionWork]) -> ImagesRead:
    """What some degradations read where each takes its steps by itself, and all of them the images of the largest."""
    largest = max(group, key=lambda one: sum(amount.images for amount in one.read.decoded.values()))
    return ImagesRead(largest.read.decoded, added(one.read.degraded for one in group))
