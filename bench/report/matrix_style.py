"""The look of matrices in the terminal and in pictures: groups of values, panels, colours of accuracies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from bench.records.manifest import AxisRecord
from protocols.api import AxisValue

Rgb = tuple[int, int, int]

# From below chance over chance (paper white) to faultless; most accuracies lie in the upper half, so it has more steps.
_STOPS = (0.0, 0.3, 0.5, 0.6, 0.75, 0.9, 1.0)
_COLOURS = (
    (140, 45, 25),
    (224, 140, 100),
    (250, 247, 240),
    (216, 233, 228),
    (126, 187, 186),
    (34, 116, 138),
    (14, 58, 88),
)
_SHARE_STOPS = (0.0, 0.08, 0.3, 0.65, 1.0)  # small shares are many, and are to be seen
_MISSING = (225, 225, 225)
_DARK, _LIGHT = (40, 40, 45), (255, 255, 255)


def accuracy_colour(accuracy: float) -> Rgb:
    """Red, green and blue in 0 to 255 for an accuracy in [0, 1], diverging around 0.5; grey for NaN."""
    return _colour(accuracy, _STOPS, _COLOURS)


def share_colour(share: float) -> Rgb:
    """Red, green and blue in 0 to 255 for a share in [0, 1], the darker the larger; grey for NaN."""
    return _colour(share, _SHARE_STOPS, _COLOURS[2:])


def _colour(value: float, stops: Sequence[float], colours: Sequence[Rgb]) -> Rgb:
    """The colour of a value between those of the stops around it."""
    if np.isnan(value):
        return _MISSING
    red, green, blue = (round(float(np.interp(value, stops, channel))) for channel in zip(*colours, strict=True))
    return red, green, blue


def text_colour(background: Rgb) -> Rgb:
    """The colour of text on a background: dark or light, whichever has more contrast."""
    red, green, blue = background
    return _LIGHT if 0.299 * red + 0.587 * green + 0.114 * blue < 140 else _DARK


def group_by_family(names: Sequence[str], families: Mapping[str, str]) -> list[list[str]]:
    """Names in groups of one family each, families and members in the order of their first appearance.

    A name that joins several generators with "+" belongs to the family of its families; without family it is a group.
    """
    groups: dict[str, list[str]] = {}
    for name in names:
        family = "+".join(dict.fromkeys(families.get(part, part) for part in name.split("+")))
        groups.setdefault(family, []).append(name)
    return list(groups.values())


def grouped_values(names: Sequence[AxisValue], axis: AxisRecord, families: Mapping[str, str]) -> list[list[AxisValue]]:
    """The values of an axis in groups: by family where they are generators, else one group in planned order."""
    if not axis.generators:
        return [list(names)]
    return [list(group) for group in group_by_family(list(map(str, names)), families)]


def matrix_panels(matrices: Mapping[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """One panel per detector; where every matrix is a single row, one panel with a row per detector."""
    if all(len(matrix) == 1 for matrix in matrices.values()):
        rows = pd.concat([matrix.set_axis([detector]) for detector, matrix in matrices.items()])
        return {"": rows}
    return dict(matrices)
