"""Attacks on a detector that is known entirely: changes of an image within a budget that make its answer wrong.

An attack sees the gradient of the detector's log odds by the pixels before the detector's own crop, resize and
normalisation. It raises the log odds of "generated" of a real image and lowers those of a generated one: the sign of
that gradient is that of the cross-entropy's, and does not vanish where a detector is sure. Levels are of 255; a budget
is the largest change of any sample. What is counted is the image after rounding to 8 bits, which stays in the budget,
for a budget is a whole number of levels.

    fgsm:E                one step of E levels (Goodfellow et al., ICLR 2015, arXiv 1412.6572)
    pgd:E:STEP:STEPS      from a random start in the budget, STEPS steps of STEP levels, each followed by a projection
                          into the budget (Madry et al., ICLR 2018, arXiv 1706.06083); 10 steps of E / 4 by default
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detectors.api import Image
from detectors.types import FloatImage
from protocols.api import Unanswerable
from protocols.degradations.draws import content_generator
from protocols.degradations.kind import NumberRange, number_text

VERSION = 1  # rises when attacked images would change
LARGEST = 64  # levels of a budget: far more is no small change any more
MOST_STEPS = 1000
STEPS = 10
USAGE = f"fgsm:E or pgd:E, pgd:E:STEP or pgd:E:STEP:STEPS, with E a whole number of levels from 1 to {LARGEST}"

Gradient = Callable[[FloatImage], FloatImage]  # of the log odds of "generated", by the samples of an image


class UnknownAttack(Unanswerable):
    """A text that is no attack. The message says how attacks are written."""


@dataclass(frozen=True, slots=True)
class AttackMethod:
    """An attack with its budget.

    Attributes:
        name: Canonical spelling, such as "pgd:2:0.5:10".
        budget: Largest change of a sample, in levels.
        step: Length of a step, in levels.
        steps: Their number.
        random_start: Whether it begins at a random place in the budget, drawn from what the image shows.
    """

    name: str
    budget: int
    step: float
    steps: int
    random_start: bool

    @property
    def key(self) -> str:
        """What changes whenever attacked images may, beside the detector."""
        return f"{self.name}@{VERSION}"

    def __call__(self, pixels: Image, label: int, gradient: Gradient) -> Image:
        """Attack one image.

        Args:
            pixels: uint8 (H, W, 3); left alone.
            label: 0 real or 1 generated: what the answer is to move away from.
            gradient: Of the detector that is attacked.

        Returns:
            uint8 (H, W, 3), no sample further than the budget from where it was.
        """
        clean = pixels.astype(np.float64)
        lowest, highest = np.maximum(clean - self.budget, 0), np.minimum(clean + self.budget, 255)
        found, direction = self._start(pixels, clean).clip(lowest, highest), 1 if label == 0 else -1
        for _ in range(self.steps):
            slopes = gradient((found / 255).astype(np.float32))
            found = (found + direction * self.step * np.sign(slopes)).clip(lowest, highest)
        attacked: Image = np.rint(found).astype(np.uint8)
        return attacked

    def _start(self, pixels: Image, clean: NDArray[np.float64]) -> NDArray[np.float64]:
        if not self.random_start:
            return clean
        return clean + content_generator(pixels, self.name).uniform(-self.budget, self.budget, clean.shape)


def parse_attack(text: str) -> AttackMethod:
    """An attack as it is written. Raises `UnknownAttack`."""
    kind, _, written = text.partition(":")
    texts = written.split(":")
    readers = (NumberRange(1, LARGEST, whole=True), NumberRange(0.01, LARGEST, whole=False))
    limits = {"fgsm": readers[:1], "pgd": (*readers, NumberRange(1, MOST_STEPS, whole=True))}.get(kind, ())
    numbers = [float(found[0]) for reader, one in zip(limits, texts, strict=False) if (found := reader(one))]
    if not limits or len(numbers) != len(texts):
        msg = f"attack {text!r} is not known; write {USAGE}"
        raise UnknownAttack(msg)
    budget = int(numbers[0])
    if kind == "fgsm":
        return AttackMethod(f"fgsm:{budget}", budget, budget, 1, random_start=False)
    step = numbers[1] if len(numbers) > 1 else budget / 4
    steps = int(numbers[2]) if len(numbers) > 2 else STEPS
    return AttackMethod(f"pgd:{budget}:{number_text(step)}:{steps}", budget, step, steps, random_start=True)


def canonical_attacks(texts: Iterable[str]) -> tuple[str, ...]:
    """The canonical names of some attacks, each once. Raises `UnknownAttack`."""
    return tuple(dict.fromkeys(parse_attack(text).name for text in texts))
