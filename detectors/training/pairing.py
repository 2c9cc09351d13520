"""Which images are put into one batch: real and generated images in pairs, or each by itself.

Pair training after Saland, internship report on CLIP detectors, SIGMA, CRIStAL, 2024: with a real image and the image
generated from it in one batch, what the two share cancels out of the gradient, and what generation adds is left.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from itertools import cycle
from typing import Literal

from detectors.api import TrainSet, Unavailable

IndexGroup = tuple[int, ...]  # indices of a pair or of one image: put into one batch, and cropped and mirrored alike
Pairs = Literal["none", "source", "content"]  # no pairs, or pairs of one source or of one content


def index_groups(indices: Sequence[int], images: TrainSet, pairs: Pairs) -> list[IndexGroup]:
    """Divide images into pairs, each image in one at least, in the order given.

    Where a source or content has more images of one class, those of the other are in several pairs. Images without a
    counterpart of the other class are groups by themselves.

    Raises:
        Unavailable: There is no pair.
    """
    if pairs == "none":
        return [(index,) for index in indices]
    attribute = images.sources if pairs == "source" else images.contents
    labels = images.labels
    members: dict[str, tuple[list[int], list[int]]] = defaultdict(lambda: ([], []))
    for index in indices:  # images whose source or content is not known are paired with none
        members[attribute[index] or f"/{index}"][int(labels[index])].append(index)
    groups = [group for real, generated in members.values() for group in _pairs(real, generated)]
    if all(len(group) == 1 for group in groups):
        msg = (
            f"pair training needs generated images with the {pairs} of a real one, and none of the {len(groups)}"
            " training images has one: give data whose real and generated images share it"
        )
        raise Unavailable(msg + (', or train with pairs="content"' if pairs == "source" else ""))
    return groups


def _pairs(real: list[int], generated: list[int]) -> list[IndexGroup]:
    if not real or not generated:
        return [(index,) for index in real + generated]
    if len(real) < len(generated):
        return list(zip(cycle(real), generated))
    return list(zip(real, cycle(generated)))


def batches(groups: Sequence[IndexGroup], size: int) -> list[list[IndexGroup]]:
    """Groups in batches of at most `size` images, or of one group where that is larger; none is divided."""
    found: list[list[IndexGroup]] = []
    free = 0
    for group in groups:
        if len(group) > free:
            found.append([])
            free = max(size, len(group))
        found[-1].append(group)
        free -= len(group)
    return found
