"""A simulated camera: optics, exposure, colour filter array, noise, demosaicking, white balance, tone and sharpening.

The order is that of a usual raw pipeline: real photographs carry its traces (Karaimer and Brown, "A software platform
for manipulating the camera imaging pipeline", ECCV 2016), and so does every real image of the embedded corpus.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from bench.embedded.scenes.filters import FloatMaps, Light, Pixels, blur, power, scale_channels

Demosaic = Literal["bilinear", "edge-aware"]
Denoise = Literal["none", "bilateral", "gaussian"]
BLACK, WHITE = 2048, 32768  # raw code values of no light and of one unit of light


@dataclass(frozen=True, slots=True)
class CameraSettings:
    """How a scene was photographed.

    Attributes:
        gain: Shot-noise variance per unit of light, from 2e-5 (clean) to 1.2e-3 (grainy).
        demosaic: How the colour filter array was interpolated.
        denoise: In-camera noise reduction.
        sharpening: Strength of the unsharp mask, from 0.2 to 1.1; 0 where there was none.
    """

    gain: float
    demosaic: Demosaic
    denoise: Denoise
    sharpening: float


def _expose(rng: np.random.Generator, light: Light) -> Light:
    """Lens blur, vignetting and automatic exposure."""
    light = blur(light, rng.uniform(0.3, 0.75))
    squared = np.square(np.linspace(-1, 1, len(light), dtype=np.float32))
    vignette = 1 - np.float32(rng.uniform(0, 0.35) / 2) * (squared[:, None] + squared[None])
    light = scale_channels(light, vignette)
    light *= np.float32(rng.uniform(0.16, 0.32) / max(float(light.mean()), 1e-3))
    return light


def _mosaic(light: Light) -> FloatMaps:
    """The output of an RGGB sensor for (H, W, 3): one colour per pixel, (H, W)."""
    raw = np.empty(light.shape[:2], np.float32)
    raw[0::2, 0::2] = light[0::2, 0::2, 0]
    raw[0::2, 1::2] = light[0::2, 1::2, 1]
    raw[1::2, 0::2] = light[1::2, 0::2, 1]
    raw[1::2, 1::2] = light[1::2, 1::2, 2]
    return np.maximum(raw, 0, out=raw)


def _read_out(rng: np.random.Generator, raw: FloatMaps, gain: float) -> NDArray[np.uint16]:
    """Add shot and read noise and quantise."""
    read_noise = np.exp(rng.uniform(np.log(5e-4), np.log(5e-3)))
    deviation = np.sqrt(raw * np.float32(gain) + np.float32(read_noise**2))
    noisy = raw + rng.standard_normal(raw.shape, np.float32) * deviation
    codes: NDArray[np.uint16] = (noisy * WHITE + BLACK).clip(0, 65535).astype(np.uint16)
    return codes


def _colour_matrix(rng: np.random.Generator, illuminant: NDArray[np.float64]) -> FloatMaps:
    """Imperfect white balance followed by a gain of saturation."""
    balance = np.diag(1 / (illuminant * np.exp(rng.normal(0, 0.04, 3))))
    saturation = rng.uniform(0, 0.25)
    return np.asarray(((1 + saturation) * np.eye(3) - saturation / 3) @ balance, dtype=np.float32)


def _apply_tone_curve(rng: np.random.Generator, light: Light) -> Light:
    """Compress highlights, encode with a power law, and steepen the middle in 6 of 10 shots; in [0, 1]."""
    np.maximum(light, 0, out=light)
    light *= 1.25 * (1 + light / 2.5) / (1 + light)
    np.minimum(light, 1, out=light)
    encoded = power(light, 1 / rng.uniform(2.0, 2.4))
    contrast = rng.uniform(0.6, 1.5)
    if rng.random() < 0.6:
        encoded += np.float32(contrast * 0.12) * np.sin(np.float32(2 * np.pi) * (encoded - np.float32(0.5)))
        np.clip(encoded, 0, 1, out=encoded)
    return encoded


def _demosaic(raw: NDArray[np.uint16], method: Demosaic) -> Light:
    code = cv2.COLOR_BayerBG2RGB if method == "bilinear" else cv2.COLOR_BayerBG2RGB_EA
    return (np.asarray(cv2.cvtColor(raw, code), dtype=np.float32) - np.float32(BLACK)) / np.float32(WHITE)


def _reduce_noise(rng: np.random.Generator, light: Light) -> tuple[Light, Denoise]:
    """In-camera noise reduction in 35 of 100 shots."""
    chance = rng.random()
    if chance < 0.25:
        smooth = cv2.bilateralFilter(light, 5, rng.uniform(0.02, 0.08), 1.5)
        return np.asarray(smooth, dtype=np.float32), "bilateral"
    if chance < 0.35:
        return blur(light, rng.uniform(0.4, 0.7)), "gaussian"
    return light, "none"


def _sharpen(rng: np.random.Generator, encoded: Light) -> tuple[Light, float]:
    """Unsharp mask in 7 of 10 shots."""
    if rng.random() >= 0.7:
        return encoded, 0.0
    strength = rng.uniform(0.2, 1.1)
    soft = blur(encoded, rng.uniform(0.6, 1.3))
    return np.asarray(cv2.addWeighted(encoded, 1 + strength, soft, -strength, 0), dtype=np.float32), strength


def photograph(rng: np.random.Generator, light: Light) -> tuple[Pixels, CameraSettings]:
    """Photograph linear light.

    Args:
        rng: The generator of every setting and of all noise.
        light: float32 (H, W, 3) with even H and W, linear, 0 or more, any scale.

    Returns:
        uint8 (H, W, 3), sRGB-like, and the settings.
    """
    light = _expose(rng, light)
    illuminant = np.exp(rng.normal(0, 0.18) * np.array([1, 0, -1])) * np.array([0.55, 1, 0.7])
    gain = float(np.exp(rng.uniform(np.log(2e-5), np.log(1.2e-3))))
    raw = _read_out(rng, _mosaic(light * illuminant.astype(np.float32)), gain)
    demosaic: Demosaic = "bilinear" if rng.random() < 0.4 else "edge-aware"
    light = np.asarray(cv2.transform(_demosaic(raw, demosaic), _colour_matrix(rng, illuminant)), dtype=np.float32)
    light, denoise = _reduce_noise(rng, light.clip(0, 1.6))
    encoded, sharpening = _sharpen(rng, _apply_tone_curve(rng, light))
    pixels = (encoded.clip(0, 1) * 255 + np.float32(0.5)).astype(np.uint8)
    return pixels, CameraSettings(gain, demosaic, denoise, sharpening)
