"""What of a network learns when, and from which images; import this module inside functions only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from torch import nn

from detectors.training.pairing import Pairs


@dataclass(frozen=True, slots=True)
class FineTuning:
    """What learns when, and from which images.

    Attributes:
        tune: "all" weights; the "top", which is the first of `stages`; or "staged", one more of them every epoch.
        stages: Parts of the network by the beginnings of their names, the top first; weights of no part learn last.
        curriculum: Generators from easy to hard: every epoch one more joins, then those that are not named.
        pairs: Which real and generated images stand side by side in a batch.
    """

    tune: Literal["all", "top", "staged"] = "all"
    stages: tuple[tuple[str, ...], ...] = ()
    curriculum: tuple[str, ...] = ()
    pairs: Pairs = "none"

    def learning(self, epoch: int) -> tuple[str, ...] | None:
        """Beginnings of the names of the weights that learn in an epoch; None for all of them."""
        if self.tune == "all" or (self.tune == "staged" and epoch >= len(self.stages)):
            return None
        open_stages = self.stages[: 1 if self.tune == "top" else epoch + 1]
        return tuple(name for stage in open_stages for name in stage)

    def shown(self, generators: Sequence[str], epoch: int) -> NDArray[np.bool_]:
        """Which images an epoch is trained on; real ones, whose generator is "", always are.

        Raises:
            ValueError: There is a curriculum, and none of its generators is here.
        """
        there = set(generators)
        order = [name for name in self.curriculum if name in there]
        if self.curriculum and not order:
            found = ", ".join(sorted(there - {""}))
            msg = f"the curriculum names {', '.join(self.curriculum)}, the train set has {found}: name some of those"
            raise ValueError(msg)
        if epoch >= len(order):
            return np.ones(len(generators), bool)
        return np.isin(np.asarray(generators, dtype=str), ["", *order[: epoch + 1]])


EVERYTHING = FineTuning()


def learn(network: nn.Module, names: tuple[str, ...] | None) -> None:
    """Put a network into training: all of it, or the weights whose names begin so; the rest stays as it is.

    Parts that do not learn are evaluated, so that their batch statistics stay too.
    """
    network.train()
    if names is None:
        network.requires_grad_()
        return
    for name, parameter in network.named_parameters():
        parameter.requires_grad_(f"{name}.".startswith(tuple(f"{one}." for one in names)))
    for module in network.modules():
        parameters = list(module.parameters())
        if parameters and not any(parameter.requires_grad for parameter in parameters):
            module.eval()
