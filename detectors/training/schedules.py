"""How the learning rate falls and when training ends."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol


class ScheduleState(Protocol):
    """Follows one training.

    Attributes:
        rate: Learning rate of the next epoch.
        stopped: Whether training is over.
    """

    rate: float
    stopped: bool

    def judge(self, accuracy: float) -> bool:
        """Take the accuracy of an epoch. Returns whether the weights of this epoch are the ones to keep so far."""


class Schedule(Protocol):
    """A rule that a training follows."""

    @property
    def rate(self) -> float:
        """Learning rate of the first epoch."""

    def start(self) -> ScheduleState:
        """A watch over one training."""


@dataclass(frozen=True, slots=True)
class CosineSchedule:
    """The rate falls from its first value to nothing along half a cosine (Loshchilov and Hutter, ICLR 2017).

    Training goes on for all epochs; the weights of the best epoch are kept, of equal ones the last.

    Attributes:
        rate: Learning rate of the first epoch.
        epochs: Epochs in all.
        patience: Epochs without improvement that end training early; None for never.
    """

    rate: float
    epochs: int
    patience: int | None = None

    def start(self) -> ScheduleState:
        """A watch over one training."""
        return _Falling(self)


class _Falling:
    """Follows one training along a cosine."""

    def __init__(self, rule: CosineSchedule) -> None:
        self.rate = rule.rate
        self.stopped = False
        self._rule = rule
        self._epoch = self._misses = 0
        self._best = -math.inf

    def judge(self, accuracy: float) -> bool:
        """Count one epoch."""
        self._epoch += 1
        self.rate = self._rule.rate / 2 * (1 + math.cos(math.pi * self._epoch / self._rule.epochs))
        better = accuracy >= self._best
        self._misses = 0 if accuracy > self._best else self._misses + 1
        self._best = max(self._best, accuracy)
        self.stopped = self._epoch >= self._rule.epochs or self._misses == self._rule.patience
        return better


@dataclass(frozen=True, slots=True)
class StepSchedule:
    """The rate is multiplied by a factor every few epochs; training goes on for all epochs and keeps the last weights.

    Attributes:
        rate: Learning rate of the first epoch.
        factor: What the rate is multiplied by; 1 keeps it as it is.
        every: Epochs from one change to the next.
    """

    rate: float
    factor: float = 1.0
    every: int = 1

    def start(self) -> ScheduleState:
        """A watch over one training."""
        return _Stepping(self)


class _Stepping:
    """Follows one training in steps."""

    def __init__(self, rule: StepSchedule) -> None:
        self.rate = rule.rate
        self.stopped = False
        self._rule = rule
        self._epoch = 0

    def judge(self, accuracy: float) -> bool:
        """Count one epoch, whatever its accuracy."""
        del accuracy
        self._epoch += 1
        self.rate = self._rule.rate * self._rule.factor ** (self._epoch // self._rule.every)
        return True


@dataclass(frozen=True, slots=True)
class EarlyStopping:
    """CNNSpot's rule on validation accuracy (Wang et al., CVPR 2020).

    Training goes through stages. An epoch improves its stage when its accuracy reaches the stage's best plus the
    margin; the first epoch of a stage always does. After `patience` epochs in a row without improvement the rate falls
    to a tenth and a new stage begins, unless the rate is now below the lowest one: then training ends.

    Attributes:
        rate: Learning rate of the first stage.
        patience: Epochs without improvement that end a stage.
        first_margin: Margin of the first stage.
        later_margin: Margin of all later ones.
        lowest_rate: A stage with a rate below this is not begun.
    """

    rate: float = 1e-4
    patience: int = 5
    first_margin: float = 0.001
    later_margin: float = 0.002
    lowest_rate: float = 1e-6

    def start(self) -> ScheduleState:
        """A watch over one training."""
        return _Staged(self)


class _Staged:
    """Follows one training by a rule of early stopping."""

    def __init__(self, rule: EarlyStopping) -> None:
        self.rate = rule.rate
        self.stopped = False
        self._rule = rule
        self._margin = rule.first_margin
        self._best: float | None = None
        self._misses = 0

    def judge(self, accuracy: float) -> bool:
        """Take the accuracy of an epoch. Returns whether the weights of this epoch are the ones to keep so far."""
        if self._best is None or accuracy >= self._best + self._margin:
            self._best, self._misses = accuracy, 0
            return True
        self._misses += 1
        if self._misses == self._rule.patience:
            self._end_stage()
        return False

    def _end_stage(self) -> None:
        # divided again and again as published: 1e-4 / 10 / 10 stays above 1e-6 in floating point
        self.rate /= 10
        self.stopped = self.rate < self._rule.lowest_rate
        self._margin = self._rule.later_margin
        self._best, self._misses = None, 0
