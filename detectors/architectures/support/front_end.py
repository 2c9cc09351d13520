"""A network as a fixed front end and a body, which is what may be computed in another precision or by another library.

The front end brings out what the body looks for: the median of neighbours, a spectrum, a filter. Rounding what goes
into it moves scores far more than rounding the body does, so it is always torch's, in the precision that it states.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable

from torch import Tensor, nn

from detectors.architectures.support.torch_contexts import full_precision

Body = Callable[..., Tensor]  # from what the front end gives, one tensor or several, to outputs (N, D)


class FrontEndNetwork(nn.Module):
    """A network that is a body behind a front end."""

    @abstractmethod
    def front_end(self, images: Tensor) -> Tensor | tuple[Tensor, ...]:
        """What the body reads, in float32, of normalised images, float32 (N, 3, H, W)."""

    @abstractmethod
    def body(self, *inputs: Tensor) -> Tensor:
        """Outputs (N, D) of what the front end gives, in the precision of convolutions."""

    def forward(self, images: Tensor) -> Tensor:
        """Outputs (N, D) of normalised images (N, 3, H, W)."""
        return self.body(*body_inputs(self, images))


class BodyModule(nn.Module):
    """The body of a network as a module: the network itself where there is no front end.

    Args:
        network: The network, which is not copied.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, *inputs: Tensor) -> Tensor:
        """Outputs (N, D) of what the front end gives."""
        network = self.network
        outputs: Tensor = network.body(*inputs) if isinstance(network, FrontEndNetwork) else network(*inputs)
        return outputs


def body_inputs(network: nn.Module, images: Tensor) -> tuple[Tensor, ...]:
    """What the body of a network reads of normalised images (N, 3, H, W): the images where there is no front end."""
    if not isinstance(network, FrontEndNetwork):
        return (images,)
    with full_precision(images):
        inputs = network.front_end(images)
    return inputs if isinstance(inputs, tuple) else (inputs,)
