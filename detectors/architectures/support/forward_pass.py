"""The forward pass of a network: device, normalised images, log odds, tokens; import this inside functions only."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from detectors.api import Array, Runtime
from detectors.architectures.support.front_end import Body, BodyModule, body_inputs
from detectors.architectures.support.torch_contexts import autocast
from detectors.preprocessing.augmentation import ChannelValues, FloatView, View
from detectors.types import NetworkKind


def on_device(network: nn.Module, runtime: Runtime) -> nn.Module:
    """Move a network to its device, in the memory layout in which convolutions are fastest."""
    return network.to(runtime.device).to(memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]


def pixels_on_device(images: Sequence[Array], device: str) -> Tensor:
    """Images of one shape as one tensor (N, ...); an accelerator computes on while they are copied there."""
    pixels = torch.from_numpy(np.stack(images))
    return pixels.pin_memory().to(device, non_blocking=True) if device.startswith("cuda") else pixels.to(device)


def normalised(images: Tensor, mean: ChannelValues, std: ChannelValues) -> Tensor:
    """Images uint8 (N, H, W, 3) in [0, 1] less the mean, over the deviation of each channel: float32 (N, 3, H, W)."""
    return normalised_planes(images.permute(0, 3, 1, 2), mean, std)


def normalised_planes(planes: Tensor, mean: ChannelValues, std: ChannelValues) -> Tensor:
    """The same of images whose channels come first, uint8 (N, 3, H, W)."""
    return standardised(planes.float() / 255, mean, std)


def standardised(images: Tensor, mean: ChannelValues, std: ChannelValues) -> Tensor:
    """Images (N, 3, H, W) in [0, 1] less the mean, over the deviation of each channel."""
    means, deviations = (torch.tensor(value, device=images.device).view(3, 1, 1) for value in (mean, std))
    return (images - means) / deviations


def token_statistics(blocks: Sequence[Tensor]) -> list[Tensor]:
    """Mean and deviation (N, D) over the tokens (N, L, D) of each transformer block, one block after the other."""
    return [statistic for tokens in blocks for statistic in (tokens.mean(1), tokens.std(1))]


def eager_body(network: nn.Module, runtime: Runtime) -> Body:
    """The body of a network as torch computes it, operation by operation, in the precision of the runtime."""
    body = BodyModule(network)

    def run(*inputs: Tensor) -> Tensor:
        with autocast(runtime):
            outputs: Tensor = body(*inputs)
            return outputs

    return run


def runtime_body(network: nn.Module, kind: NetworkKind, runtime: Runtime) -> Body:
    """The body of a network, on its device and not to be trained, as the backend of the runtime computes it."""
    if runtime.backend is None:
        return eager_body(network, runtime)
    return runtime.backend.compile(BodyModule(network).eval(), kind)


def logits(network: nn.Module, body: Body, images: Sequence[Array], view: View, runtime: Runtime) -> Tensor:
    """Log odds of "generated", float32 (N,) on the device, of N images uint8 (H, W, 3) of one size.

    The softmax of two logits is the sigmoid of their difference, and cross-entropy over them is binary cross-entropy of
    it: the attribute `generated_output` (1 if absent) of a network of two outputs is the index of "generated".

    Args:
        network: Gives the front end.
        body: Its body, as `eager_body` or `runtime_body` computes it.
        images: The images as the view shows them.
        view: Gives mean and deviation.
        runtime: Gives the device.
    """
    pixels = pixels_on_device(images, runtime.device)
    quick = getattr(network, "pixel_front_end", None)  # a network may have a quicker front end for pixels as they are
    inputs = (
        body_inputs(network, normalised(pixels, view.mean, view.std))
        if quick is None
        else (quick(pixels, view.mean, view.std),)
    )
    return _log_odds(network, body(*inputs))


def float_logits(network: nn.Module, images: Tensor, view: FloatView) -> Tensor:
    """As `logits` of images float (N, 3, H, W) in [0, 1] that the view has not seen, through which gradients flow."""
    return _log_odds(network, network(standardised(view.test_floats(images), view.mean, view.std)))


def _log_odds(network: nn.Module, outputs: Tensor) -> Tensor:
    """Log odds, float32 (N,), of the outputs of a network (N, 1) or (N, 2)."""
    if outputs.shape[1] == 1:
        return outputs[:, 0].float()
    generated = int(getattr(network, "generated_output", 1))
    return (outputs[:, generated] - outputs[:, 1 - generated]).float()
