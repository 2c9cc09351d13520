"""Mean and variance of a network's input over its train set; import this module inside functions only."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from torch import Tensor

from detectors.api import Runtime, TrainSet
from detectors.preprocessing.augmentation import View
from detectors.training.loader import BatchLoader

BATCH = 32  # images per step


def mean_and_variance(
    images: TrainSet, indices: Sequence[int], view: View, runtime: Runtime, transform: Callable[[Tensor], Tensor]
) -> tuple[Tensor, Tensor]:
    """Mean and population variance of a network's input at each position, over the validation views of some images.

    Batches are merged in double precision after Chan, Golub and LeVeque, 1979, in an order that the names give. A
    value that is the same in all images gets variance 1, so that scaling only centres it.

    Args:
        images: The train set.
        indices: Of the images to measure.
        view: How an image is brought to the network's size.
        runtime: Where the input is computed.
        transform: From images (N, 3, H, W) in [0, 1] to the input, float (N, C, H, W).

    Returns:
        Two tensors, float32 (C, H, W), on the CPU.
    """
    count, mean, squares = 0, torch.zeros(()), torch.zeros(())  # squares: sum of squared deviations from the mean
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for batch, _ in BatchLoader(images, view, BATCH, 0, pool).validation(indices, 0):
            pixels = torch.from_numpy(np.stack(batch)).to(runtime.device).permute(0, 3, 1, 2)
            levels = transform(pixels.float() / 255).cpu().double()
            added, before = len(batch), count
            count += added
            step = levels.mean(0) - mean
            mean = mean + step * (added / count)
            squares = squares + levels.var(0, correction=0) * added + step**2 * (before * added / count)
    variance = squares / count
    varying = variance.sqrt() > torch.finfo(torch.float32).eps * mean.abs()
    return mean.float(), torch.where(varying, variance, 1).float()
