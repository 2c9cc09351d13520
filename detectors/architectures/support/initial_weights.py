"""The weights that a training starts from: none yet, random ones, or pretrained ones with new layers."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor, nn

HEAD_STD = 0.02  # standard deviation of the weights of a new last layer


def on_meta_device(make: Callable[[], nn.Module]) -> nn.Module:
    """A network on the meta device: without weights until they are loaded, and so none are drawn."""
    import torch

    from detectors.architectures.support.torch_contexts import WithoutDrawing

    with torch.device("meta"), WithoutDrawing():
        return make()


def random_init(make: Callable[[], nn.Module], seed: int) -> dict[str, Tensor]:
    """The randomly initialised weights of a network by name, from a seed; the global random state is not changed."""
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return make().state_dict()


def with_new_head(network: nn.Module, backbone: dict[str, Tensor], seed: int) -> dict[str, Tensor]:
    """Pretrained weights with a new last layer `fc`: its weight is normal, its bias uniform within torch's own bounds.

    Args:
        network: The network they are for.
        backbone: The weights by name, with or without the old last layer.
        seed: Of the new layer.
    """
    import torch

    generator = torch.Generator().manual_seed(seed)
    outputs, width = network.state_dict()["fc.weight"].shape
    weight = torch.empty(outputs, width).normal_(0, HEAD_STD, generator=generator)
    bias = torch.empty(outputs).uniform_(-(width**-0.5), width**-0.5, generator=generator)
    return backbone | {"fc.weight": weight, "fc.bias": bias}


def with_new_parts(
    random: dict[str, Tensor], start: dict[str, Tensor], optional: tuple[str, ...], replaced: tuple[str, ...]
) -> dict[str, Tensor]:
    """Weights to start from, with random ones for parts of a network that they lack or that are replaced.

    Args:
        random: All weights of the network, randomly initialised.
        start: The weights to start from, by name.
        optional: Prefixes of the names that are random where `start` does not have them.
        replaced: Prefixes of the names that are always random.

    Returns:
        Both together; strict loading reports whatever else `start` lacks or has in addition.
    """
    kept = {name: tensor for name, tensor in start.items() if not name.startswith(replaced)}
    return {name: tensor for name, tensor in random.items() if name.startswith(optional + replaced)} | kept
