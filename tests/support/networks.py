"""Weights for tests of networks."""

import torch

from detectors.architectures.ladeda import TinyLaDeDaNet
from detectors.architectures.support.initial_weights import random_init


def uneven(state, seed=1):
    """Weights whose batch statistics and scales are not those of a new network, without counters of batches."""
    generator = torch.Generator().manual_seed(seed)
    normalisations = {name.removesuffix("running_mean") for name in state if name.endswith("running_mean")}
    return {
        name: torch.rand(tensor.shape, generator=generator) + 0.5 if name.startswith(tuple(normalisations)) else tensor
        for name, tensor in state.items()
        if not name.endswith("num_batches_tracked")
    }


def save_tiny_ladeda(path, seed, bias=-1.0):
    """A checkpoint of Tiny-LaDeDa with seeded weights."""
    weights = uneven(random_init(TinyLaDeDaNet, seed), seed)
    del weights["input_filter"]
    weights["fc.bias"] += bias
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save(weights, path)
    return path
