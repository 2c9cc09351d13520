"""The eight tiny generators of the embedded corpus: what each one is, how it is trained and how it is asked.

They stand for families of upsampling and sampling, not for their large namesakes: no prior is sampled by the
autoencoders, and every fake is the imitation of a rendered scene.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from bench.embedded.filters import Pixels
from bench.embedded.generators.autoencoders import (
    Autoencoder,
    AutoencoderStep,
    QuantisedAutoencoder,
    Upsampling,
    leaky,
    nearest,
    reconstruct,
    shuffled,
    transposed,
)
from bench.embedded.generators.diffusion import Denoiser, cascade_lesson, edit, pixel_lesson, refine

WEIGHTS = Path(__file__).parent / "weights"
Family = Literal["autoencoder", "diffusion", "gan"]
Imitation = Callable[[nn.Module, Tensor, torch.Generator], Tensor]


class TrainingStep(Protocol):
    """How a network learns from one batch."""

    @property
    def optimiser(self) -> torch.optim.Optimizer:
        """What moves the weights of the network."""

    def loss(self, images: Tensor, done: float, rng: torch.Generator) -> Tensor:
        """Loss of (N, 3, H, W) in [-1, 1] when the share `done` of all steps is over."""


@dataclass(frozen=True)
class Generator:
    """One generator.

    Attributes:
        name: Name of its folder and of its weights.
        family: Generators of one family share how they make pixels.
        build: Its network, untrained.
        lesson: How it is trained.
        imitate: How it is asked to imitate images.
        steps: Training steps.
        seed: Seed of its training.
        start: Generator whose trained weights it starts from, if any.
    """

    name: str
    family: Family
    build: Callable[[], nn.Module]
    lesson: Callable[[nn.Module], TrainingStep]
    imitate: Imitation
    steps: int
    seed: int
    start: str | None = None


def _latent_diffusion_like(decoder: tuple[int, int, int]) -> nn.Module:
    return Autoencoder(
        encoder=(16, 32, 48), decoder=decoder, latent=8, upsampling=nearest, activation=nn.SiLU, noise=0.08
    )


def _gan_like(decoder: tuple[int, int, int], upsampling: Upsampling) -> nn.Module:
    return Autoencoder(encoder=(16, 32, 48), decoder=decoder, latent=10, upsampling=upsampling, activation=leaky)


def _autoencoder(
    name: str, family: Family, build: Callable[[], nn.Module], steps: int, seed: int, start: str | None = None
) -> Generator:
    return Generator(name, family, build, AutoencoderStep, reconstruct, steps, seed, start)


def _ldm_a() -> nn.Module:
    return _latent_diffusion_like((56, 40, 20))


def _ldm_c() -> nn.Module:
    return _latent_diffusion_like((48, 40, 24))


def _vq() -> nn.Module:
    return QuantisedAutoencoder((16, 32, 48), (56, 40, 20), latent=16, codes=384)


def _pixdiff() -> nn.Module:
    return Denoiser(16, conditioned=False)


def _cascade() -> nn.Module:
    return Denoiser(16, conditioned=True)


def _gan_tconv() -> nn.Module:
    return _gan_like((56, 40, 20), transposed)


def _gan_ps() -> nn.Module:
    return _gan_like((48, 32, 16), shuffled)


GENERATORS: tuple[Generator, ...] = (
    _autoencoder("ldm_a", "autoencoder", _ldm_a, steps=826, seed=11),
    _autoencoder("ldm_b", "autoencoder", _ldm_a, steps=183, seed=12, start="ldm_a"),
    _autoencoder("ldm_c", "autoencoder", _ldm_c, steps=804, seed=13),
    _autoencoder("vq", "autoencoder", _vq, steps=661, seed=14),
    Generator("pixdiff", "diffusion", _pixdiff, pixel_lesson, edit, steps=817, seed=15),
    Generator("cascade", "diffusion", _cascade, cascade_lesson, refine, steps=1973, seed=16),
    _autoencoder("gan_tconv", "gan", _gan_tconv, steps=1426, seed=17),
    _autoencoder("gan_ps", "gan", _gan_ps, steps=1546, seed=18),
)


def generator(name: str) -> Generator:
    """The generator of that name. Raises `KeyError` with the names that there are."""
    for candidate in GENERATORS:
        if candidate.name == name:
            return candidate
    msg = f"generator {name!r} is not embedded; there are {', '.join(one.name for one in GENERATORS)}"
    raise KeyError(msg)


def restore(which: Generator, weights: Path) -> nn.Module:
    """Its trained network from a folder of weights, in float32, ready to be asked."""
    with torch.device("meta"):  # no first weights are drawn
        network = which.build()
    state = load_file(weights / f"{which.name}.safetensors")
    network.load_state_dict({key: value.float() for key, value in state.items()}, assign=True)
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return network.eval().requires_grad_(requires_grad=False)


@functools.cache
def shipped(name: str) -> nn.Module:
    """The trained network of a generator, read once per process."""
    return restore(generator(name), WEIGHTS)


def to_tensor(pixels: Pixels) -> Tensor:
    """uint8 (N, H, W, 3) as float32 (N, 3, H, W) in [-1, 1], channels last in memory."""
    return torch.from_numpy(np.ascontiguousarray(pixels)).permute(0, 3, 1, 2).float().div(127.5).sub(1)


def imitate(name: str, pixels: Pixels, seed: int) -> Pixels:
    """What a shipped generator makes of one image.

    One image at a time: the result then depends on nothing but the image and the seed.

    Args:
        name: A generator.
        pixels: uint8 (H, W, 3), H and W divisible by 8.
        seed: Seed of all its noise.

    Returns:
        uint8 (H, W, 3).
    """
    rng = torch.Generator().manual_seed(seed)
    made = generator(name).imitate(shipped(name), to_tensor(pixels[None]), rng)[0]
    return np.asarray(made.clamp(-1, 1).add(1).mul(127.5).add(0.5).byte().permute(1, 2, 0).numpy(), dtype=np.uint8)
