"""Noise on 8-bit sRGB values, drawn by NumPy from the content of each image."""

from __future__ import annotations

from detectors.api import Sample
from protocols.degradations.draws import content_generator
from protocols.degradations.kind import DegradationKind, NumberRange, in_memory, to_levels

WHITE = 255


def gaussian_noise(sample: Sample, deviation: float) -> Sample:
    """Add normal noise to every value, each channel by itself; rounded to the nearest and clipped.

    Args:
        sample: Any size.
        deviation: Standard deviation as a share of the range of 255 levels: 0.02 is 5.1 levels.
    """
    noise = content_generator(sample.pixels, "gaussian_noise", deviation).normal(size=sample.pixels.shape)
    return in_memory(sample, to_levels(sample.pixels + noise * (deviation * WHITE)))


def poisson_noise(sample: Sample, photons: float) -> Sample:
    """Count photons: every value becomes a Poisson number of its own mean, each channel by itself.

    The mean is proportional to the 8-bit value, not to linear light. Rounded to the nearest and clipped.

    Args:
        sample: Any size.
        photons: Mean number of photons at level 255, at least 1.
    """
    rng = content_generator(sample.pixels, "poisson_noise", photons)
    counts = rng.poisson(sample.pixels * (photons / WHITE))
    return in_memory(sample, to_levels(counts * WHITE / photons))


def speckle_noise(sample: Sample, deviation: float) -> Sample:
    """Multiply every value by 1 plus normal noise, each channel by itself; rounded to the nearest and clipped.

    Args:
        sample: Any size.
        deviation: Standard deviation of the factor.
    """
    noise = content_generator(sample.pixels, "speckle_noise", deviation).normal(size=sample.pixels.shape)
    return in_memory(sample, to_levels(sample.pixels * (1 + noise * deviation)))


def impulse_noise(sample: Sample, share: float) -> Sample:
    """Replace pixels by black or white, all three channels together: salt and pepper.

    Args:
        sample: Any size.
        share: Probability that a pixel is replaced; half of them become black, half white.
    """
    drawn = content_generator(sample.pixels, "impulse_noise", share).random(sample.pixels.shape[:2])
    pixels = sample.pixels.copy()
    pixels[drawn < share / 2] = 0
    pixels[drawn >= 1 - share / 2] = WHITE
    return in_memory(sample, pixels)


GAUSSIAN_NOISE = DegradationKind(
    gaussian_noise,
    1,
    NumberRange(0.001, 1, whole=False),
    "gaussian_noise:N (normal noise, standard deviation 0.001 to 1 of the range of 255 levels)",
    ("0.02", "0.04", "0.07", "0.1", "0.15"),
)
POISSON_NOISE = DegradationKind(
    poisson_noise,
    1,
    NumberRange(1, 1_000_000, whole=False),
    "poisson_noise:N (noise of counting, 1 to 1000000 photons at white)",
    ("500", "200", "100", "50", "20"),
)
SPECKLE_NOISE = DegradationKind(
    speckle_noise,
    1,
    NumberRange(0.001, 2, whole=False),
    "speckle_noise:N (values times 1 plus noise of standard deviation 0.001 to 2)",
    ("0.05", "0.1", "0.2", "0.3", "0.45"),
)
IMPULSE_NOISE = DegradationKind(
    impulse_noise,
    1,
    NumberRange(0.0001, 1, whole=False),
    "impulse_noise:N (0.0001 to 1 of the pixels become black or white)",
    ("0.005", "0.01", "0.03", "0.06", "0.12"),
)
