"""NPR: the published network and checkpoint layouts, and an input that holds no content."""

from typing import get_args

import numpy as np
import pytest
import torch
import torchvision
from PIL import Image as PillowImage
from torch.nn import functional
from torchvision import transforms

from detectors.api import Runtime, Unavailable
from detectors.architectures.npr import NprNet, neighbour_residual
from detectors.architectures.support.initial_weights import random_init
from detectors.checks import ToyTrainSet, sample, texture
from detectors.networks import fredect_net, gramnet, npr
from detectors.networks.npr import PAPER_VIEW, SCRIPTS, Npr
from detectors.preprocessing.augmentation import padded_centre
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
    assert plan.schedule == StepSchedule(rate=2e-4, factor=0.9, every=10, delay=1)
    assert (plan.optimiser, plan.weight_decay, plan.batch, plan.epochs) == ("adam", 0, 32, 50)
    assert (PAPER_VIEW.side, PAPER_VIEW.crop, PAPER_VIEW.test_crop, PAPER_VIEW.mirror) == (256, 224, 256, True)


def test_the_rate_of_every_epoch_is_the_published_one():
    """Epochs are counted from 0, and those that 10 divides, but the first, end with a lower rate."""
    state, rate = PAPER.plan.schedule.start(), 2e-4
    for epoch in range(PAPER.plan.epochs):
        assert state.rate == pytest.approx(rate), epoch
        assert state.update(0.5)
        rate *= 0.9 if epoch in {10, 20, 30, 40} else 1
    assert rate == pytest.approx(2e-4 * 0.9**4)


@pytest.mark.parametrize(
    ("script", "steps"),
    [
        (None, [transforms.Resize((256, 256))]),
        ("npr", [transforms.Resize((256, 256))]),
        ("npr_whole", []),
        ("sidbench_test", [transforms.CenterCrop(224)]),
        ("sidbench_evaluate", [transforms.Resize((256, 256)), transforms.CenterCrop(224)]),
    ],
)
def test_each_script_shows_an_image_in_its_way(script, steps):
    view = Npr("paper", script=script).view
    for image in (texture("tall", 301, 140), texture("wide", 240, 333)):
        shown = np.asarray(transforms.Compose(steps)(PillowImage.fromarray(image)))
        assert np.array_equal(view.test(image), shown)
    assert (view.mean, view.std) == (PAPER_VIEW.mean, PAPER_VIEW.std)
    rngs = [np.random.default_rng(0) for _ in range(2)]
    assert np.array_equal(view.training(image, rngs[0]), PAPER_VIEW.training(image, rngs[1]))


def test_the_script_for_genimage_repeats_small_images():
    image = texture("small", 100, 300)
    assert np.array_equal(
        Npr("paper", script="npr_genimage").view.test(image), padded_centre(np.tile(image, (3, 1, 1)), 224)
    )


def test_whole_images_of_several_sizes_are_scored_in_one_batch(weights, tmp_path):
    path = saved(weights, tmp_path / "NPR.pth")
    detector = Npr("paper", script="npr_whole").load(path, Runtime())
    images = [texture(str(side), *side) for side in ((64, 80), (64, 80), (1, 31), (65, 80), (64, 80))]
    prepared = [detector.prepare(sample(image)) for image in images]
    alone = np.concatenate([detector.score([one]) for one in prepared])
    assert detector.score(prepared) == pytest.approx(alone, abs=1e-6)
    cut = detector.score([detector.prepare(sample(images[3][:64]))])
    assert alone[3] == pytest.approx(cut[0], abs=1e-6)  # the last line of an odd side is not read


def test_a_script_is_of_the_published_network_and_stands_on_its_variant():
    with pytest.raises(
        Unavailable, match=r"script=npr_whole shows images to the published NPR: leave it out in the small"
    ):
        Npr("small", script="npr_whole").fit(ToyTrainSet(4), 0, Runtime())
    with pytest.raises(ValueError, match="npr knows no script other: give one of npr, npr_whole"):
        Npr("paper", script="other")
    chosen = Npr("paper", script="sidbench_test")
    assert chosen.variant.input_policy.endswith("(test.py of SIDBench)")
    assert [Npr("paper", script=one).variant.input_size for one in ("npr", "npr_whole", "sidbench_test")] == [
        "256x256",
        "that of the image",
        "224x224",
    ]
    assert chosen.key != PAPER.key
    assert all(f"script={name}: {script.text}" in PAPER.variant.notes for name, script in SCRIPTS.items())


@pytest.mark.parametrize(
    ("script", "scripts"),
    [
        (npr.NprScript, npr.SCRIPTS),
        (gramnet.GramNetScript, gramnet.SCRIPTS),
        (fredect_net.FreDectScript, fredect_net.SCRIPTS),
    ],
)
def test_every_script_is_a_value_of_the_option(script, scripts):
    assert get_args(script) == tuple(scripts)


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


@pytest.mark.slow
def test_a_trace_of_upsampling_is_learnt():
    train = ToyTrainSet(48)
    detector = SMALL.fit(train, 0, Runtime())
    scores = detector.score([detector.prepare(train[index]) for index in range(48)])
    assert ((scores > 0.5) == train.labels).mean() > 0.9
    assert len(detector.history) == SMALL.plan.epochs
