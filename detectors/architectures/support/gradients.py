"""Gradients by the pixels of an image; import this module inside functions only."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from detectors.architectures.support.torch_contexts import deterministic
from detectors.types import FloatImage


def odds_and_gradient(
    log_odds: Callable[[Tensor], Tensor], pixels: FloatImage, device: str
) -> tuple[float, FloatImage]:
    """As `Differentiable.odds_and_gradient`, in float32 whatever the precision of the runtime.

    Args:
        log_odds: From images, float32 (1, 3, H, W) in [0, 1] on the device, to log odds (1,).
        pixels: float32 (H, W, 3) in [0, 1].
        device: Where it is computed.

    Raises:
        ValueError: A sample is outside [0, 1], or the gradient is not finite.
    """
    if not (pixels >= 0).all() or not (pixels <= 1).all():
        msg = f"pixels to differentiate by must be in [0, 1]; got {pixels.min()} to {pixels.max()}"
        raise ValueError(msg)
    with torch.enable_grad(), deterministic():
        images = torch.from_numpy(pixels).to(device).permute(2, 0, 1)[None].requires_grad_()
        odds = log_odds(images).sum()
        (gradient,) = torch.autograd.grad(odds, images)
        found: FloatImage = gradient[0].permute(1, 2, 0).cpu().numpy()
    if not torch.isfinite(gradient).all():
        msg = "the gradient of its log odds by the pixels is not finite"
        raise ValueError(msg)
    return float(odds.detach()), found
