"""A detector that is one trained network; import this module inside functions only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from detectors.api import Answer, Array, Detector, Runtime, Sample, Scores, State, Unavailable
from detectors.architectures.support.forward_pass import float_logits, logits, on_device, runtime_body
from detectors.architectures.support.gradients import odds_and_gradient
from detectors.architectures.support.torch_contexts import deterministic
from detectors.preprocessing.augmentation import FloatView, View
from detectors.types import FloatImage, NetworkKind
from detectors.weights.loading import to_state

if TYPE_CHECKING:
    from detectors.training.loop import Epoch

CPU_CHUNK = 1 << 19  # pixels per forward pass on a CPU: their maps stay in its caches
CPU_IMAGES = 8  # the same in images: more bring nothing, and new memory for every map
GPU_CHUNK = 1 << 23  # pixels per forward pass on an accelerator


class NetworkDetector(Detector):
    """A network whose log odds make the score: its one output, or the difference of two.

    Attributes:
        history: One row per epoch, as `detectors.training.loop.Epoch` has them; none where weights were loaded.
    """

    def __init__(
        self,
        network: nn.Module,
        view: View,
        runtime: Runtime,
        history: Sequence[Epoch] = (),
        kind: NetworkKind = "convolutional",
    ) -> None:
        self.history = tuple(map(asdict, history))
        self._network = on_device(network, runtime).eval()
        # some networks have a quicker form for scoring, which cannot be trained and is not what is kept
        fused = getattr(network, "fused", None)
        self._scoring_network = self._network if fused is None else on_device(fused(), runtime).eval()
        self._body = runtime_body(self._scoring_network, kind, runtime)
        self._view = view
        self._runtime = runtime
        self.preparation = (type(self).prepare, view)

    def prepare(self, sample: Sample) -> Array:
        """The test view, uint8 (side, side, 3)."""
        return self._view.test(sample.pixels)

    def score(self, batch: Sequence[Array]) -> Scores:
        """Scores of N prepared arrays, float32 (N,)."""
        return self.answer(batch).scores

    def answer(self, batch: Sequence[Array]) -> Answer:
        """Scores and log odds of N prepared arrays."""
        most = (CPU_CHUNK, CPU_IMAGES) if self._runtime.device == "cpu" else (GPU_CHUNK, len(batch))
        with torch.inference_mode(), deterministic():
            chunks = _chunks(batch, *most)
            found = [self._logits([batch[place] for place in chunk]) for chunk in chunks]
            log_odds = np.zeros(len(batch), np.float32)
            if found:
                log_odds[np.concatenate(chunks)] = torch.cat(found).cpu().numpy()
            return Answer(torch.sigmoid(torch.from_numpy(log_odds)).numpy(), log_odds=log_odds)

    def _logits(self, images: Sequence[Array]) -> Tensor:
        return logits(self._scoring_network, self._body, images, self._view, self._runtime)

    def odds_and_gradient(self, pixels: FloatImage) -> tuple[float, FloatImage]:
        """As `Differentiable.odds_and_gradient`. Raises `Unavailable` where its view has no gradient."""
        view = self._view
        if not isinstance(view, FloatView):
            msg = f"{type(view).__name__} shows images without a gradient"
            raise Unavailable(msg)
        return odds_and_gradient(lambda images: float_logits(self._network, images, view), pixels, self._runtime.device)

    def state(self) -> State:
        """The network's weights."""
        return to_state(self._network)


def _chunks(batch: Sequence[Array], pixels: int, images: int) -> list[list[int]]:
    """Positions of images of one size, at most so many together, and so many pixels unless one image has more."""
    chunks: list[list[int]] = []
    for place in sorted(range(len(batch)), key=lambda place: batch[place].shape):
        shape, last = batch[place].shape, chunks[-1] if chunks else []
        count = len(last) + 1
        if last and batch[last[0]].shape == shape and count <= images and count * shape[0] * shape[1] <= pixels:
            last.append(place)
        else:
            chunks.append([place])
    return chunks
