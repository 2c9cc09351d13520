"""How the learning rate falls, which epoch's weights are kept, and when training ends."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Protocol


class ScheduleState(Protocol):
    """The state of a schedule during one training.

    Attributes:
        rate: Learning rate of the next epoch.
        stopped: Whether training has ended.
    """

    rate: float
    stopped: bool

    def update(self, accuracy: float) -> bool:
        """Count an epoch of this validation accuracy, in [0, 1].

        Returns:
            Whether the weights of this epoch are the ones to keep so far.
        """


class Schedule(Protocol):
    """The rule of a training."""

    @property
    def rate(self) -> float:
        """Learning rate of the first epoch."""

    def start(self) -> ScheduleState:
        """The state before the first epoch."""


@dataclass(frozen=True, slots=True)
class CosineSchedule:
    """The rate falls from its first value to 0 along half a cosine (Loshchilov and Hutter, ICLR 2017).

    Training takes all epochs; the weights of the best epoch are kept, of equal ones the last.

    Attributes:
        rate: Learning rate of the first epoch.
        epochs: Epochs in all.
    """

    rate: float
    epochs: int

    def start(self) -> ScheduleState:
        """The state before the first epoch."""
        return _CosineState(self)


class _CosineState:
    def __init__(self, schedule: CosineSchedule) -> None:
        self.rate = schedule.rate
        self.stopped = False
        self._schedule = schedule
        self._epoch = 0
        self._best = -math.inf

    def update(self, accuracy: float) -> bool:
        """As `ScheduleState.update`."""
        self._epoch += 1
        self.rate = self._schedule.rate / 2 * (1 + math.cos(math.pi * self._epoch / self._schedule.epochs))
        keep = accuracy >= self._best
        self._best = max(self._best, accuracy)
        self.stopped = self._epoch >= self._schedule.epochs
        return keep


@dataclass(frozen=True, slots=True)
class StepSchedule:
    """The rate is multiplied by a factor every few epochs; training takes all epochs and keeps the last weights.

    Attributes:
        rate: Learning rate of the first epoch.
        factor: Of each change of the rate; 1 keeps it as it is.
        every: Epochs from one change to the next.
        delay: Epochs by which all changes come later than after every so many.
    """

    rate: float
    factor: float = 1.0
    every: int = 1
    delay: int = 0

    def start(self) -> ScheduleState:
        """The state before the first epoch."""
        return _StepState(self)


class _StepState:
    def __init__(self, schedule: StepSchedule) -> None:
        self.rate = schedule.rate
        self.stopped = False
        self._schedule = schedule
        self._epoch = 0

    def update(self, accuracy: float) -> bool:
        """As `ScheduleState.update`, whatever the accuracy."""
        del accuracy
        self._epoch += 1
        changes = max(self._epoch - self._schedule.delay, 0) // self._schedule.every
        self.rate = self._schedule.rate * self._schedule.factor**changes
        return True


@dataclass(frozen=True, slots=True)
class EarlyStopping:
    """CNNSpot's rule on validation accuracy (Wang et al., CVPR 2020).

    Training is a sequence of stages. An epoch improves its stage when its accuracy reaches the stage's best plus the
    margin; the first epoch of a stage always does. After `patience` epochs in a row without improvement the rate falls,
    to a tenth as published, and a new stage begins, unless the rate is now below the lowest one: then training ends.

    Attributes:
        rate: Learning rate of the first stage.
        patience: Epochs without improvement that end a stage.
        first_margin: Margin of the first stage.
        later_margin: Margin of all later ones.
        lowest_rate: No stage has a rate below this.
        factor: Of each fall of the rate.
    """

    rate: float = 1e-4
    patience: int = 5
    first_margin: float = 0.001
    later_margin: float = 0.002
    lowest_rate: float = 1e-6
    factor: float = 0.1

    def start(self) -> ScheduleState:
        """The state before the first epoch."""
        return _EarlyStoppingState(self)


class _EarlyStoppingState:
    def __init__(self, schedule: EarlyStopping) -> None:
        self.rate = schedule.rate
        self.stopped = False
        self._schedule = schedule
        self._margin = schedule.first_margin
        self._best: float | None = None
        self._misses = 0

    def update(self, accuracy: float) -> bool:
        """As `ScheduleState.update`."""
        if self._best is None or accuracy >= self._best + self._margin:
            self._best, self._misses = accuracy, 0
            return True
        self._misses += 1
        if self._misses == self._schedule.patience:
            self._end_stage()
        return False

    def _end_stage(self) -> None:
        # divided again and again as published: 1e-4 / 10 / 10 stays above 1e-6 in floating point
        self.rate /= 1 / self._schedule.factor
        self.stopped = self.rate < self._schedule.lowest_rate
        self._margin = self._schedule.later_margin
        self._best, self._misses = None, 0


def schedule_numbers(state: ScheduleState) -> dict[str, Any]:
    """The numbers of a state by name, for a checkpoint: `vars(state).update` restores them."""
    return {name: value for name, value in vars(state).items() if isinstance(value, int | float | None)}
