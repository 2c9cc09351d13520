"""What becomes of a backend whose scores are not torch's."""

from dataclasses import dataclass

import numpy as np
import pytest
import torch
from torch import nn

from bench.engine.scoring.agreement import AgreementCheck, compare_with_torch, needs_check
from bench.inference.backends import LibraryBackend
from bench.inference.bodies import BackendBody
from detectors.api import Embedder, Runtime
from detectors.checks import sample, texture
from detectors.network_kinds import UsesBackend
from detectors.preprocessing.views import SquareView
from detectors.training.network_detector import NetworkDetector

VIEW = SquareView(side=16, crop=16, test_crop=16, mirror=False)
SAMPLES = [sample(texture(f"{number}", 20, 20)) for number in range(6)]


class Contrast(nn.Module):
    """Log odds that are 0 for a flat image."""

    def forward(self, images):
        return images.std((1, 2, 3))[:, None] - 1


class ShiftedBody(BackendBody):
    """A body with an error."""

    def __init__(self, body, shift):
        super().__init__(body)
        self._shift = shift

    def compute(self, *inputs):
        return self.network(*inputs) + self._shift


@dataclass(frozen=True)
class Shifting(LibraryBackend):
    shift: float = 0.0

    def compile(self, body, kind):
        return ShiftedBody(body, self.shift)


def shifted(tmp_path, shift, precision="float32"):
    backend = Shifting("onnxruntime" if precision == "float32" else "openvino", precision, tmp_path, shift=shift)
    runtime = Runtime(precision=precision, backend=backend)
    return NetworkDetector(Contrast(), VIEW, runtime), runtime


def scores(detector):
    return detector.score([detector.prepare(one) for one in SAMPLES])


EXPECTED = scores(NetworkDetector(Contrast(), VIEW, Runtime()))


def test_a_backend_that_rounds_otherwise_is_used_and_its_largest_change_told(tmp_path):
    detector, runtime = shifted(tmp_path, 1e-5)
    found = compare_with_torch(detector, SAMPLES, runtime, "contrast")
    assert (found.images, found.flips, found.by_torch) == (6, 0, False)
    assert found.largest_change == pytest.approx(np.abs(scores(detector) - EXPECTED).max())
    assert 0 < found.largest_change < 1e-5
    assert runtime.backend.notes == []


@pytest.mark.parametrize("shift", [0.1, -9.0, float("nan")])
def test_a_float32_backend_that_changes_scores_is_left_for_good(tmp_path, shift):
    detector, runtime = shifted(tmp_path, shift)
    assert not np.array_equal(scores(detector), EXPECTED)
    found = compare_with_torch(detector, SAMPLES, runtime, "contrast")
    assert found.by_torch
    assert np.array_equal(scores(detector), EXPECTED)
    (note,) = runtime.backend.notes
    assert note.startswith("contrast is computed by torch in float32: the backend changes a score by ")


def test_a_decision_that_differs_counts_however_small_the_change(tmp_path):
    middle = float(np.log(EXPECTED / (1 - EXPECTED))[0])

    class Near(Contrast):
        def forward(self, images):
            return super().forward(images) - middle - 1e-5

    backend = Shifting("onnxruntime", "float32", tmp_path, shift=3e-5)
    runtime = Runtime(backend=backend)
    detector = NetworkDetector(Near(), VIEW, runtime)
    found = compare_with_torch(detector, SAMPLES, runtime, "near")
    assert found.largest_change < 1e-4
    assert (found.flips, found.by_torch) == (1, True)
    assert "1 of 6 decisions" in runtime.backend.notes[0]


def test_rounding_that_was_asked_for_is_kept_and_told(tmp_path):
    detector, runtime = shifted(tmp_path, 0.5, "bfloat16")
    found = compare_with_torch(detector, SAMPLES, runtime, "contrast")
    assert not found.by_torch
    assert found.largest_change > 0.05
    assert not np.array_equal(scores(detector), EXPECTED)


def test_what_torch_computes_in_float32_needs_no_check(tmp_path):
    kinds = frozenset({"convolutional"})
    assert not needs_check(Runtime(), kinds)
    assert not needs_check(Runtime("cuda"), kinds)
    auto = Runtime(backend=LibraryBackend("auto", "float32", tmp_path))
    assert needs_check(auto, kinds)
    assert not needs_check(auto, frozenset({"transformer"}))
    assert not needs_check(auto, frozenset())
    assert needs_check(Runtime(backend=LibraryBackend("torch", "bfloat16", tmp_path)), frozenset({"transformer"}))


@dataclass
class Towers(Embedder, UsesBackend):
    """An embedder of one value whose body has an error."""

    runtime: Runtime
    shift: float
    own_network_kinds = frozenset({"convolutional"})
    key = "tower.1"

    def __post_init__(self):
        self._body = ShiftedBody(nn.Flatten(), self.shift)

    def prepare(self, one):
        return one.pixels.astype(np.float32)

    def embed(self, batch):
        return self._body(torch.from_numpy(np.stack(batch))).numpy()


@pytest.mark.parametrize(("shift", "left"), [(0.01, False), (1.0, True), (float("nan"), True)])
def test_embeddings_are_compared_before_anything_is_fitted_on_them(tmp_path, shift, left):
    runtime = Runtime(backend=LibraryBackend("onnxruntime", "float32", tmp_path))
    embedder = Towers(runtime, shift)
    check = AgreementCheck(None, np.arange(0), None, runtime)
    check.__dict__["_samples"] = SAMPLES
    check.check_embedder(embedder)
    assert embedder._body.by_torch == left
    assert bool(runtime.backend.notes) == left
