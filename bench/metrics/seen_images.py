"""Test images that a threshold is shifted on, and that are then not measured."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256

import numpy as np
from numpy.typing import NDArray

from bench.metrics.calibration import chosen_threshold
from bench.metrics.metric import CLASS_NAMES, CellImages
from bench.platform.errors import InputError
from detectors.types import Array


@dataclass(frozen=True)
class SeenImages:
    """The images of a test set that a threshold is shifted on.

    Attributes:
        chosen: Which ones are, bools (N,): half of them real, half generated.
        left_out: Which ones are not measured, bools (N,): those, and every image of their sources.
    """

    chosen: NDArray[np.bool_]
    left_out: NDArray[np.bool_]

    def threshold(self, images: CellImages) -> float:
        """The threshold of `images.order` that is best on them by balanced accuracy."""
        return chosen_threshold(images.labels[self.chosen], images.order[self.chosen])


def seen_images(labels: Array, names: Array, sources: Array, count: int, seed: int) -> SeenImages:
    """Draw labelled test images: the same ones for every detector, whatever else is in the test set.

    Those of each class are drawn whose hash of the seed and the source is smallest, so that both classes are drawn from
    the same sources where they share them. A source has several only where there are not enough sources.

    Args:
        labels: Integers (N,), 0 real, 1 generated.
        names: Strings (N,), what stays of an image whatever it is called: its content hash where it is known.
        sources: Strings (N,), the source of each image.
        count: Images to draw, half of them real and half generated.
        seed: Of the draw.

    Raises:
        InputError: The number is odd or below 2, there are not so many images of a class, or none is left of one.
    """
    if count < 2 or count % 2:
        msg = f"{count} labelled images were asked for: give an even number from 2 on, half real, half generated"
        raise InputError(msg)
    chosen = np.zeros(labels.size, bool)
    for label in (0, 1):
        chosen[list(_first_of_class(np.flatnonzero(labels == label), names, sources, count // 2, seed))] = True
    left_out = np.isin(np.asarray(sources, dtype=str), np.unique(np.asarray(sources, dtype=str)[chosen]))
    for label in (0, 1):
        own = labels == label
        if np.count_nonzero(own & chosen) < count // 2 or not (own & ~left_out).any():
            msg = (
                f"{count} labelled images and all of their sources leave {np.count_nonzero(own & ~left_out)} of "
                f"{np.count_nonzero(own)} {CLASS_NAMES[label]} images to measure: give a smaller number"
            )
            raise InputError(msg)
    return SeenImages(chosen, left_out)


def _first_of_class(rows: Array, names: Array, sources: Array, count: int, seed: int) -> Iterator[int]:
    """The images of one class that are drawn: one of each source first, then further ones of the same sources."""
    drawn = sorted(rows, key=lambda row: (_hash(seed, str(sources[row])), _hash(seed, str(names[row]))))
    turns: dict[str, int] = {}
    by_turn = []
    for place, row in enumerate(drawn):
        turn = turns[str(sources[row])] = turns.get(str(sources[row]), 0) + 1
        by_turn.append((turn, place, int(row)))
    yield from (row for _, _, row in sorted(by_turn)[:count])


def _hash(seed: int, text: str) -> bytes:
    return sha256(f"seen {seed}\n{text}".encode()).digest()
