"""Recipes that are trained in epochs: what is known of a training and of its detector before there is one."""

from __future__ import annotations

from abc import ABC, abstractmethod

from detectors.api import Detector, Runtime


class TrainedInEpochs(ABC):
    """A recipe whose fit is a training in epochs; it calls `Runtime.on_epoch` after each."""

    @property
    @abstractmethod
    def most_epochs(self) -> int:
        """The epochs after which a training ends at the latest."""

    def untrained(self, runtime: Runtime) -> Detector | None:
        """A detector as quick as a trained one, whose scores mean nothing; None where only a training gives one."""
        del runtime
        return None
