"""Bodies by a backend, and the same by torch in float32."""

import numpy as np
import pytest
import torch
from torch import nn

from bench.inference import graphs
from bench.inference.backends import LibraryBackend
from bench.inference.bodies import MOST_SHAPES, CompiledBody, ExportedBody, TorchBody, float32_by_torch
from bench.inference.open_sessions import OpenSessions
from detectors import catalogue
from detectors.api import Runtime
from detectors.architectures.support.torch_contexts import deterministic
from detectors.checks import sample, texture
from detectors.training.network_recipe import NetworkRecipe

NETWORKS = [name for name in catalogue.names() if isinstance(catalogue.recipe(name, "small"), NetworkRecipe)]
IMAGES = torch.rand(5, 3, 16, 16, generator=torch.Generator().manual_seed(0))


class Sorted(nn.Module):
    """No exporter has this operation."""

    def forward(self, images):
        return torch.special.bessel_j0(images).mean((1, 2, 3))[:, None]


def convolution():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return nn.Sequential(nn.Conv2d(3, 2, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten()).eval()


@pytest.mark.parametrize("name", NETWORKS)
def test_every_network_is_exported_and_scores_as_by_torch(name, tmp_path):
    backend = LibraryBackend("onnxruntime", "float32", tmp_path)
    detector = catalogue.recipe(name, "small").untrained(Runtime(backend=backend))
    prepared = [detector.prepare(sample(texture(f"{name}{number}", 150, 170))) for number in range(3)]
    found = detector.answer(prepared).log_odds
    assert backend.notes == []
    assert list(tmp_path.iterdir())
    with float32_by_torch() as bodies:
        expected = detector.answer(prepared).log_odds
    assert bodies
    np.testing.assert_allclose(found, expected, atol=1e-4 * max(1, np.abs(expected).max()))
    plain = catalogue.recipe(name, "small").untrained(Runtime())
    np.testing.assert_array_equal(plain.answer(prepared).log_odds, expected)


@pytest.mark.parametrize("size", [0, 1, 4])
def test_batches_of_any_size_and_layout(tmp_path, size):
    network, images = convolution(), IMAGES[:size].to(memory_format=torch.channels_last)
    body = ExportedBody(network, ("onnxruntime", "float32"), tmp_path, OpenSessions(), notes := [])
    with torch.inference_mode():
        assert body(images).allclose(network(images), atol=1e-6)
        assert body(images.flip(0)).shape == (size, 2)
    assert notes == []


def test_what_cannot_be_exported_is_computed_by_torch_with_one_line_and_no_other(tmp_path, capfd):
    notes = []
    body = ExportedBody(Sorted(), ("onnxruntime", "float32"), tmp_path, OpenSessions(), notes)
    assert torch.equal(body(IMAGES), Sorted()(IMAGES))
    assert torch.equal(body(IMAGES[:1]), Sorted()(IMAGES[:1]))
    (note,) = notes
    assert note.startswith("Sorted is computed by torch in float32 and not by onnxruntime: ")
    assert "\n" not in note
    assert capfd.readouterr() == ("", "")


def test_a_graph_of_another_network_is_seen_and_made_anew(tmp_path, monkeypatch):
    monkeypatch.setattr(graphs, "_identity", lambda body, shapes: "one for all")
    network, other, notes = convolution(), nn.Sequential(*convolution(), nn.Sigmoid()).eval(), []
    for one in (network, other, network):
        body = ExportedBody(one, ("onnxruntime", "float32"), tmp_path, OpenSessions(), notes)
        assert body(IMAGES).allclose(one(IMAGES), atol=1e-6)
        assert not body.by_torch
    assert notes == []


class Branching(nn.Module):
    """What a trace follows for one image alone."""

    def forward(self, images):
        return images.mean((1, 2, 3))[:, None] * (1 if len(images) < 3 else 2)


class Counting(nn.Module):
    """A trace takes the number of images for a constant."""

    def forward(self, images):
        return images.reshape(int(images.shape[0]), -1)[:, :2]


@pytest.mark.parametrize("network", [Branching(), Counting()])
def test_a_body_of_which_a_trace_is_another_one_is_computed_by_torch(tmp_path, network):
    body = ExportedBody(network, ("onnxruntime", "float32"), tmp_path, OpenSessions(), notes := [])
    assert torch.equal(body(IMAGES), network(IMAGES))
    assert torch.equal(body(IMAGES[:1]), network(IMAGES[:1]))
    assert len(notes) == 1
    assert body.by_torch


def test_what_fails_later_is_computed_by_torch(tmp_path):
    sessions = OpenSessions()
    body = ExportedBody(convolution(), ("onnxruntime", "float32"), tmp_path, sessions, notes := [])
    body(IMAGES)

    def fail(*inputs):
        raise RuntimeError("out of memory")

    sessions.add(body, (IMAGES.shape[1:],), fail, 1)
    assert torch.equal(body(IMAGES), convolution()(IMAGES))
    assert notes == ["Sequential is computed by torch in float32 and not by onnxruntime: RuntimeError: out of memory"]


def test_a_graph_that_cannot_be_kept_is_used(tmp_path):
    (tmp_path / "graphs").write_text("a file where the folder should be")
    body = ExportedBody(convolution(), ("onnxruntime", "float32"), tmp_path / "graphs", OpenSessions(), notes := [])
    assert body(IMAGES).allclose(convolution()(IMAGES), atol=1e-6)
    assert notes == []
    assert not body.by_torch


def test_a_session_that_others_closed_is_opened_again(tmp_path):
    sessions, notes = OpenSessions(limit=1), []
    networks = [convolution(), nn.Sequential(nn.Flatten(), nn.Linear(3 * 16 * 16, 2)).eval()]
    bodies = [ExportedBody(one, ("onnxruntime", "float32"), tmp_path, sessions, notes) for one in networks]
    for body, network in [*zip(bodies, networks, strict=True)] * 2:
        assert body(IMAGES).allclose(network(IMAGES), atol=1e-5)
        assert len(sessions) == 1
    assert notes == []


def test_images_of_many_sizes_are_left_to_torch(tmp_path):
    network, notes = convolution(), []
    body = ExportedBody(network, ("onnxruntime", "float32"), tmp_path, OpenSessions(), notes)
    for side in range(4, 4 + MOST_SHAPES + 2):
        images = torch.rand(1, 3, side, side)
        assert body(images).allclose(network(images), atol=1e-6)
    said = "Sequential is computed by torch in float32 and not by onnxruntime"
    assert notes == [f"{said}: its images have more than {MOST_SHAPES} sizes"]


class Switched(nn.Module):
    """Says how products of float32 would be rounded on a GPU while it computes."""

    def forward(self, images):
        switches = (torch.backends.cuda.matmul, torch.backends.cudnn.conv)
        return torch.full((len(images), 1), float(sum(one.fp32_precision == "tf32" for one in switches)))


def test_tf32_ends_with_the_body_and_is_not_in_the_reference():
    body = TorchBody(Switched(), "tf32")
    with deterministic():
        assert body(IMAGES).eq(2).all()
        assert torch.backends.cuda.matmul.fp32_precision == torch.backends.cudnn.conv.fp32_precision == "ieee"
        with float32_by_torch():
            assert body(IMAGES).eq(0).all()


def test_mixed_precision_ends_with_the_body_and_is_not_in_the_reference():
    network = convolution()
    body = TorchBody(network, "bfloat16")
    assert body(IMAGES).dtype == torch.bfloat16
    assert not torch.is_autocast_enabled("cpu")
    with float32_by_torch() as bodies:
        assert torch.equal(body(IMAGES), network(IMAGES))
    assert bodies == [body]
    assert body(IMAGES).dtype == torch.bfloat16
    body.by_torch = True
    assert torch.equal(body(IMAGES), network(IMAGES))


@pytest.mark.slow
@pytest.mark.filterwarnings("default")  # torch's compiler meets deprecations of its own
@pytest.mark.parametrize(("precision", "largest"), [("float32", 1e-6), ("bfloat16", 0.01)])
def test_a_compiled_body_gives_what_torch_gives_for_batches_and_sizes_of_any_number(precision, largest, capfd):
    notes, network = [], convolution()
    body = CompiledBody(network, precision, notes)
    with deterministic(), torch.inference_mode():
        for images in (
            IMAGES,
            IMAGES[:3],
            IMAGES[:1],
            IMAGES[:0],
            *(torch.rand(2, 3, side, side) for side in range(4, 15)),
        ):
            found = body(images)
            assert found.float().allclose(network(images), atol=largest)
            assert (found.dtype == torch.float32) == (precision == "float32") or not len(images)
        with float32_by_torch() as bodies:
            assert torch.equal(body(IMAGES), network(IMAGES))
    assert bodies == [body]
    assert notes == []
    assert capfd.readouterr() == ("", "")


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_what_cannot_be_compiled_is_computed_by_torch_in_the_same_precision_with_one_line(precision):
    class Listing(nn.Sequential):
        def forward(self, images):
            return super().forward(images) + torch.tensor(images.mean((1, 2, 3)).tolist())[:, None]

    network, notes = Listing(*convolution()), []
    body, plain = CompiledBody(network, precision, notes), TorchBody(network, precision)
    for images in (IMAGES, IMAGES[:1]):
        assert torch.equal(body(images), plain(images))
    (note,) = notes
    assert note.startswith("Listing is computed by torch without its compiler: Unsupported: ")
    assert "\n" not in note
