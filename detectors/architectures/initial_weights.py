"""The weights that a training starts from: on no device yet, drawn at random, or pretrained with new layers."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor, nn


def on_meta_device(make: Callable[[], nn.Module]) -> nn.Module:
    """A network on the meta device: without weights until some are loaded."""
    import torch

    with torch.device("meta"):
        return make()


def random_init(make: Callable[[], nn.Module], seed: int) -> dict[str, Tensor]:
    """The weights that a network draws for itself, from a seed."""
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return make().state_dict()


def with_new_head(network: nn.Module, backbone: dict[str, Tensor], spread: float, seed: int) -> dict[str, Tensor]:
    """Pretrained weights with a new last layer `fc`.

    Args:
        network: The network they are for.
        backbone: The weights by name, with or without the old last layer.
        spread: Standard deviation of the new weights, which are drawn from a normal distribution of mean 0; the bias
            is uniform within torch's own bounds.
        seed: Seed of the draws.
    """
    import torch

    generator = torch.Generator().manual_seed(seed)
    outputs, width = network.state_dict()["fc.weight"].shape
    weight = torch.empty(outputs, width).normal_(0, spread, generator=generator)
    bias = torch.empty(outputs).uniform_(-(width**-0.5), width**-0.5, generator=generator)
    return backbone | {"fc.weight": weight, "fc.bias": bias}


def with_new_parts(
    fresh: dict[str, Tensor], start: dict[str, Tensor], may: tuple[str, ...], must: tuple[str, ...]
) -> dict[str, Tensor]:
    """Weights to go on from, and freshly drawn ones for parts of a network that a start lacks or that are replaced.

    Args:
        fresh: All weights of the network, drawn.
        start: The weights to go on from, by name.
        may: How the names begin that are fresh where the start does not have them.
        must: How the names begin that are always fresh.

    Returns:
        Both together: whatever else the start lacks or has too much, strict loading complains of.
    """
    kept = {name: tensor for name, tensor in start.items() if not name.startswith(must)}
    return {name: tensor for name, tensor in fresh.items() if name.startswith(may + must)} | kept
