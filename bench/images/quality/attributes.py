"""The attributes of image files that an audit tests: their values, numbers that order them, words for them."""

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
        numbers: Numbers by which values that few images have are divided into bins, float64 (N,) each; without any,
            such values are in one bin.
        phrase: The predicate that states a value of images, such as "are PNG".
        median_label: What messages call the median of the first of the numbers; "" for none.
    """

    name: str
    values: Callable[[pd.DataFrame], Array]
    numbers: Callable[[pd.DataFrame], list[Array]]
    phrase: Callable[[Any], str]
    median_label: str = ""


def _no_numbers(table: pd.DataFrame) -> list[Array]:
    del table
    return []


def _column(column: str) -> Callable[[pd.DataFrame], Array]:
    return lambda table: table[column].to_numpy()


def _area(table: pd.DataFrame) -> Array:
    area: Array = np.maximum(table["width"].to_numpy(np.float64) * table["height"].to_numpy(np.float64), 1)
    return area


def _bytes_per_pixel(table: pd.DataFrame) -> Array:
    density: Array = table["bytes"].to_numpy(np.float64) / _area(table)
    return density


def _packed_sizes(table: pd.DataFrame) -> Array:
    """Width, times 2^32, plus height."""
    return np.asarray(table["width"].to_numpy(np.int64) << 32 | table["height"].to_numpy(np.int64))


def _size_numbers(table: pd.DataFrame) -> list[Array]:
    """Area in pixels, and width divided by height."""
    return [_area(table), table["width"].to_numpy(np.float64) / np.maximum(table["height"].to_numpy(np.float64), 1)]


ATTRIBUTES = (
    Attribute("format", _column("format"), _no_numbers, lambda value: f"are {value}"),
    Attribute(
        "size",
        _packed_sizes,
        _size_numbers,
        lambda value: f"are {value >> 32}x{value & 0xFFFFFFFF}",
        "median area in pixels",
    ),
    Attribute(
        "JPEG quality",
        _column("quality"),
        lambda table: [table["quality"].to_numpy(np.float64)],
        lambda value: "have no JPEG quality" if value < 0 else f"have JPEG quality {value}",
        "median JPEG quality",
    ),
    Attribute(
        "bytes per pixel",
        _bytes_per_pixel,
        lambda table: [_bytes_per_pixel(table)],
        lambda value: f"have {value:.3g} bytes per pixel",
        "median bytes per pixel",
    ),
    Attribute("colour mode", _column("mode"), _no_numbers, lambda value: f"are in colour mode {value}"),
    Attribute("EXIF", _column("exif"), _no_numbers, lambda value: "have EXIF" if value else "have no EXIF"),
    Attribute(
        "colour profile",
        _column("profile"),
        _no_numbers,
        lambda value: f"have the colour profile {value!r}" if value else "have no colour profile",
    ),
)
