"""Initial weights of patch embeddings that keep high frequencies."""

from __future__ import annotations

import torch
from torch import Tensor


@torch.no_grad()
def whiten_patches(weight: Tensor, images: Tensor, seed: int) -> None:
    """Initialise a patch embedding with random directions in which patches are half whitened.

    Natural images have little energy at high frequencies (see `textures`), which hold the traces of cameras and of
    generators. So small a model does not learn to use them when its initial weights suppress them.

    Args:
        weight: Of the embedding, float32 (width, 3, side, side); changed in place.
        images: Normalised, float32 (N, 3, H, W).
        seed: Of the random directions.
    """
    width, channels, side, _ = weight.shape
    patches = images.unfold(2, side, side).unfold(3, side, side)
    vectors = patches.permute(0, 2, 3, 1, 4, 5).reshape(-1, channels * side * side).double()
    vectors -= vectors.mean(0)
    variances, directions = torch.linalg.eigh(vectors.T @ vectors / len(vectors))
    random = torch.randn(width, len(variances), generator=torch.Generator().manual_seed(seed), dtype=torch.double)
    start = random * variances.clamp_min(1e-6) ** -0.25 @ directions.T
    start /= (vectors @ start.T).std()
    weight.copy_(start.view(weight.shape))
