"""Which weights of a network are trained in which epoch, and on which images; import this inside functions only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from torch import nn

from detectors.training.pairing import Pairs
from detectors.training.stages import Stages


@dataclass(frozen=True, slots=True)
class FineTuning:
    """Which weights are trained in which epoch, and on which images.

    Attributes:
        tune: "all" weights; the "top", which is the first of `stages`; or "staged", one more of them every epoch.
        stages: Parts of the network by the prefixes of their names, the top first; weights of no part come last.
        curriculum: Generators from easy to hard: every epoch one more joins, then those that are not named.
        pairs: Which real and generated images are put into one batch.
        evaluation_mode: Whether batch statistics are not taken and nothing is dropped out, as in a test.
    """

    tune: Literal["all", "top", "staged"] = "all"
    stages: Stages = ()
    curriculum: tuple[str, ...] = ()
    pairs: Pairs = "none"
    evaluation_mode: bool = False

    def trained_parts(self, epoch: int) -> tuple[str, ...] | None:
        """Names of the parts whose weights are trained in an epoch, from 0; None for the whole network."""
        if self.tune == "all" or (self.tune == "staged" and epoch >= len(self.stages)):
            return None
        stages = self.stages[: 1 if self.tune == "top" else epoch + 1]
        return tuple(name for stage in stages for name in stage)

    def image_mask(self, generators: Sequence[str], epoch: int) -> NDArray[np.bool_]:
        """Which images an epoch, from 0, is trained on, bool (N,); real ones, whose generator is "", always are.

        Raises:
            ValueError: There is a curriculum, and none of its generators is in the train set.
        """
        present = set(generators)
        order = [name for name in self.curriculum if name in present]
        if self.curriculum and not order:
            found = ", ".join(sorted(present - {""}))
            msg = f"the curriculum names {', '.join(self.curriculum)}, the train set has {found}: name some of those"
            raise ValueError(msg)
        if epoch >= len(order):
            return np.ones(len(generators), bool)
        return np.isin(np.asarray(generators, dtype=str), ["", *order[: epoch + 1]])


ALL_WEIGHTS = FineTuning()


def set_trainable(network: nn.Module, parts: tuple[str, ...] | None, *, evaluation_mode: bool = False) -> None:
    """Put a network into training mode: all of it for None, else these parts by name; the rest is frozen.

    Modules without a weight to train are in evaluation mode, so that their batch statistics do not change either; all
    are where `evaluation_mode` says so.
    """
    network.train(not evaluation_mode)
    if parts is None:
        network.requires_grad_()
        return
    for name, parameter in network.named_parameters():
        parameter.requires_grad_(f"{name}.".startswith(tuple(f"{part}." for part in parts)))
    for module in network.modules():
        parameters = list(module.parameters())
        if parameters and not any(parameter.requires_grad for parameter in parameters):
            module.eval()
