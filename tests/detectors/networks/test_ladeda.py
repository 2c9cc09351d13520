"""LaDeDa and Tiny-LaDeDa: the published networks, their filters, and which one a file is for."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image as PillowImage
from torch.nn import functional
from torchvision import transforms

from detectors.api import Runtime
from detectors.architectures.filter_names import FILTERS
from detectors.architectures.ladeda import LaDeDaNet, TinyLaDeDaNet, filtered
from detectors.architectures.support.initial_weights import on_meta_device, random_init
from detectors.checks import ToyTrainSet, sample, texture
from detectors.networks.ladeda import LaDeDa, TinyLaDeDa
from detectors.weight_file import WrongWeights, hashed_file
from detectors.weights.released import Checkpoint
from tests.support.networks import uneven

IMAGENET = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
KERNELS = {  # as published
    "left_diag": [[0, 1, 2], [-1, 0, 1], [-2, -1, 0]],
    "right_diag": [[-2, -1, 0], [-1, 0, 1], [0, 1, 2]],
    "x_grad": [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]],
    "y_grad": [[-1, -2, -1], [0, 0, 0], [1, 2, 1]],
}


def slow_filter(images, name):
    if name == "NPR":
        half = functional.interpolate(images, scale_factor=0.5, mode="nearest", recompute_scale_factor=True)
        return images - functional.interpolate(half, scale_factor=2, mode="nearest", recompute_scale_factor=True)
    if name == "raw":
        return images
    kernel = torch.tensor(KERNELS[name], dtype=torch.float32).repeat(3, 1, 1, 1)
    return functional.conv2d(images, kernel, groups=3, padding="same")


def shown(image):
    view = transforms.Compose([transforms.Resize((256, 256)), transforms.ToTensor(), transforms.Normalize(*IMAGENET)])
    return view(PillowImage.fromarray(image))[None]


def unnamed(network):
    """The weights as published files have them: they do not say which filter they are for."""
    weights = uneven(random_init(network, 0))
    del weights["input_filter"]
    return weights


class SlowNetwork:
    """The published forward passes, operation by operation."""

    def __init__(self, weights):
        self.weights = weights

    def norm(self, maps, name):
        names = ("running_mean", "running_var", "weight", "bias")
        return functional.batch_norm(maps, *(self.weights[f"{name}.{part}"] for part in names))

    def conv(self, maps, name, stride=1):
        return functional.conv2d(maps, self.weights[f"{name}.weight"], stride=stride)

    def stem(self, maps):
        return self.norm(self.conv(self.conv(maps, "conv1"), "conv2"), "bn1").relu()

    def decide(self, maps):
        vectors = functional.avg_pool2d(maps, maps.shape[2]).flatten(1)
        return functional.linear(vectors, self.weights["fc.weight"], self.weights["fc.bias"]).sigmoid().item()

    def tiny(self, maps):
        maps = self.stem(maps)
        maps = self.norm(self.conv(maps, "layer1.0.conv1"), "layer1.0.bn1").relu()
        return self.decide(self.norm(self.conv(maps, "layer1.0.conv2", 2), "layer1.0.bn2").relu())

    def large(self, maps):
        maps = self.stem(maps)
        for layer, (blocks, stride) in enumerate(zip((3, 4, 6, 3), (2, 2, 2, 1), strict=True), start=1):
            for block in range(blocks):
                name, step = f"layer{layer}.{block}", stride if block == 0 else 1
                inner = self.norm(self.conv(maps, f"{name}.conv1"), f"{name}.bn1").relu()
                inner = self.norm(self.conv(inner, f"{name}.conv2", step), f"{name}.bn2").relu()
                inner = self.norm(self.conv(inner, f"{name}.conv3"), f"{name}.bn3")
                if block == 0:
                    maps = self.norm(self.conv(maps, f"{name}.downsample.0", step), f"{name}.downsample.1")
                lost = maps.shape[-1] - inner.shape[-1]
                maps = (inner + (maps[:, :, :-lost, :-lost] if lost else maps)).relu()
        return self.decide(maps)


@pytest.mark.parametrize("name", FILTERS)
def test_filters_are_the_published_ones(name):
    images = torch.randn(2, 3, 12, 10, generator=torch.Generator().manual_seed(0))
    assert filtered(images, name).allclose(slow_filter(images, name), atol=1e-6)


@pytest.mark.parametrize("name", ["NPR", "left_diag"])
def test_the_tiny_network_scores_as_the_published_code(tmp_path, name):
    weights = unnamed(TinyLaDeDaNet)
    assert len(TinyLaDeDaNet().state_dict()) - 1 == 21  # the tensors of a published file
    torch.save(weights, tmp_path / "net.pth")
    detector = TinyLaDeDa("paper", input_filter=name).load(tmp_path / "net.pth", Runtime())
    images = [texture("a", 300, 200), texture("b", 64, 90)]
    scores = detector.score([detector.prepare(sample(image)) for image in images])
    expected = [SlowNetwork(weights).tiny(slow_filter(shown(image), name)) for image in images]
    assert scores == pytest.approx(expected, abs=1e-5)
    assert np.ptp(scores) > 1e-4


@pytest.mark.slow
def test_the_large_network_scores_as_the_published_code(tmp_path):
    weights = unnamed(LaDeDaNet)
    torch.save(weights, tmp_path / "net.pth")
    detector, image = LaDeDa("paper").load(tmp_path / "net.pth", Runtime()), texture("a", 300, 200)
    score = detector.score([detector.prepare(sample(image))])
    assert score == pytest.approx(SlowNetwork(weights).large(slow_filter(shown(image), "NPR")), abs=1e-5)
    assert (
        sum(parameter.numel() for parameter in on_meta_device(LaDeDaNet).parameters())
        == LaDeDa("paper").variant.size.parameters
    )


def test_an_output_of_the_large_network_sees_nine_by_nine_pixels():
    network = LaDeDaNet().eval()
    pixels = torch.randn(1, 3, 65, 65, generator=torch.Generator().manual_seed(0)).requires_grad_()
    maps = network.relu(network.bn1(network.conv2(network.conv1(pixels))))
    for name in network.stages:
        maps = network.get_submodule(name)(maps)
    maps[0, :, 2, 2].sum().backward()
    rows = torch.nonzero(pixels.grad.abs().sum((0, 1, 3)))
    assert int(rows.max() - rows.min()) + 1 == 9


def loaded_filter(file, **options):
    return FILTERS[int(TinyLaDeDa("paper", **options).load(file, Runtime()).state()["input_filter"])]


def started_filter(file, **options):
    detector = TinyLaDeDa("small", start=str(file), **options).fit(ToyTrainSet(8), 0, Runtime())
    return FILTERS[int(detector.state()["input_filter"])]


@pytest.mark.parametrize("found_filter", [loaded_filter, started_filter])
def test_the_filter_is_the_users_or_the_files_or_the_registrys_or_the_default(tmp_path, monkeypatch, found_filter):
    unsaid, said = tmp_path / "net.pth", tmp_path / "kept.pth"
    torch.save(unnamed(TinyLaDeDaNet), unsaid)
    torch.save(unnamed(TinyLaDeDaNet) | {"input_filter": torch.tensor(FILTERS.index("x_grad"))}, said)
    entry = Checkpoint(
        detector="tiny_ladeda",
        name="x",
        file="net.pth",
        page="",
        licence="",
        layout="",
        training="",
        sha256="",
        options={"input_filter": "left_diag"},
    )
    assert found_filter(unsaid) == "right_diag"  # of the published code
    entries = tuple(replace(entry, sha256=hashed_file(file).sha256) for file in (unsaid, said))
    monkeypatch.setattr("detectors.weights.released.released_checkpoints", lambda: entries)
    assert found_filter(unsaid) == "left_diag"
    assert found_filter(said) == "x_grad"
    assert found_filter(unsaid, input_filter="raw") == found_filter(said, input_filter="raw") == "raw"


@pytest.mark.parametrize("number", [torch.tensor(len(FILTERS)), torch.tensor(-1), torch.tensor([1, 2])])
def test_a_number_that_is_no_filters_is_refused(tmp_path, number):
    torch.save(unnamed(TinyLaDeDaNet) | {"input_filter": number}, tmp_path / "net.pth")
    for found_filter in (loaded_filter, started_filter):
        with pytest.raises(WrongWeights, match=r"says its input_filter is .*, not one of 0 to 5: give the option"):
            found_filter(tmp_path / "net.pth")


@pytest.mark.parametrize("kind", [pytest.param(LaDeDa, marks=pytest.mark.slow), TinyLaDeDa])
def test_a_trace_of_upsampling_is_learnt_and_the_filter_is_kept(kind):
    recipe = kind("small", input_filter="NPR")  # the others see nothing of every second pixel
    train = ToyTrainSet(48)
    detector = recipe.fit(train, 0, Runtime())
    scores = detector.score([detector.prepare(train[index]) for index in range(48)])
    assert ((scores > 0.5) == train.labels).mean() > 0.9
    assert FILTERS[int(detector.state()["input_filter"])] == "NPR"
