"""Holding out a share of a train set, for early stopping or for weights on top of other detectors."""

from __future__ import annotations

from hashlib import sha256

import numpy as np

from detectors.api import TrainSet

CLASSES = ("real", "generated")


def hold_out(images: TrainSet, share: float, salt: str) -> tuple[list[int], list[int]]:
    """Hold out a share of each class, at least one image of it, chosen by name and salt whatever the order.

    Images of one source are never divided: a real image and those generated from it are all fitted on or all held out.

    Args:
        images: The train set.
        share: Of the images of each class.
        salt: Makes the choice, together with the names.

    Returns:
        Indices to fit on and indices held out, each in ascending order.

    Raises:
        ValueError: A class has fewer than two images, or all of one class come from the sources of so few.
    """
    held_out_sources = _held_out_sources(images, share, salt)
    sources = images.sources
    held_out = [index for index in range(len(sources)) if sources[index] in held_out_sources]
    fitting = [index for index in range(len(sources)) if sources[index] not in held_out_sources]
    if len(set(images.labels[fitting])) < len(CLASSES):
        msg = (
            f"nothing is left to train on beside the {len(held_out_sources)} sources set aside:"
            " give images of more sources"
        )
        raise ValueError(msg)
    return fitting, held_out


def _held_out_sources(images: TrainSet, share: float, salt: str) -> set[str]:
    labels, names, sources = images.labels, images.names, images.sources
    chosen: set[str] = set()
    for label, noun in enumerate(CLASSES):
        members = np.flatnonzero(labels == label).tolist()
        if len(members) < 2:
            msg = f"training needs at least 2 {noun} images, found {len(members)}: choose a subset that holds both"
            raise ValueError(msg)
        ranked = sorted(members, key=lambda index: sha256(f"{salt}/{names[index]}".encode()).digest())
        count = max(1, round(share * len(members)))
        missing = count - sum(sources[index] in chosen for index in members)
        for index in ranked:
            if missing > 0 and sources[index] not in chosen:
                chosen.add(sources[index])
                missing -= 1
    return chosen
