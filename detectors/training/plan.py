"""How a network is trained, as a value that recipes state without importing torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from detectors.training.schedules import Schedule


@dataclass(frozen=True, slots=True)
class Plan:
    """How a network is trained, by binary cross-entropy on one output.

    Attributes:
        schedule: Learning rate, when it falls, which epoch's weights are kept and when training ends.
        optimiser: "adam" or "adamw", with betas 0.9 and 0.999, or "sgd" with momentum 0.9.
        weight_decay: As the optimiser defines it.
        batch: Images per step.
        epochs: Largest number of epochs.
        validation: Share of the training images of each class that is held out for early stopping, by whole sources; 0
            holds out none, which is for schedules that do not look at them.
        threads: Threads that a CPU computes with; None is all. Sums depend on it in their last bits, and one is the
            quickest for a small network while other work uses the cores too.
    """

    schedule: Schedule
    optimiser: Literal["adam", "adamw", "sgd"]
    weight_decay: float
    batch: int
    epochs: int
    validation: float
    threads: int | None = None
