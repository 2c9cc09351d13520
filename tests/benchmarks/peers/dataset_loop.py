"""The loop that SIDBench scores a degraded data set with, written anew from its description.

SIDBench (mever-team/sidbench) makes a data set and a loader for every condition: each image is decoded anew, degraded,
cropped and normalised by one worker process, and batches of 64 go through the network operation by operation.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from detectors.checks import sample
from detectors.preprocessing.augmentation import IMAGENET_MEAN, IMAGENET_STD
from protocols.degradations import parse_degradation

BATCH, CROP = 64, 224


class DegradedFolder(Dataset[Tensor]):
    """Images of a folder under one condition, float32 (3, 224, 224) each."""

    def __init__(self, paths: Sequence[Path], condition: str) -> None:
        self._paths = paths
        self._degradation = parse_degradation(condition)

    def __len__(self) -> int:
        return len(self._paths)

    def __getitem__(self, index: int) -> Tensor:
        pixels = self._degradation(sample(np.asarray(Image.open(self._paths[index]).convert("RGB")))).pixels
        top, left = ((side - CROP) // 2 for side in pixels.shape[:2])
        crop = torch.from_numpy(pixels[top : top + CROP, left : left + CROP].copy()).permute(2, 0, 1).float() / 255
        mean, std = (torch.tensor(values).view(3, 1, 1) for values in (IMAGENET_MEAN, IMAGENET_STD))
        return (crop - mean) / std


def score(paths: Sequence[Path], network: nn.Module, conditions: Sequence[str]) -> dict[str, list[float]]:
    """Log odds of every image by condition."""
    found = {}
    for condition in conditions:
        loader = DataLoader(DegradedFolder(paths, condition), batch_size=BATCH, num_workers=1)
        with torch.no_grad():
            found[condition] = torch.cat([network(batch)[:, 0] for batch in loader]).tolist()
    return found
