"""How matrices are laid out, in the terminal and in pictures: groups of values, and panels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from bench.records.manifest import AxisRecord
from protocols.api import AxisValue


def group_by_family(names: Sequence[str], families: Mapping[str, str]) -> list[list[str]]:
    """Names in groups of one family each, families and members in the order of their first appearance.

    A name that joins several generators with "+" belongs to the family of its families; without family it is a group.
    """
    groups: dict[str, list[str]] = {}
    for name in names:
        groups.setdefault(family_of(name, families), []).append(name)
    return list(groups.values())


def family_of(name: str, families: Mapping[str, str]) -> str:
    """The family of a generator, or of several that "+" joins; of one without family, its name."""
    return "+".join(dict.fromkeys(families.get(part, part) for part in name.split("+")))


def grouped_values(names: Sequence[AxisValue], axis: AxisRecord, families: Mapping[str, str]) -> list[list[AxisValue]]:
    """The values of an axis in groups: by family where they are generators, else one group in planned order."""
    if not axis.generators:
        return [list(names)]
    return [list(group) for group in group_by_family(list(map(str, names)), families)]


def labelled_groups(
    names: Sequence[AxisValue], axis: AxisRecord, families: Mapping[str, str]
) -> tuple[list[list[str]], list[str]]:
    """The labels of an axis in groups, and the names of the groups where they are families."""
    groups = [[str(name) for name in group] for group in grouped_values(names, axis, families)]
    several = axis.generators and any(len(group) > 1 for group in groups)
    return groups, [family_of(group[0], families) for group in groups] if several else []


def matrix_panels(matrices: Mapping[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """One panel per detector; where every matrix is a single row, one panel with a row per detector."""
    if all(len(matrix) == 1 for matrix in matrices.values()):
        rows = pd.concat([matrix.set_axis([detector]) for detector, matrix in matrices.items()])
        return {"": rows}
    return dict(matrices)
