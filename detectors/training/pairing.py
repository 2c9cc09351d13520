"""Which images stand side by side in a batch: a real image and a generated twin, or each by itself.

Pair training after Saland, internship report on CLIP detectors, SIGMA, CRIStAL, 2024: with a real image and its
generated twin in one batch, what the two show cancels out of the gradient, and what generation adds is left.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from itertools import cycle
from typing import Literal

from detectors.api import TrainSet, Unavailable

PairedIndices = tuple[int, ...]  # indices that are shown in one batch, and all in one way: cropped and mirrored alike
Pairs = Literal["none", "source", "content"]  # twins are of one source, or show the same content


def units(indices: Sequence[int], images: TrainSet, pairs: Pairs) -> list[PairedIndices]:
    """Divide images into units, each image in one at least, in the order given.

    Where a source or content has more images of one class, those of the other stand in several pairs. Images without
    any twin are units by themselves.

    Raises:
        Unavailable: No image has a twin.
    """
    if pairs == "none":
        return [(index,) for index in indices]
    alike = images.sources if pairs == "source" else images.contents
    labels = images.labels
    groups: dict[str, tuple[list[int], list[int]]] = defaultdict(lambda: ([], []))
    for index in indices:  # what is not known of an image makes nothing its twin
        groups[alike[index] or f"/{index}"][int(labels[index])].append(index)
    found = [unit for real, generated in groups.values() for unit in _paired(real, generated)]
    if all(len(unit) == 1 for unit in found):
        msg = (
            f"pair training needs real images with generated twins of the same {pairs}, and none of the {len(found)}"
            " training images has one: give data whose twins share it"
        )
        raise Unavailable(msg + (', or train with pairs="content"' if pairs == "source" else ""))
    return found


def _paired(real: list[int], generated: list[int]) -> list[PairedIndices]:
    if not real or not generated:
        return [(index,) for index in real + generated]
    if len(real) < len(generated):
        return list(zip(cycle(real), generated))
    return list(zip(real, cycle(generated)))


def batches(shuffled: Sequence[PairedIndices], size: int) -> list[list[PairedIndices]]:
    """Units in batches of at most `size` images, or of one unit where that is larger; none is divided."""
    found: list[list[PairedIndices]] = []
    room = 0
    for unit in shuffled:
        if len(unit) > room:
            found.append([])
            room = max(size, len(unit))
        found[-1].append(unit)
        room -= len(unit)
    return found
