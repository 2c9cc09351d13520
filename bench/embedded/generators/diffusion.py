"""Tiny pixel diffusion: a U-Net that predicts v (Salimans and Ho, arXiv 2202.00512) and two ways of sampling.

Time runs from 0 (image) to 1 (noise) along a quarter circle: a noisy image is cos(pi t / 2) x + sin(pi t / 2) noise.
"""

from __future__ import annotations

import itertools
import math

import torch
import torch.nn.functional as F  # noqa: N812 - its usual name
from torch import Tensor, nn

STOCHASTICITY = 0.5  # eta of DDIM (arXiv 2010.02502): 0 adds no noise between steps, 1 replaces all of it
EDIT_START = 0.13  # time from which an image is denoised
EDIT_STEPS = 5
CASCADE_START = 0.98  # the same of the cascade
CASCADE_STEPS = 5
CASCADE_SHARE = 0.375  # 48 of 128 pixels


def _block(inputs: int, outputs: int, kernel: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(inputs, outputs, kernel, stride, 1), nn.GroupNorm(4, outputs), nn.SiLU())


def _upsampling_block(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(nn.Upsample(scale_factor=2), nn.Conv2d(inputs, outputs, 3, padding=1))


class Denoiser(nn.Module):
    """A U-Net of three scales; time scales and shifts its two lower ones."""

    def __init__(self, width: int, *, conditioned: bool) -> None:
        super().__init__()
        wide = 2 * width
        self.frequencies = (math.pi, 2 * math.pi, 4 * math.pi, 8 * math.pi)
        self.time = nn.Sequential(nn.Linear(8, 64), nn.SiLU(), nn.Linear(64, 4 * wide))
        self.enter = nn.Conv2d(6 if conditioned else 3, width, 3, padding=1)
        self.to_half = nn.Sequential(nn.SiLU(), *_block(width, wide, 4, 2))
        self.to_quarter = _block(wide, wide, 4, 2)
        self.middle = nn.Sequential(*_block(wide, wide, 3), nn.Conv2d(wide, wide, 3, padding=1), nn.SiLU())
        self.raise_quarter = _upsampling_block(wide, wide)
        self.merge_half = _block(2 * wide, wide, 3)
        self.raise_half = _upsampling_block(wide, width)
        self.leave = nn.Sequential(nn.Conv2d(wide, width, 3, padding=1), nn.SiLU(), nn.Conv2d(width, 3, 3, padding=1))

    def forward(self, noisy: Tensor, time: Tensor, condition: Tensor | None) -> Tensor:
        """Predict v for (N, 3, H, W) at times (N,), given an image of the same shape where conditioned."""
        phase = time[:, None] * torch.tensor(self.frequencies)
        style = self.time(torch.cat([phase.sin(), phase.cos()], dim=1))[:, :, None, None]
        scale, shift, scale_half, shift_half = style.chunk(4, dim=1)
        full = self.enter(noisy if condition is None else torch.cat([noisy, condition], dim=1))
        half = self.to_half(full)
        quarter = self.to_quarter(half)
        quarter = self.middle(quarter * (1 + scale) + shift) + quarter
        half = self.merge_half(torch.cat([self.raise_quarter(quarter), half], dim=1)) * (1 + scale_half) + shift_half
        return torch.as_tensor(self.leave(torch.cat([self.raise_half(half), full], dim=1)))


def coarse_version(images: Tensor) -> Tensor:
    """The output of the cascade's first stage: (N, 3, H, W) reduced to 48 of 128 pixels and enlarged again."""
    small = F.interpolate(images, scale_factor=CASCADE_SHARE, mode="bilinear", antialias=True)
    return F.interpolate(small, size=images.shape[-2:], mode="bicubic")


def _mix(image: Tensor, noise: Tensor, time: Tensor | float) -> Tensor:
    angle = torch.as_tensor(time).view(-1, 1, 1, 1) * (math.pi / 2)
    return angle.cos() * image + angle.sin() * noise


class DenoiserStep:
    """Trains a denoiser on times from 0 to `latest`: squared error of v."""

    def __init__(self, network: nn.Module, *, latest: float, conditioned: bool) -> None:
        self.network, self.latest, self.conditioned = network, latest, conditioned
        self.optimiser = torch.optim.Adam(network.parameters(), betas=(0.9, 0.99))

    def loss(self, images: Tensor, done: float, rng: torch.Generator) -> Tensor:
        """Loss of one batch, whatever share of the training is `done`."""
        del done
        time = torch.rand(len(images), generator=rng) * self.latest
        noise = torch.randn(images.shape, generator=rng)
        predicted = self.network(_mix(images, noise, time), time, coarse_version(images) if self.conditioned else None)
        return F.mse_loss(predicted, _mix(noise, -images, time))


def pixel_training_step(network: nn.Module) -> DenoiserStep:
    """Training for `edit`, which needs early times only."""
    return DenoiserStep(network, latest=0.3, conditioned=False)


def cascade_training_step(network: nn.Module) -> DenoiserStep:
    """Training for `refine`, which starts from noise."""
    return DenoiserStep(network, latest=1.0, conditioned=True)


def _denoise(
    network: nn.Module, noisy: Tensor, times: Tensor, rng: torch.Generator, condition: Tensor | None
) -> Tensor:
    """DDIM from the first of `times` to the last, which is 0."""
    for now, then in itertools.pairwise(times):
        v = network(noisy, now.expand(len(noisy)), condition)
        image = _mix(noisy, -v, now).clamp(-1, 1)
        if then == 0:
            return image
        noise = _mix(v, noisy, now)
        fresh = torch.randn(noise.shape, generator=rng)
        noise = math.sqrt(1 - STOCHASTICITY**2) * noise + STOCHASTICITY * fresh
        noisy = _mix(image, noise, then)
    return noisy


@torch.inference_mode()
def edit(network: nn.Module, images: Tensor, rng: torch.Generator) -> Tensor:
    """Noise (N, 3, H, W) in [-1, 1] a little and denoise it again (SDEdit, arXiv 2108.01073)."""
    times = torch.linspace(EDIT_START, 0, EDIT_STEPS + 1)
    noisy = _mix(images, torch.randn(images.shape, generator=rng), times[0])
    return _denoise(network, noisy, times, rng, None)


@torch.inference_mode()
def refine(network: nn.Module, images: Tensor, rng: torch.Generator) -> Tensor:
    """Make (N, 3, H, W) from noise, given its coarse version (cascaded diffusion, arXiv 2106.15282)."""
    condition = coarse_version(images)
    times = torch.linspace(CASCADE_START, 0, CASCADE_STEPS + 1)
    noisy = _mix(condition, torch.randn(images.shape, generator=rng), times[0])
    return _denoise(network, noisy, times, rng, condition)
