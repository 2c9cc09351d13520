"""Attacked images: an attack on a fitted detector as a degradation, one for images of each label."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from bench.engine.plan import PlannedCell
from bench.engine.selections import Positions, Selections
from bench.records.columns import LABEL
from detectors.api import Labels, Sample
from detectors.differentiable import Differentiable
from detectors.types import FloatImage
from protocols.attacks import AttackMethod, parse_attack
from protocols.degradations import Degradation, DegradationKind
from protocols.degradations.kind import in_memory, no_parameters


def attack_degradation(
    method: AttackMethod, target: Differentiable, target_key: str, label: int, after: Degradation
) -> Degradation:
    """What the images of one label of an attacked cell go through: the attack, then a degradation.

    Args:
        method: The attack.
        target: The fitted detector that is attacked.
        target_key: The key of its fit.
        label: 0 real or 1 generated.
        after: The degradation.
    """
    name = f"{method.name} of {label} on {target_key}"
    kind = DegradationKind(_Attacked(method, target, label), 1, no_parameters, name)
    steps = ((kind, ()), *after.steps)
    return Degradation(f"{name}+{after.name}" if after.steps else name, f"{name}+{after.key}", steps)


NEITHER, BOTH = -1, 2


class _Attacked:
    """Attacks the images of one label; pure, and safe to call from several threads."""

    def __init__(self, method: AttackMethod, target: Differentiable, label: int) -> None:
        self._method = method
        self._target = target
        self._label = label

    def __call__(self, sample: Sample) -> Sample:
        return in_memory(sample, self._method(sample.pixels, self._label, self._gradient))

    def _gradient(self, pixels: FloatImage) -> FloatImage:
        return self._target.odds_and_gradient(pixels)[1]


def labels_of(items: Iterable[PlannedCell], selections: Selections) -> Labels:
    """The label of each distinct image that cells are tested on, int64 (N,).

    Returns:
        0 real or 1 generated; `NEITHER` for an image that is no test image, `BOTH` for one that is of both classes.
    """
    seen = np.zeros((2, len(selections.pool)), bool)
    for test in dict.fromkeys(item.cell.test for item in items):
        selection = selections[test]
        seen[selection.images.table[LABEL], selection.positions] = True
    labels: Labels = np.select([seen.all(0), seen[0], seen[1]], [BOTH, 0, 1], NEITHER).astype(np.int64)
    return labels


@dataclass(frozen=True)
class Attackers:
    """What the images of attacked cells are attacked for.

    Attributes:
        targets: The fitted detectors that are attacked, by the key of their fit.
        labels: As `labels_of` gives them.
    """

    targets: Mapping[str, Differentiable]
    labels: Labels

    def shown(self, item: PlannedCell, images: Positions) -> Iterator[tuple[Degradation, Positions]]:
        """What the images of an attacked cell go through: those of each label another attack, with their positions."""
        if item.cell.attack is None or item.target is None:
            msg = f"{item.key} has no attack"
            raise ValueError(msg)
        method, key = parse_attack(item.cell.attack.method), item.target.fit_key
        after = item.degradation(item.cell.test)
        for label in (0, 1):
            if (found := images[self.labels[images] == label]).size:
                yield attack_degradation(method, self.targets[key], key, label, after), found
