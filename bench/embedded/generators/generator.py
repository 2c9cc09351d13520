"""The eight tiny generators of the embedded corpus: the network of each, its training and its sampling.

They represent families of upsampling and sampling, not large models of the same name: the autoencoders sample no prior,
and every fake is the imitation of a rendered scene.
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

from bench.embedded.generators.autoencoders import (
    Autoencoder,
    AutoencoderStep,
    QuantisedAutoencoder,
    Upsampling,
    leaky_relu,
    nearest_upsampling,
    pixel_shuffle,
    reconstruct,
    transposed_convolution,
)
from bench.embedded.generators.diffusion import Denoiser, cascade_training_step, edit, pixel_training_step, refine
from bench.embedded.scenes.filters import Pixels

WEIGHTS = Path(__file__).parent / "weights"
Family = Literal["autoencoder", "diffusion", "gan"]
Imitation = Callable[[nn.Module, Tensor, torch.Generator], Tensor]


class TrainingStep(Protocol):
    """One training step of a network."""

    @property
    def optimiser(self) -> torch.optim.Optimizer:
        """The optimiser of the network's weights."""

    def loss(self, images: Tensor, done: float, rng: torch.Generator) -> Tensor:
        """Loss of one batch.

        Args:
            images: float32 (N, 3, H, W) in [-1, 1].
            done: Share of all steps that are over, in [0, 1).
            rng: The generator of all noise.
        """


@dataclass(frozen=True)
class Generator:
    """One generator.

    Attributes:
        name: Name of its folder and of its weights.
        family: Its family: generators of one family make pixels in one way.
        build: Makes its untrained network.
        training_step: Makes the training step of its network.
        imitate: Makes imitations of images with its network: float32 (N, 3, H, W) in [-1, 1] to the same shape.
        steps: Number of training steps.
        seed: Seed of its training.
        initial_weights: Name of the generator whose trained weights its training starts from; None for none.
    """

    name: str
    family: Family
    build: Callable[[], nn.Module]
    training_step: Callable[[nn.Module], TrainingStep]
    imitate: Imitation
    steps: int
    seed: int
    initial_weights: str | None = None


def _latent_diffusion_like(decoder: tuple[int, int, int]) -> nn.Module:
    return Autoencoder(
        encoder=(16, 32, 48), decoder=decoder, latent=8, upsampling=nearest_upsampling, activation=nn.SiLU, noise=0.08
    )


def _gan_like(decoder: tuple[int, int, int], upsampling: Upsampling) -> nn.Module:
    return Autoencoder(encoder=(16, 32, 48), decoder=decoder, latent=10, upsampling=upsampling, activation=leaky_relu)


def _autoencoder(
    name: str, family: Family, build: Callable[[], nn.Module], steps: int, seed: int, initial_weights: str | None = None
) -> Generator:
    return Generator(name, family, build, AutoencoderStep, reconstruct, steps, seed, initial_weights)


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
    return _gan_like((56, 40, 20), transposed_convolution)


def _gan_ps() -> nn.Module:
    return _gan_like((48, 32, 16), pixel_shuffle)


GENERATORS: tuple[Generator, ...] = (
    _autoencoder("ldm_a", "autoencoder", _ldm_a, steps=826, seed=11),
    _autoencoder("ldm_b", "autoencoder", _ldm_a, steps=183, seed=12, initial_weights="ldm_a"),
    _autoencoder("ldm_c", "autoencoder", _ldm_c, steps=804, seed=13),
    _autoencoder("vq", "autoencoder", _vq, steps=661, seed=14),
    Generator("pixdiff", "diffusion", _pixdiff, pixel_training_step, edit, steps=817, seed=15),
    Generator("cascade", "diffusion", _cascade, cascade_training_step, refine, steps=1973, seed=16),
    _autoencoder("gan_tconv", "gan", _gan_tconv, steps=1426, seed=17),
    _autoencoder("gan_ps", "gan", _gan_ps, steps=1546, seed=18),
)


def find_generator(name: str) -> Generator:
    """The generator of that name. Raises `KeyError` with the names that there are."""
    for generator in GENERATORS:
        if generator.name == name:
            return generator
    msg = f"generator {name!r} is not known; there are {', '.join(generator.name for generator in GENERATORS)}"
    raise KeyError(msg)


def restore_network(generator: Generator, weights: Path) -> nn.Module:
    """The trained network of a generator from a folder of weights, in float32, for inference."""
    with torch.device("meta"):  # no initial weights are drawn
        network = generator.build()
    state = load_file(weights / f"{generator.name}.safetensors")
    network.load_state_dict({key: value.float() for key, value in state.items()}, assign=True)
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return network.eval().requires_grad_(requires_grad=False)


@functools.cache
def _shipped_network(name: str) -> nn.Module:
    """The trained network of a generator, read once per process."""
    return restore_network(find_generator(name), WEIGHTS)


def to_tensor(pixels: Pixels) -> Tensor:
    """uint8 (N, H, W, 3) as float32 (N, 3, H, W) in [-1, 1], channels last in memory."""
    return torch.from_numpy(np.ascontiguousarray(pixels)).permute(0, 3, 1, 2).float().div(127.5).sub(1)


def imitate(name: str, pixels: Pixels, seed: int) -> Pixels:
    """A shipped generator's imitation of one image, which depends on nothing but the image and the seed.

    Args:
        name: A generator.
        pixels: uint8 (H, W, 3), H and W divisible by 8.
        seed: Seed of all its noise.

    Returns:
        uint8 (H, W, 3).
    """
    rng = torch.Generator().manual_seed(seed)
    made = find_generator(name).imitate(_shipped_network(name), to_tensor(pixels[None]), rng)[0]
    return np.asarray(made.clamp(-1, 1).add(1).mul(127.5).add(0.5).byte().permute(1, 2, 0).numpy(), dtype=np.uint8)
