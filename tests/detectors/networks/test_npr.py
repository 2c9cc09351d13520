"""NPR: the published network and checkpoint layouts, and an input that holds no content."""

import numpy as np
import pytest
import torch
import torchvision
from PIL import Image as PillowImage
from torch.nn import functional

from detectors.api import Runtime, Unavailable
from detectors.architectures.npr import NprNet, neighbour_residual
from detectors.architectures.support.initial_weights import random_init
from detectors.checks import ToyTrainSet, sample, texture
from detectors.networks.npr import PAPER_VIEW, Npr
from detectors.training.schedules import StepSchedule
from detectors.weight_file import WrongWeights

PAPER, SMALL = Npr("paper"), Npr("small")


def uneven(state, seed=1):
    """The same weights with batch statistics that are not those of a new network."""
    generator = torch.Generator().manual_seed(seed)
    return {
        name: torch.rand(tensor.shape, generator=generator) + 0.5 if ".running_" in name or "bn" in name else tensor
        for name, tensor in state.items()
        if not name.endswith("num_batches_tracked")
    }


@pytest.fixture(scope="module")
def weights():
    return uneven(random_init(NprNet, 0))


def saved(tensors, path):
    torch.save(tensors, path)
    return path


def slow_logit(image, weights):
    """NPR of torchvision's ResNet-50, whose first convolution and last layer are replaced."""
    whole = torchvision.models.resnet50()
    whole.conv1 = torch.nn.Conv2d(3, 64, 3, stride=2, padding=1, bias=False)
    half = torch.nn.Sequential()
    for name in ("conv1", "bn1", "relu", "maxpool", "layer1", "layer2"):
        half.add_module(name, getattr(whole, name))
    head = {name: weights[name] for name in ("fc1.weight", "fc1.bias")}
    half.load_state_dict({name: tensor for name, tensor in weights.items() if name not in head}, strict=False)
    pixels = torch.from_numpy(np.array(PillowImage.fromarray(image).resize((256, 256), PillowImage.BILINEAR)))
    mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    shown = ((pixels / 255 - mean) / std).permute(2, 0, 1)[None]
    smaller = functional.interpolate(shown, scale_factor=0.5, mode="nearest")
    residual = shown - functional.interpolate(smaller, scale_factor=2, mode="nearest")
    with torch.inference_mode():
        features = half.eval()(residual * 2 / 3).mean((2, 3))
        return (features @ head["fc1.weight"].T + head["fc1.bias"]).item()


@pytest.mark.parametrize(("height", "width"), [(2, 2), (6, 4), (7, 5), (128, 129)])
def test_residual_equals_a_slow_version(height, width):
    image = np.random.default_rng(0).normal(size=(3, height, width)).astype(np.float32)
    found = neighbour_residual(torch.from_numpy(image)[None])[0].numpy()
    assert found.shape == (3, height // 2 * 2, width // 2 * 2)
    for row in range(found.shape[1]):
        for column in range(found.shape[2]):
            first = image[:, row - row % 2, column - column % 2]
            assert np.array_equal(found[:, row, column], image[:, row, column] - first)


def test_published_structure():
    resnet = torchvision.models.resnet50().state_dict()
    expected = {name: t.shape for name, t in resnet.items() if name.startswith(("bn1", "layer1", "layer2"))}
    expected |= {"conv1.weight": (64, 3, 3, 3), "fc1.weight": (1, 512), "fc1.bias": (1,)}
    assert {name: tensor.shape for name, tensor in PAPER.build().state_dict().items()} == expected
    assert sum(parameter.numel() for parameter in PAPER.build().parameters()) == 1_437_761


@pytest.mark.parametrize("wrap", [dict, lambda state: {f"module.{name}": tensor for name, tensor in state.items()}])
def test_published_checkpoint_scores_as_a_slow_version(weights, tmp_path, wrap):
    detector = PAPER.load(saved(wrap(weights), tmp_path / "NPR.pth"), Runtime())
    images = [texture("wide", 200, 330), texture("square", 256, 256)]
    scores = detector.score([detector.prepare(sample(image)) for image in images])
    logits = np.array([slow_logit(image, weights) for image in images])
    assert scores == pytest.approx(1 / (1 + np.exp(-logits)), abs=1e-5)
    assert 0.01 < scores.min() < scores.max() < 0.99


def test_other_layouts_are_refused(weights, tmp_path):
    mixed = dict(weights)
    mixed["module.fc1.bias"] = mixed.pop("fc1.bias")
    for tensors, complaint in (
        (mixed, r"missing fc1\.bias; unexpected module\.fc1\.bias"),
        (weights | {"fc.weight": torch.zeros(1, 2048)}, r"unexpected fc\.weight"),
    ):
        with pytest.raises(WrongWeights, match=complaint):
            PAPER.load(saved(tensors, tmp_path / "other.pth"), Runtime())
    with pytest.raises(Unavailable, match="belong to the paper setting"):
        SMALL.load(tmp_path / "other.pth", Runtime())


def test_published_numbers():
    plan = PAPER.plan
    assert plan.schedule == StepSchedule(rate=2e-4, factor=0.9, every=10)
    assert (plan.optimiser, plan.weight_decay, plan.batch, plan.epochs) == ("adam", 0, 32, 50)
    assert (PAPER_VIEW.side, PAPER_VIEW.crop, PAPER_VIEW.test_crop, PAPER_VIEW.mirror) == (256, 224, 256, True)


@pytest.mark.parametrize("recipe", [PAPER, SMALL])
def test_content_is_not_seen(recipe):
    """Two images whose every cell is of one colour look the same, whatever they show."""
    state = uneven(random_init(recipe.network, 0))
    detector = recipe.restore({name: tensor.numpy() for name, tensor in state.items()}, Runtime())
    side = recipe.view.test_crop
    cells = [texture(name, side // 2, side // 2).repeat(2, 0).repeat(2, 1) for name in ("a", "b")]
    first, second, other = detector.score(
        [detector.prepare(sample(image)) for image in (*cells, texture("c", side, side))]
    )
    assert first == pytest.approx(second, abs=1e-6)
    assert abs(first - other) > 1e-4


def test_a_trace_of_upsampling_is_learnt():
    train = ToyTrainSet(48)
    detector = SMALL.fit(train, 0, Runtime())
    scores = detector.score([detector.prepare(train[index]) for index in range(48)])
    assert ((scores > 0.5) == train.labels).mean() > 0.9
    assert len(detector.history) == SMALL.plan.epochs
