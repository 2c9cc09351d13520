"""Batches of images for the training of a network, made by threads one batch ahead."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from hashlib import sha256
from threading import Lock

import numpy as np

from detectors.api import Image, Labels, TrainSet
from detectors.preprocessing.augmentation import View, image_rng
from detectors.training.pairing import IndexGroup, Pairs, batches, index_groups

CACHE_BYTES = 1 << 30  # of decoded images that are kept between epochs

Batch = tuple[list[Image], Labels]


def shuffled(indices: Sequence[int], names: Sequence[str], salt: str) -> list[int]:
    """Indices in an order that depends on the names and the salt alone."""
    return sorted(indices, key=lambda index: sha256(f"{salt}/{names[index]}".encode()).digest())


def shuffled_groups(groups: Sequence[IndexGroup], names: Sequence[str], salt: str) -> list[IndexGroup]:
    """Groups in such an order; groups of one image are ordered as `shuffled` orders the images."""
    return sorted(
        groups, key=lambda group: sha256("/".join([salt, *(names[index] for index in group)]).encode()).digest()
    )


class BatchLoader:
    """The batches of one training: lists of images uint8 (side, side, 3) and their labels, int64 (batch,).

    Args:
        images: The train set; decoded images are kept in memory up to `CACHE_BYTES`.
        view: How an image is shown to the network.
        batch: Images per batch.
        seed: Draws the order and the augmentation.
        pool: Reads and augments the images.
        pairs: Which images are put into one training batch.
    """

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
        self._cache: dict[int, Image] = {}
        self._free_bytes = CACHE_BYTES
        self._lock = Lock()

    def training(self, indices: Sequence[int], epoch: int) -> Iterator[Batch]:
        """Augmented images with their labels, in the order of this epoch."""
        salt = f"{self._seed}/{epoch}"
        # where an image has several counterparts, every epoch pairs it anew; the text of the salt fixes the order
        groups = index_groups(shuffled(indices, self._names, f"{salt}/twins"), self._images, self._pairs)
        order = shuffled_groups(groups, self._names, salt)
        return self._batches(order, epoch, self.view.training)

    def validation(self, indices: Sequence[int], epoch: int) -> Iterator[Batch]:
        """Images as early stopping views them with their labels, in the same order every epoch."""
        order = [(index,) for index in shuffled(indices, self._names, "")]
        return self._batches(order, epoch, self.view.validation)

    def _batches(
        self, order: Sequence[IndexGroup], epoch: int, transform: Callable[[Image, np.random.Generator], Image]
    ) -> Iterator[Batch]:
        def load(index: int, first: int) -> Image:
            """One image, with the random numbers of the first of its group: a pair is augmented alike."""
            return transform(self._pixels(index), image_rng(self._seed, self._names[first], epoch))

        def submit(batch: Sequence[IndexGroup]) -> list[Future[Image]]:
            return [self._pool.submit(load, index, group[0]) for group in batch for index in group]

        found = batches(order, self._batch)
        if not found:
            return
        ahead = submit(found[0])
        for batch, following in zip(found, [*found[1:], []], strict=True):
            futures, ahead = ahead, submit(following)
            labels = self._labels[[index for group in batch for index in group]]
            yield [future.result() for future in futures], labels

    def _pixels(self, index: int) -> Image:
        if index in self._cache:
            return self._cache[index]
        pixels = self._images[index].pixels
        with self._lock:
            if pixels.nbytes <= self._free_bytes and index not in self._cache:
                self._free_bytes -= pixels.nbytes
                self._cache[index] = pixels
        return pixels
