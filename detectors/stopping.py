"""When training ends: the rule of early stopping that networks are trained by."""

from __future__ import annotations

from dataclasses import dataclass


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

    def start(self) -> Watch:
        """A watch over one training."""
        return Watch(self)


class Watch:
    """Follows one training by a rule of early stopping.

    Attributes:
        rate: Learning rate of the next epoch.
        stopped: Whether training is over.
    """

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
