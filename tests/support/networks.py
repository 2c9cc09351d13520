"""Weights for tests of networks."""

import torch


def uneven(state, seed=1):
    """Weights whose batch statistics and scales are not those of a new network, without counters of batches."""
    generator = torch.Generator().manual_seed(seed)
    normalisations = {name.removesuffix("running_mean") for name in state if name.endswith("running_mean")}
    return {
        name: torch.rand(tensor.shape, generator=generator) + 0.5 if name.startswith(tuple(normalisations)) else tensor
        for name, tensor in state.items()
        if not name.endswith("num_batches_tracked")
    }
