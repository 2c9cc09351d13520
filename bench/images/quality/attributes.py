"""The attributes of image files that an audit looks at: their values, what orders them, how they are put in words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from detectors.types import Array


@dataclass(frozen=True, slots=True)
class Attribute:
    """One attribute of image files.

    Attributes:
        name: What tables call it.
        values: The value of each image, (N,).
        numbers: What orders values that few images share, float64 (N,) each; without any, such values are all alike.
        phrase: Says of images that they have a value: "are PNG".
        medians: What the median of the first of the numbers is called; "" where there is none.
    """

    name: str
    values: Callable[[pd.DataFrame], Array]
    numbers: Callable[[pd.DataFrame], list[Array]]
    phrase: Callable[[Any], str]
    medians: str = ""


def _no_numbers(table: pd.DataFrame) -> list[Array]:
    del table
    return []


def _plain(column: str) -> Callable[[pd.DataFrame], Array]:
    return lambda table: table[column].to_numpy()


def _area(table: pd.DataFrame) -> Array:
    area: Array = np.maximum(table["width"].to_numpy(np.float64) * table["height"].to_numpy(np.float64), 1)
    return area


def _density(table: pd.DataFrame) -> Array:
    density: Array = table["bytes"].to_numpy(np.float64) / _area(table)
    return density


def _sizes(table: pd.DataFrame) -> Array:
    """Width and height in one number."""
    return np.asarray(table["width"].to_numpy(np.int64) << 32 | table["height"].to_numpy(np.int64))


def _size_numbers(table: pd.DataFrame) -> list[Array]:
    return [_area(table), table["width"].to_numpy(np.float64) / np.maximum(table["height"].to_numpy(np.float64), 1)]


ATTRIBUTES = (
    Attribute("format", _plain("format"), _no_numbers, lambda value: f"are {value}"),
    Attribute(
        "size",
        _sizes,
        _size_numbers,
        lambda value: f"are {value >> 32}x{value & 0xFFFFFFFF}",
        "median area in pixels",
    ),
    Attribute(
        "JPEG quality",
        _plain("quality"),
        lambda table: [table["quality"].to_numpy(np.float64)],
        lambda value: "have no JPEG quality" if value < 0 else f"have JPEG quality {value}",
        "median JPEG quality",
    ),
    Attribute(
        "bytes per pixel",
        _density,
        lambda table: [_density(table)],
        lambda value: f"have {value:.3g} bytes per pixel",
        "median bytes per pixel",
    ),
    Attribute("colour mode", _plain("mode"), _no_numbers, lambda value: f"are in colour mode {value}"),
    Attribute("EXIF", _plain("exif"), _no_numbers, lambda value: "have EXIF" if value else "have no EXIF"),
    Attribute(
        "colour profile",
        _plain("profile"),
        _no_numbers,
        lambda value: f"have the colour profile {value!r}" if value else "have no colour profile",
    ),
)
