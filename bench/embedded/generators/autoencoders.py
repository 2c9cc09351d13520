"""Tiny convolutional autoencoders: the networks of the latent-diffusion-like and the GAN-like generators.

All reduce an image four times in each direction and differ in the latent (continuous or a code book) and in their
upsampling, which leaves the traces that detectors find (Odena et al., "Deconvolution and checkerboard
artifacts", Distill 2016).
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F  # noqa: N812 - its usual name
from torch import Tensor, nn

Activation = Callable[[], nn.Module]
Upsampling = Callable[[int, int], list[nn.Module]]

DISCRIMINATOR_START = 0.45  # share of the training after which the discriminator is used
DISCRIMINATOR_WEIGHT = 0.08
BAND_ENERGY_WEIGHT = 0.03


def leaky_relu() -> nn.Module:
    """The activation of the GAN-like generators and of the discriminator."""
    return nn.LeakyReLU(0.2)


def nearest_upsampling(wide: int, narrow: int) -> list[nn.Module]:
    """Repeat each pixel, then convolve."""
    return [nn.Upsample(scale_factor=2), nn.Conv2d(wide, narrow, 3, padding=1)]


def transposed_convolution(wide: int, narrow: int) -> list[nn.Module]:
    """Transposed convolution."""
    return [nn.ConvTranspose2d(wide, narrow, 4, stride=2, padding=1)]


def pixel_shuffle(wide: int, narrow: int) -> list[nn.Module]:
    """Convolve to four times the channels, then rearrange them to 2 by 2 pixels."""
    return [nn.Conv2d(wide, 4 * narrow, 3, padding=1), nn.PixelShuffle(2)]


def _encoder(widths: Sequence[int], latent: int, activation: Activation) -> nn.Sequential:
    layers = [nn.Conv2d(3, widths[0], 3, padding=1), activation()]
    for narrow, wide in itertools.pairwise(widths):
        layers += [nn.Conv2d(narrow, wide, 4, stride=2, padding=1), activation()]
    return nn.Sequential(*layers, nn.Conv2d(widths[-1], latent, 3, padding=1))


def _decoder(widths: Sequence[int], latent: int, upsampling: Upsampling, activation: Activation) -> nn.Sequential:
    layers = [nn.Conv2d(latent, widths[0], 3, padding=1), activation()]
    for wide, narrow in itertools.pairwise(widths):
        layers += [*upsampling(wide, narrow), activation(), nn.Conv2d(narrow, narrow, 3, padding=1), activation()]
    return nn.Sequential(*layers, nn.Conv2d(widths[-1], 3, 3, padding=1))


class Autoencoder(nn.Module):
    """Continuous latent, softly bounded to [-4, 4], with optional noise (Rombach et al., arXiv 2112.10752)."""

    def __init__(
        self,
        *,
        encoder: Sequence[int],
        decoder: Sequence[int],
        latent: int,
        upsampling: Upsampling,
        activation: Activation,
        noise: float = 0.0,
    ) -> None:
        super().__init__()
        self.encoder = _encoder(encoder, latent, activation)
        self.decoder = _decoder(decoder, latent, upsampling, activation)
        self.noise = noise

    def forward(self, images: Tensor, rng: torch.Generator) -> tuple[Tensor, Tensor]:
        """Reconstruction of (N, 3, H, W) in [-1, 1], and the penalty on the size of the latent."""
        latent = 4 * torch.tanh(self.encoder(images) / 4)
        penalty = 1e-3 * latent.square().mean()
        if self.noise:
            latent = latent + self.noise * torch.randn(latent.shape, generator=rng)
        return self.decoder(latent), penalty


class QuantisedAutoencoder(nn.Module):
    """Each latent vector is replaced by the nearest of a code book (VQ-VAE, arXiv 1711.00937)."""

    def __init__(self, encoder: Sequence[int], decoder: Sequence[int], latent: int, codes: int) -> None:
        super().__init__()
        self.encoder = _encoder(encoder, latent, nn.SiLU)
        self.decoder = _decoder(decoder, latent, nearest_upsampling, nn.SiLU)
        self.codes = nn.Parameter(torch.randn(codes, latent) / 2)

    def forward(self, images: Tensor, rng: torch.Generator) -> tuple[Tensor, Tensor]:
        """Reconstruction of (N, 3, H, W) in [-1, 1], and the penalty on the distance of codes and latents."""
        latent = self.encoder(images).movedim(1, -1)
        vectors = latent.flatten(0, 2)
        nearest_code = (self.codes.square().sum(1) - 2 * vectors @ self.codes.T).argmin(1)
        chosen = self.codes[nearest_code]
        penalty = F.mse_loss(chosen, vectors.detach()) + F.mse_loss(vectors, chosen.detach()) / 4
        if self.training and torch.rand((), generator=rng) < 0.05:
            self._replace_unused_codes(vectors.detach(), nearest_code, rng)
        straight_through = vectors + (chosen - vectors).detach()
        return self.decoder(straight_through.view_as(latent).movedim(-1, 1)), penalty

    @torch.no_grad()
    def _replace_unused_codes(self, vectors: Tensor, nearest_code: Tensor, rng: torch.Generator) -> None:
        """Move codes that are nearest to no vector to random vectors: an unused code would stay unused."""
        unused = torch.bincount(nearest_code, minlength=len(self.codes)) == 0
        count = int(unused.sum())
        drawn = vectors[torch.randint(len(vectors), (count,), generator=rng)]
        self.codes.data[unused] = drawn + 0.01 * torch.randn(drawn.shape, generator=rng)


class Discriminator(nn.Module):
    """A patch discriminator of two parts: of the image, and of its residual without the local mean (fine texture)."""

    def __init__(self, width: int = 16) -> None:
        super().__init__()
        self.coarse = nn.Sequential(
            nn.Conv2d(3, width, 4, stride=2, padding=1),
            leaky_relu(),
            nn.Conv2d(width, 2 * width, 4, stride=2, padding=1),
            nn.GroupNorm(4, 2 * width),
            leaky_relu(),
            nn.Conv2d(2 * width, 2 * width, 3, padding=1),
            leaky_relu(),
            nn.Conv2d(2 * width, 1, 3, padding=1),
        )
        self.fine = nn.Sequential(
            nn.Conv2d(3, width, 3, padding=1),
            leaky_relu(),
            nn.Conv2d(width, width, 3, stride=2, padding=1),
            leaky_relu(),
            nn.Conv2d(width, 1, 3, padding=1),
        )

    def forward(self, images: Tensor) -> Tensor:
        """Logits of all patches of each image of (N, 3, H, W), (N, P), high for real."""
        residual = images - F.avg_pool2d(images, 3, 1, 1)
        return torch.cat([self.coarse(images).flatten(1), self.fine(residual).flatten(1)], dim=1)


@functools.cache
def _dct_basis() -> Tensor:
    """The 64 basis images of the 8 by 8 discrete cosine transform, (64, 1, 8, 8)."""
    index = torch.arange(8.0)
    basis = torch.cos((2 * index[None] + 1) * index[:, None] * math.pi / 16) / 2
    basis[0] /= math.sqrt(2)
    return torch.einsum("ui,vj->uvij", basis, basis).reshape(64, 1, 8, 8)


def band_energies(images: Tensor) -> Tensor:
    """Log energy of the luma of (N, 3, H, W) in each band of the cosine transform, (N, 64)."""
    luma = (images * torch.tensor([0.3, 0.59, 0.11]).view(1, 3, 1, 1)).sum(1, keepdim=True)
    return torch.log(F.conv2d(luma, _dct_basis(), stride=3).square().mean((2, 3)) + 1e-5)


class AutoencoderStep:
    """Trains an autoencoder: absolute error at two scales, band energies, later a discriminator with hinge loss."""

    def __init__(self, network: nn.Module) -> None:
        self.network = network
        self.discriminator = Discriminator().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.optimiser = torch.optim.Adam(network.parameters(), betas=(0.5, 0.99))
        self.discriminator_optimiser = torch.optim.Adam(self.discriminator.parameters(), 1e-3, betas=(0.5, 0.99))

    def loss(self, images: Tensor, done: float, rng: torch.Generator) -> Tensor:
        """Loss of one batch when the share `done` of the training is over; also trains the discriminator on it."""
        made, penalty = self.network(images, rng)
        loss = (made - images).abs().mean() + F.avg_pool2d(made - images, 2).abs().mean() / 2 + penalty
        difference = (band_energies(made) - band_energies(images)).abs().mean()
        loss = loss + BAND_ENERGY_WEIGHT * min(1, 3 * done) * difference
        if done > DISCRIMINATOR_START:
            self._train_discriminator(images, made.detach())
            loss = loss - DISCRIMINATOR_WEIGHT * self.discriminator(made).mean()
        return torch.as_tensor(loss)

    def _train_discriminator(self, real: Tensor, made: Tensor) -> None:
        loss = F.relu(1 - self.discriminator(real)).mean() + F.relu(1 + self.discriminator(made)).mean()
        self.discriminator_optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        self.discriminator_optimiser.step()


@torch.inference_mode()
def reconstruct(network: nn.Module, images: Tensor, rng: torch.Generator) -> Tensor:
    """An autoencoder's reconstruction of (N, 3, H, W) in [-1, 1]: same shape, not clipped."""
    made, _ = network(images, rng)
    return torch.as_tensor(made)
