"""Setting a share of a train set aside, for early stopping or for weights on top of other detectors."""

from __future__ import annotations

from hashlib import sha256

import numpy as np

from detectors.api import TrainSet

CLASSES = ("real", "generated")


def set_aside(images: TrainSet, share: float, salt: str) -> tuple[list[int], list[int]]:
    """Set a share of each class aside, at least one image of it, chosen by name and salt whatever the order.

    Sources stay whole: a real image and its generated twins are fitted on, or set aside, together.

    Args:
        images: The train set.
        share: Of the images of each class.
        salt: What the choice depends on beside the names.

    Returns:
        Indices to fit on and indices set aside, each in ascending order.

    Raises:
        ValueError: A class has fewer than two images, or all of one class come from the sources of so few.
    """
    labels, names, sources = images.labels, images.names, images.sources
    chosen: set[str] = set()
    for label, noun in enumerate(CLASSES):
        members = np.flatnonzero(labels == label).tolist()
        if len(members) < 2:
            msg = f"training needs at least 2 {noun} images, found {len(members)}: choose a subset that holds both"
            raise ValueError(msg)
        ranked = sorted(members, key=lambda index: sha256(f"{salt}/{names[index]}".encode()).digest())
        wanted = max(1, round(share * len(members)))
        missing = wanted - sum(sources[index] in chosen for index in members)
        for index in ranked:
            if missing > 0 and sources[index] not in chosen:
                chosen.add(sources[index])
                missing -= 1
    aside = [index for index in range(len(labels)) if sources[index] in chosen]
    kept = [index for index in range(len(labels)) if sources[index] not in chosen]
    if len(set(labels[kept])) < len(CLASSES):
        msg = f"nothing is left to train on beside the {len(chosen)} sources set aside: give images of more sources"
        raise ValueError(msg)
    return kept, aside
