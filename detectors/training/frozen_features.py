"""Log odds of a network whose last layers alone are trained; import this module inside functions only."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from detectors.api import Array, Runtime
from detectors.architectures.support.forward_pass import log_odds_of
from detectors.preprocessing.augmentation import View
from detectors.training.fine_tuning import FineTuning

FEATURE_BYTES = 1 << 28  # of features that are kept

LogOddsOfImages = Callable[[Sequence[Array]], Tensor]


def with_features_kept(
    log_odds: LogOddsOfImages, network: nn.Module, tuning: FineTuning, view: View, runtime: Runtime
) -> LogOddsOfImages:
    """The same log odds, with what is frozen computed once per image where all epochs show it alike.

    Args:
        log_odds: From images as the view shows them to log odds (N,), by the network.
        network: In the modes in which it is trained.
        tuning: What is trained of it.
        view: How images are shown.
        runtime: Where it computes.
    """
    parts = tuning.stages[0] if tuning.tune == "top" and tuning.stages else ()
    varies = getattr(view, "varies", True)
    if len(parts) != 1 or varies or runtime.precision != "float32":
        return log_odds
    top = dict(network.named_modules()).get(parts[0])
    return log_odds if top is None else _FeatureMemory(log_odds, network, top, runtime)


class _FeatureMemory:
    """What the last layers of a network read, by the content of the image."""

    def __init__(self, log_odds: LogOddsOfImages, network: nn.Module, top: nn.Module, runtime: Runtime) -> None:
        self._log_odds = log_odds
        self._network = network
        self._top = top
        self._device = runtime.device
        self._features: dict[bytes, Array] = {}
        self._free_bytes = FEATURE_BYTES

    def __call__(self, images: Sequence[Array]) -> Tensor:
        """Log odds (N,) of images uint8 (H, W, 3), with a gradient by the weights of the last layers."""
        keys = [sha256(np.ascontiguousarray(image).data).digest() for image in images]
        if all(key in self._features for key in keys):
            features = np.stack([self._features[key] for key in keys])
            return log_odds_of(self._network, self._top(torch.from_numpy(features).to(self._device)))
        seen: list[tuple[Tensor, Tensor]] = []
        with self._top.register_forward_hook(lambda _, inputs, outputs: seen.append((inputs[0], outputs))):
            found = self._log_odds(images)
        self._keep(keys, seen)
        return found

    def _keep(self, keys: Sequence[bytes], seen: Sequence[tuple[Tensor, Any]]) -> None:
        """Keep the features of a batch, if the network is its last layers behind something that is the same again."""
        if len(seen) != 1 or not self._is_fixed_below():
            return
        rows = seen[0][0].detach().cpu().numpy()
        if len(rows) != len(keys):
            return
        for key, row in zip(keys, rows, strict=True):
            if row.nbytes <= self._free_bytes and key not in self._features:
                self._free_bytes -= row.nbytes
                self._features[key] = row.copy()

    def _is_fixed_below(self) -> bool:
        """Whether no module before the last layers draws random numbers, or takes statistics of the batch."""
        last = set(self._top.modules())
        below = [module for module in self._network.modules() if module not in last and module.training]
        return not any(
            getattr(module, "p", 0) or getattr(module, "drop_prob", 0) or list(module.buffers(recurse=False))
            for module in below
        )
