"""What becomes of a backend whose scores are not torch's."""

from contextlib import nullcontext
from dataclasses import asdict, dataclass, replace
from typing import ClassVar

import numpy as np
import pytest
import torch
from lineup_checkerboard import Checkerboard, CheckerboardDetector
from torch import nn

from bench.engine.scoring.agreement import AgreementImages, compare_with_torch, compute_by_torch, needs_check
from bench.inference.backends import LibraryBackend
from bench.inference.bodies import BackendBody
from detectors.api import Card, Embedder, Probe, Runtime, Unavailable
from detectors.checks import sample, texture
from detectors.network_kinds import UsesBackend
from detectors.preprocessing.views import SquareView
from detectors.training.network_detector import NetworkDetector
from tests.support.miniature import Bench, write_folder

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
    found = compare_with_torch(detector, ("d",), AgreementImages(SAMPLES), runtime, "contrast")
    assert (found.images, found.flips, found.by_torch) == (6, 0, False)
    assert found.largest_change == pytest.approx(np.abs(scores(detector) - EXPECTED).max())
    assert 0 < found.largest_change < 1e-5
    assert runtime.backend.notes == []


@pytest.mark.parametrize("shift", [0.1, -9.0, float("nan")])
def test_a_float32_backend_that_changes_scores_is_left_for_good(tmp_path, shift):
    detector, runtime = shifted(tmp_path, shift)
    assert not np.array_equal(scores(detector), EXPECTED)
    found = compare_with_torch(detector, ("d",), AgreementImages(SAMPLES), runtime, "contrast")
    assert found.by_torch
    assert np.array_equal(scores(detector), EXPECTED)
    (note,) = runtime.backend.notes
    assert note.startswith("contrast is computed by torch in float32: the backend changes a score by ")


def test_what_was_left_elsewhere_is_left_here_though_the_first_image_is_refused(tmp_path, monkeypatch):
    detector, _ = shifted(tmp_path, 0.1)
    prepare, read = detector.prepare, []
    monkeypatch.setattr(detector, "prepare", lambda one: read.append(one) or (prepare(one) if len(read) > 1 else 1 / 0))
    compute_by_torch(detector, ("d",), SAMPLES)
    assert read == SAMPLES[:2]
    assert np.array_equal(scores(detector), EXPECTED)


def test_a_decision_that_differs_counts_however_small_the_change(tmp_path):
    middle = float(np.log(EXPECTED / (1 - EXPECTED))[0])

    class Near(Contrast):
        def forward(self, images):
            return super().forward(images) - middle - 1e-5

    backend = Shifting("onnxruntime", "float32", tmp_path, shift=3e-5)
    runtime = Runtime(backend=backend)
    detector = NetworkDetector(Near(), VIEW, runtime)
    found = compare_with_torch(detector, ("d",), AgreementImages(SAMPLES), runtime, "near")
    assert found.largest_change < 1e-4
    assert (found.flips, found.by_torch) == (1, True)
    assert "1 of 6 decisions" in runtime.backend.notes[0]


def test_rounding_that_was_asked_for_is_kept_and_told(tmp_path):
    detector, runtime = shifted(tmp_path, 0.5, "bfloat16")
    found = compare_with_torch(detector, ("d",), AgreementImages(SAMPLES), runtime, "contrast")
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


class SaturatedBody(BackendBody):
    """A body of another network, whose probabilities are 1 as well."""

    def compute(self, *inputs):
        return 0.3 * self.network(*inputs)


def test_log_odds_are_compared_where_probabilities_are_all_one(tmp_path):
    class Sure(Contrast):
        def forward(self, images):
            return super().forward(images) + 300

    @dataclass(frozen=True)
    class Saturating(LibraryBackend):
        def compile(self, body, kind):
            return SaturatedBody(body)

    runtime = Runtime(backend=Saturating("onnxruntime", "float32", tmp_path))
    detector = NetworkDetector(Sure(), VIEW, runtime)
    found = compare_with_torch(detector, ("d",), AgreementImages(SAMPLES), runtime, "sure")
    assert (found.largest_change, found.flips, found.by_torch) == (0, 0, True)


class Tower(Embedder, UsesBackend):
    """An embedder of the mean, whose body has an error; counts how often it embeds."""

    own_network_kinds = frozenset({"transformer"})
    key, dim = "tower.1", 1

    def __init__(self, runtime):
        self.body = runtime.backend.compile(nn.Identity(), "transformer")
        self.calls = 0

    def prepare(self, one):
        if one.pixels.shape[0] < 18:
            raise ValueError("too small")
        return np.array([one.pixels.mean() / 255], np.float32)

    def embed(self, batch):
        self.calls += 1
        return self.body(torch.from_numpy(np.stack(batch))).numpy()


MIDDLE = SAMPLES[0].pixels.mean() / 255


class Steep(Probe):
    def __init__(self, embedder, gain):
        self.embedder, self._gain = embedder, gain

    def decide(self, embeddings):
        return torch.sigmoid(torch.from_numpy(self._gain * (embeddings[:, 0] - MIDDLE))).numpy()

    def state(self):
        return {}


def test_a_probe_that_magnifies_what_a_backend_changes_is_refused_for_its_embeddings_are_shared(tmp_path):
    runtime = Runtime(backend=Shifting("onnxruntime", "float32", tmp_path, shift=1e-5))
    images, towers = AgreementImages(SAMPLES), [Tower(runtime) for _ in range(2)]
    gentle, steep = Steep(towers[0], 1.0), Steep(towers[1], 1e4)
    found = compare_with_torch(gentle, ("gentle",), images, runtime, "gentle")
    assert 0 < found.largest_change < 1e-5
    with pytest.raises(Unavailable, match=r"changes a score by .* read the same embeddings: choose --backend torch"):
        compare_with_torch(steep, ("steep",), images, runtime, "steep")
    assert [tower.calls for tower in towers] == [2, 0]  # once by each for all detectors of the embedder
    assert not towers[0].body.by_torch


def test_an_image_that_a_detector_refuses_is_left_out(tmp_path):
    runtime = Runtime(backend=Shifting("onnxruntime", "float32", tmp_path, shift=1e-6))
    samples = [*SAMPLES, sample(texture("small", 8, 8))]
    found = compare_with_torch(Steep(Tower(runtime), 1.0), ("d",), AgreementImages(samples), runtime, "d")
    assert (found.images, found.refused) == (len(SAMPLES), 1)


def test_a_detector_without_networks_is_not_compared(tmp_path):
    runtime = Runtime(backend=Shifting("onnxruntime", "float32", tmp_path, shift=1.0))
    assert compare_with_torch(CheckerboardDetector(1.0, 1.0), ("d",), AgreementImages(SAMPLES), runtime, "d") is None


@dataclass(frozen=True)
class Network(Checkerboard, UsesBackend):
    """A recipe of a network that is not trained."""

    card: ClassVar[Card] = replace(Checkerboard.card, name="network")
    own_network_kinds: ClassVar[frozenset] = frozenset({"convolutional"})
    fit_reads_outputs = False

    def fit(self, train, seed, runtime):
        return NetworkDetector(Contrast(), VIEW, runtime)

    def restore(self, state, runtime):
        return NetworkDetector(Contrast(), VIEW, runtime)


@dataclass(frozen=True)
class Undeclared(Network):
    """The same of a plug-in that does not say that it uses a backend."""

    card: ClassVar[Card] = replace(Checkerboard.card, name="undeclared")
    own_network_kinds: ClassVar[frozenset] = frozenset()


def run(tmp_path, runtime):
    folder = tmp_path / "data"
    recipes = {one.card.name: one for one in (Network("small"), Undeclared("small"))}
    bench = Bench(folder if folder.exists() else write_folder(folder), tmp_path, recipes, runtime=runtime)
    planned = bench.plan(("none",))
    engine, outcomes = bench.run(planned)
    assert {one.status for one in outcomes.values()} == {"scored"}
    return engine, planned, bench.scores(planned)


def test_what_was_found_is_kept_and_known_without_computing_again(tmp_path):
    runtime = Runtime(backend=Shifting("onnxruntime", "float32", tmp_path, shift=1e-5))
    engine, planned, scores = run(tmp_path, runtime)
    (found,) = {tuple(agreements) for agreements in engine.agreements(planned).values()}
    assert engine.agreements(planned).keys() == {"network"}
    assert len(found) == 2  # fits
    assert all(0 < one.largest_change < 1e-5 and one.images == 32 and not one.by_torch for one in found)
    again, _, _ = run(tmp_path, runtime)
    assert again.agreements(planned) == engine.agreements(planned)
    for file in (tmp_path / "cache" / "agreements").iterdir():
        file.write_text('{"other": 1}')
    damaged, _, _ = run(tmp_path, runtime)
    assert damaged.agreements(planned) == {}
    undeclared = [one for cell, one in scores.items() if cell.detector == "undeclared"]
    declared = [one for cell, one in scores.items() if cell.detector == "network"]
    assert undeclared != declared  # torch computes what does not say that it uses a backend


@pytest.mark.parametrize("refused", [2, 1])
def test_images_that_a_detector_refuses_are_not_compared_in_every_run(tmp_path, refused):
    runtime = Runtime(backend=Shifting("onnxruntime", "float32", tmp_path, shift=1e-5))
    engine, planned, _ = run(tmp_path, runtime)
    check, network = engine._agreement, next(item for item in planned if item.cell.detector == "network")
    check.cache.write_agreement(check._key(network), asdict(check.known(network)) | {"images": 30, "refused": refused})
    with nullcontext() if refused == 2 else pytest.raises(AttributeError):  # of a detector that is not there
        check.check(network, None)


def test_a_backend_is_in_the_keys_of_scores_and_not_of_trainings(tmp_path):
    shifting = Runtime(backend=Shifting("onnxruntime", "float32", tmp_path, shift=1e-5))
    _, by_backend, _ = run(tmp_path, shifting)
    _, by_torch, _ = run(tmp_path, Runtime())
    for one, other in zip(by_backend, by_torch, strict=True):
        assert one.fit_key == other.fit_key
        assert (one.key == other.key) == (one.cell.detector == "undeclared")
