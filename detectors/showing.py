"""Batches as a network is shown them while it trains, made by threads one batch ahead."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from threading import Lock

import numpy as np

from detectors.api import Image, Labels, TrainSet
from detectors.augment import View, draws

MEMORY = 1 << 30  # bytes of decoded images that are kept between epochs


def shuffled(indices: Sequence[int], names: Sequence[str], salt: str) -> list[int]:
    """Indices in an order that depends on the names and the salt alone."""
    return sorted(indices, key=lambda index: sha256(f"{salt}/{names[index]}".encode()).digest())


class Shown:
    """The images of one training."""

    def __init__(self, images: TrainSet, view: View, batch: int, seed: int, pool: ThreadPoolExecutor) -> None:
        self.view = view
        self.generators = images.generators
        self._images = images
        self._batch = batch
        self._seed = seed
        self._pool = pool
        self._kept: dict[int, Image] = {}
        self._room = MEMORY
        self._lock = Lock()

    def training(self, indices: Sequence[int], epoch: int) -> Iterator[tuple[list[Image], Labels]]:
        """Augmented images with their labels, in this epoch's order."""
        order = shuffled(indices, self._images.names, f"{self._seed}/{epoch}")
        return self._batches(order, epoch, self.view.training)

    def validation(self, indices: Sequence[int], epoch: int) -> Iterator[tuple[list[Image], Labels]]:
        """Images as early stopping sees them, with their labels."""
        return self._batches(shuffled(indices, self._images.names, ""), epoch, self.view.validation)

    def _batches(
        self, order: Sequence[int], epoch: int, see: Callable[[Image, np.random.Generator], Image]
    ) -> Iterator[tuple[list[Image], Labels]]:
        def one(index: int) -> Image:
            return see(self._pixels(index), draws(self._seed, self._images.names[index], epoch))

        batches = [order[start : start + self._batch] for start in range(0, len(order), self._batch)]
        ahead = [self._pool.submit(one, index) for index in batches[0]]
        for batch, following in zip(batches, [*batches[1:], []], strict=True):
            ready, ahead = ahead, [self._pool.submit(one, index) for index in following]
            yield [future.result() for future in ready], self._images.labels[batch]

    def _pixels(self, index: int) -> Image:
        if index in self._kept:
            return self._kept[index]
        pixels = self._images[index].pixels
        with self._lock:
            if pixels.nbytes <= self._room and index not in self._kept:
                self._room -= pixels.nbytes
                self._kept[index] = pixels
        return pixels
