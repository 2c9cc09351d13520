"""Co-occurrences of quantised residuals, counted as the rich models of steganalysis do.

Fridrich and Kodovsky, "Rich Models for Steganalysis of Digital Images" (SRM), IEEE TIFS 2012. A run is a number of
neighbouring residuals, each quantised to a symbol from 0 to 2 * truncation; its code is the number with these digits.
"""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from torch import Tensor


def symmetry_classes(truncation: int, run: int) -> NDArray[np.int64]:
    """The class of each code: runs that differ by sign or by direction share one.

    Args:
        truncation: Largest quantised residual.
        run: Residuals in a run.

    Returns:
        int64 ((2 * truncation + 1) ** run,), classes from 0 on.
    """
    symbols = 2 * truncation + 1
    runs = np.array(list(product(range(-truncation, truncation + 1), repeat=run)))
    equivalent = np.stack([runs, -runs, runs[:, ::-1], -runs[:, ::-1]])
    codes = (equivalent + truncation) @ symbols ** np.arange(run)[::-1]
    return np.asarray(np.unique(codes.min(0), return_inverse=True)[1])


def count_codes(codes: Tensor, size: int) -> Tensor:
    """How often each code from 0 to size - 1 occurs in each of the maps (..., H, W), int64 (..., size)."""
    import torch

    shape = codes.shape[:-2]
    maps = shape.numel()
    offsets = size * torch.arange(maps, dtype=torch.int32, device=codes.device).view(*shape, 1, 1)
    return torch.bincount((codes + offsets).flatten(), minlength=size * maps).view(*shape, size)


def root_frequencies(counts: Tensor, classes: NDArray[np.int64]) -> Tensor:
    """Square roots of the frequencies of symmetry classes.

    Args:
        counts: Of codes, int64 (N, histograms, codes).
        classes: Of codes, as `symmetry_classes` gives them.

    Returns:
        float32 (N, histograms * classes), in [0, 1].
    """
    import torch

    merged = counts.new_zeros(*counts.shape[:2], int(classes.max()) + 1)
    merged.index_add_(-1, torch.from_numpy(classes).to(counts.device), counts)
    return (merged / merged.sum(-1, keepdim=True)).sqrt().flatten(1)
