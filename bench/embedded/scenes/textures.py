"""Textures and colours of rendered scenes: random fields with the power spectra of natural images, colour palettes.

Natural images have amplitude spectra near 1/f (Field, "Relations between the statistics of natural images and the
response properties of cortical cells", JOSA A 1987); the slopes of the fields here vary around it.
"""

from __future__ import annotations

import functools

import cv2
import numpy as np

from bench.embedded.scenes.filters import FloatMaps, resize

BANK_SIDE = 512
BANK_SIZE = 40
BANK_SEED = 20_250_117


def _spectral_field(rng: np.random.Generator) -> FloatMaps:
    """A periodic random field of unit variance: slope between -0.7 and -1.7, stretched along a random direction."""
    rows = np.fft.fftfreq(BANK_SIDE)[:, None]
    columns = np.fft.rfftfreq(BANK_SIDE)[None]
    slope, direction, stretch = rng.uniform(0.7, 1.7), rng.uniform(0, np.pi), np.exp(rng.normal(0, 0.35))
    along = (columns * np.cos(direction) + rows * np.sin(direction)) * stretch
    across = (rows * np.cos(direction) - columns * np.sin(direction)) / stretch
    frequency = np.hypot(along, across)
    frequency[0, 0] = 1
    spectrum = frequency**-slope * np.exp(2j * np.pi * rng.random(frequency.shape))
    spectrum[0, 0] = 0
    field = np.fft.irfft2(spectrum, s=(BANK_SIDE, BANK_SIDE)).astype(np.float32)
    return np.asarray(field / field.std(), dtype=np.float32)


@functools.cache
def texture_bank() -> tuple[FloatMaps, ...]:
    """The 40 read-only fields, float32 (512, 512), that textures are cut from, made once per process.

    Every fourth is ridged (folded at zero) and every fourth flattened, as bark and pebbles differ from clouds.
    """
    rng = np.random.default_rng(BANK_SEED)
    fields = []
    for index in range(BANK_SIZE):
        field = _spectral_field(rng)
        if index % 4 == 1:
            field = np.abs(field) * np.float32(1.6) - np.float32(1.3)
        elif index % 4 == 2:
            field = np.sign(field) * np.sqrt(np.abs(field))
        field.setflags(write=False)
        fields.append(field)
    return tuple(fields)


def texture(rng: np.random.Generator, side: int, zoom: float | None = None) -> FloatMaps:
    """Cut a square from a random field of the bank, flip it at random and scale it.

    Args:
        rng: The generator of every choice.
        side: Side of the result in pixels.
        zoom: Magnification; drawn log-uniformly between 0.5 and 2.5 where None.

    Returns:
        float32 (side, side), about zero mean and unit variance over many calls.
    """
    fields = texture_bank()
    field = fields[rng.integers(len(fields))]
    scale = zoom or float(np.exp(rng.uniform(np.log(0.5), np.log(2.5))))
    cut = min(BANK_SIDE, max(16, int(side / scale)))
    top, left = rng.integers(0, BANK_SIDE + 1 - cut, 2)
    mirrored, transposed = rng.random(2) < 0.5
    patch = field[top : top + cut, left : left + cut]
    if mirrored:
        patch = np.asarray(cv2.flip(patch, 1), dtype=np.float32)
    if transposed:
        patch = np.asarray(cv2.transpose(patch), dtype=np.float32)
    return resize(patch, side, cv2.INTER_CUBIC)


def reflectances(rng: np.random.Generator, count: int) -> FloatMaps:
    """Colours of `count` surfaces from one small palette whose channels are mostly correlated, as in nature.

    Returns:
        float32 (count, 3), linear light, from 0.004 to 1.2.
    """
    size = rng.integers(2, 7)
    luminance = np.exp(rng.normal(np.log(0.18), 0.75, (size, 1)))
    warm, green = rng.normal(0, 0.28, (size, 1)), rng.normal(0, 0.14, (size, 1))
    palette = luminance * np.exp(np.concatenate([warm + green, -0.6 * green, 0.5 * green - warm], axis=1))
    chosen = palette[rng.integers(0, size, count)]
    varied = chosen * np.exp(rng.normal(0, 0.25, (count, 1)) + rng.normal(0, 0.05, (count, 3)))
    return np.asarray(np.clip(varied, 0.004, 1.2), dtype=np.float32)
