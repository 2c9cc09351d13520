"""Batches as a network is shown them while it trains, made by threads one batch ahead."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from hashlib import sha256
from threading import Lock

import numpy as np

from detectors.api import Image, Labels, TrainSet
from detectors.preprocessing.augmentation import View, draws
from detectors.training.pairing import PairedIndices, Pairs, batches, units

MEMORY = 1 << 30  # bytes of decoded images that are kept between epochs


def shuffled(indices: Sequence[int], names: Sequence[str], salt: str) -> list[int]:
    """Indices in an order that depends on the names and the salt alone."""
    return sorted(indices, key=lambda index: sha256(f"{salt}/{names[index]}".encode()).digest())


def shuffled_units(found: Sequence[PairedIndices], names: Sequence[str], salt: str) -> list[PairedIndices]:
    """Units in such an order; one of a single image is placed as the image would be."""
    return sorted(found, key=lambda unit: sha256("/".join([salt, *(names[index] for index in unit)]).encode()).digest())


class BatchLoader:
    """The images of one training."""

    def __init__(
        self, images: TrainSet, view: View, batch: int, seed: int, pool: ThreadPoolExecutor, pairs: Pairs = "none"
    ) -> None:
        self.view = view
        self.generators = images.generators
        self._pairs: Pairs = pairs
        self._names = images.names
        self._labels = images.labels
        self._images = images
        self._batch = batch
        self._seed = seed
        self._pool = pool
        self._kept: dict[int, Image] = {}
        self._room = MEMORY
        self._lock = Lock()

    def training(self, indices: Sequence[int], epoch: int) -> Iterator[tuple[list[Image], Labels]]:
        """Augmented images with their labels, in this epoch's order."""
        salt = f"{self._seed}/{epoch}"
        # twins are drawn anew every epoch, where there is a choice
        found = units(shuffled(indices, self._names, f"{salt}/twins"), self._images, self._pairs)
        order = shuffled_units(found, self._names, salt)
        return self._batches(order, epoch, self.view.training)

    def validation(self, indices: Sequence[int], epoch: int) -> Iterator[tuple[list[Image], Labels]]:
        """Images as early stopping sees them, with their labels."""
        order = [(index,) for index in shuffled(indices, self._names, "")]
        return self._batches(order, epoch, self.view.validation)

    def _batches(
        self, order: Sequence[PairedIndices], epoch: int, see: Callable[[Image, np.random.Generator], Image]
    ) -> Iterator[tuple[list[Image], Labels]]:
        def one(index: int, first: int) -> Image:
            return see(self._pixels(index), draws(self._seed, self._names[first], epoch))

        def submit(batch: Sequence[PairedIndices]) -> list[Future[Image]]:
            return [self._pool.submit(one, index, unit[0]) for unit in batch for index in unit]

        found = batches(order, self._batch)
        ahead = submit(found[0])
        for batch, following in zip(found, [*found[1:], []], strict=True):
            ready, ahead = ahead, submit(following)
            labels = self._labels[[index for unit in batch for index in unit]]
            yield [future.result() for future in ready], labels

    def _pixels(self, index: int) -> Image:
        if index in self._kept:
            return self._kept[index]
        pixels = self._images[index].pixels
        with self._lock:
            if pixels.nbytes <= self._room and index not in self._kept:
                self._room -= pixels.nbytes
                self._kept[index] = pixels
        return pixels
