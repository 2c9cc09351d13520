"""Recipes that are trained in epochs, what is known of them before a training, and those that can be fine-tuned."""

from __future__ import annotations

from abc import ABC, abstractmethod

from detectors.api import Detector, Recipe, Runtime, State, TrainSet


class TrainedInEpochs(ABC):
    """A recipe whose fit is a training in epochs; it calls `Runtime.on_epoch` after each."""

    @property
    @abstractmethod
    def most_epochs(self) -> int:
        """The epochs after which a training ends at the latest."""

    @property
    def training_threads(self) -> int | None:
        """Threads that a CPU trains with; None, the default, is as many as torch has.

        What is learned depends on them in its last bits.
        """
        return None

    def untrained(self, runtime: Runtime) -> Detector | None:
        """A detector as quick as a trained one, whose scores mean nothing; None where only a training gives one."""
        del runtime
        return None


class FineTunable(ABC):
    """A recipe whose fitted detectors can go on learning from a few further images, without those they have seen."""

    @property
    @abstractmethod
    def fine_tuning(self) -> str:
        """How its detectors go on learning: part of the key of a detector that did."""

    @property
    @abstractmethod
    def fine_tuning_epochs(self) -> int:
        """How often each further image is seen."""

    @abstractmethod
    def fine_tune(self, fitted: State, further: TrainSet, seed: int, runtime: Runtime) -> Detector:
        """Go on from a fitted detector: the same state, images, seed and machine give the same, to the last bit.

        Args:
            fitted: Its state, of this recipe.
            further: What it learns from; at least one image of each class.
            seed: Draws what the training draws.
            runtime: Where and how precisely.
        """


def training_follows_threads(recipe: Recipe) -> bool:
    """Whether what a recipe or a component of it learns on a CPU depends on how many threads torch has there."""
    own = isinstance(recipe, TrainedInEpochs) and recipe.training_threads is None
    return own or any(map(training_follows_threads, recipe.components()))
