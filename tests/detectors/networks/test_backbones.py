"""Backbones: torchvision's ResNet-18 as it is, the numbers of the slides, and a start that is never random."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import timm
import torch
import torchvision
from PIL import Image as PillowImage
from safetensors.torch import save_file
from timm.data import create_transform
from torchvision import transforms

from detectors.api import Runtime, Unavailable
from detectors.architectures.small_networks import SmallResNet
from detectors.checks import ToyTrainSet, same_state, sample, texture
from detectors.networks.backbones import Resnet18, Resnet50
from detectors.preprocessing.views import ZoomedView
from detectors.weight_file import WrongWeights, hashed_file
from detectors.weights import files, loading, locations, reading

PAPER, SMALL = Resnet18("paper"), Resnet18("small")


@pytest.fixture
def start(tmp_path):
    """A small pretrained network with 24 outputs, seeded."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        save_file(SmallResNet(24).state_dict(), tmp_path / "start.safetensors")
    return str(tmp_path / "start.safetensors")


def test_scores_equal_those_of_torchvision():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = torchvision.models.resnet18(num_classes=1).eval()
    detector = PAPER.restore(loading.to_state(network), Runtime())
    images = [texture("wide", 200, 330), texture("square", 224, 224)]
    shown = transforms.Compose(
        [
            transforms.ToPILImage(),
            transforms.Resize((224, 224)),
            transforms.ToTensor(),
            transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]),
        ]
    )
    with torch.inference_mode():
        expected = torch.sigmoid(network(torch.stack([shown(image) for image in images])))[:, 0].numpy()
    assert detector.score([detector.prepare(sample(image)) for image in images]) == pytest.approx(expected, abs=1e-5)


def test_numbers_of_the_slides():
    plan = PAPER.plan
    assert (plan.schedule.rate, plan.schedule.factor, plan.epochs, plan.batch) == (1e-4, 1, 15, 32)


def test_imagenet_weights_get_a_new_head(tmp_path, monkeypatch):
    monkeypatch.setattr(locations, "torch_hub_folder", lambda: tmp_path)
    held = torchvision.models.resnet18().state_dict()
    (tmp_path / "checkpoints").mkdir()
    path = tmp_path / "checkpoints" / "resnet18-f37072fd.pth"
    torch.save(held, path)
    own = path.rename(path.with_stem(f"resnet18-{hashed_file(path).sha256[:8]}"))
    variant = dataclasses.replace(PAPER.variant, start=files.HubFile("owner/name", torch_names=(own.name,)))
    monkeypatch.setattr(Resnet18, "variants", {"paper": variant})
    begun, source = PAPER.initial_weights(PAPER.build(), 0)
    assert source == own
    assert begun["fc.weight"].shape == (1, 512)
    assert torch.equal(begun["conv1.weight"], held["conv1.weight"])


def test_without_imagenet_weights_nothing_is_trained(tmp_path, monkeypatch):
    def no_hub(repository, *names):
        msg = f"could not get {names[0]} of {repository}"
        raise Unavailable(msg)

    monkeypatch.setattr(locations, "torch_hub_folder", lambda: tmp_path)
    monkeypatch.setattr(files, "hub_file", no_hub)
    with pytest.raises(Unavailable, match=r"could not get model\.safetensors of timm/resnet18\.tv_in1k"):
        PAPER.fit(ToyTrainSet(4), 0, Runtime())


def test_other_weights_are_refused(start):
    with pytest.raises(WrongWeights, match="missing"):
        Resnet18("paper", start).fit(ToyTrainSet(4), 0, Runtime())


@pytest.mark.slow
def test_fit_repeats_and_follows_the_seed(start):
    recipe = Resnet18("small", start)
    first, again, other = (recipe.fit(ToyTrainSet(8), seed, Runtime()).state() for seed in (0, 0, 1))
    assert same_state(first, again)
    assert not same_state(first, other)


def test_pretrained_weights_are_trained_on(start):
    held = reading.read(hashed_file(Path(start)))
    fitted = Resnet18("small", start).fit(ToyTrainSet(8), 0, Runtime()).state()
    assert 0 < np.abs(fitted["layer2.conv1.weight"] - held["layer2.conv1.weight"].numpy()).mean() < 0.05


def test_keys_tell_settings_and_starts_apart(start):
    assert len({PAPER.key, SMALL.key, Resnet18("small", start).key, Resnet18("paper", start).key}) == 4


def shown_by_timm(image):
    """As timm's own transform of ResNet-50 shows an image."""
    held = timm.get_pretrained_cfg("resnet50")
    transform = create_transform((3, 224, 224), interpolation=held.interpolation, crop_pct=held.crop_pct)
    return transform(PillowImage.fromarray(image))


def test_resnet50_is_that_of_timm_with_one_output():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = timm.create_model("resnet50", num_classes=1, zero_init_last=False).eval()
    built = Resnet50("paper").build().state_dict()
    assert {name: tensor.shape for name, tensor in built.items()} == {
        name: tensor.shape for name, tensor in network.state_dict().items()
    }
    assert sum(tensor.numel() for tensor in network.parameters()) == 23510081
    assert Resnet50.variants["paper"].size.parameters == 23510081
    detector = Resnet50("paper").restore(loading.to_state(network), Runtime())
    images = [texture("wide", 200, 330), texture("tall", 300, 235), texture("tiny", 3, 2)]
    with torch.inference_mode():
        expected = torch.sigmoid(network(torch.stack([shown_by_timm(image) for image in images])))[:, 0].numpy()
    assert detector.score([detector.prepare(sample(image)) for image in images]) == pytest.approx(expected, abs=1e-5)


def test_resnet50_takes_torchvisions_weights(tmp_path):
    held = torchvision.models.resnet50().state_dict()
    save_file(held, tmp_path / "held.safetensors")
    recipe = Resnet50("paper", str(tmp_path / "held.safetensors"))
    network = recipe.build()
    begun, source = recipe.initial_weights(network, 0)
    loading.load_strict(network, begun, source)
    assert network.fc.weight.shape == (1, 2048)
    assert torch.equal(network.layer3[4].conv2.weight, held["layer3.4.conv2.weight"])


def test_numbers_of_genimage():
    plan, view = Resnet50("paper").plan, Resnet50("paper").view
    assert (plan.schedule.rate, plan.schedule.epochs, plan.epochs, plan.batch) == (0.05, 200, 200, 128)
    assert (plan.optimiser, plan.weight_decay, view.erase) == ("sgd", 2e-5, 0.6)


def test_small_bottlenecks_are_randomly_initialised_on_pretrained_stages_and_kept_by_a_warm_start(start, tmp_path):
    recipe, held = Resnet50("small", start), reading.read(hashed_file(Path(start)))
    network = recipe.build()
    begun, source = recipe.initial_weights(network, 0)
    loading.load_strict(network, begun, source)
    assert torch.equal(begun["layer2.conv1.weight"], held["layer2.conv1.weight"])
    assert sum(tensor.numel() for tensor in network.parameters()) == Resnet50.variants["small"].size.parameters
    save_file(begun, tmp_path / "fitted.safetensors")
    again, _ = Resnet50("small", str(tmp_path / "fitted.safetensors")).initial_weights(recipe.build(), 1)
    changed = {name for name, tensor in begun.items() if not torch.equal(tensor, again[name])}
    assert changed == {"fc.weight", "fc.bias"}


def test_the_top_of_a_small_resnet50_learns_alone(start):
    recipe = Resnet50("small", start, tune="top")
    begun = recipe.initial_weights(recipe.build(), 0)[0]
    fitted = recipe.fit(ToyTrainSet(8), 0, Runtime()).state()
    assert {name for name in begun if not np.array_equal(fitted[name], begun[name].numpy())} == {"fc.weight", "fc.bias"}


def test_a_resnet50_without_its_stages_is_refused(tmp_path):
    save_file({"conv1.weight": torch.zeros(16, 3, 3, 3)}, tmp_path / "part.safetensors")
    with pytest.raises(WrongWeights, match=r"missing bn1\.bias"):
        Resnet50("small", str(tmp_path / "part.safetensors")).fit(ToyTrainSet(4), 0, Runtime())


def test_zoomed_shows_parts_and_erases_some_of_them():
    view = ZoomedView(resize=40, crop=32, erase=0.5)
    rows, columns = np.mgrid[:64, :96].astype(np.uint8)
    image = np.dstack([rows, columns, np.zeros_like(rows)])  # says where a pixel lay; no blue
    crops = [view.training(image, np.random.default_rng(seed)) for seed in range(300)]
    noisy = [(crop[..., 2] > 3).mean() for crop in crops]  # the bicubic filter keeps blue at nothing
    assert 0.4 < np.mean([share > 0 for share in noisy]) < 0.6
    assert max(noisy) < 0.36
    clean = [crop for crop, share in zip(crops, noisy, strict=True) if not share]
    heights = [np.ptp(crop[..., 0].astype(int)) for crop in clean]
    assert min(heights) < 25
    assert max(heights) > 50
    mirrored = [int(crop[16, 0, 1]) > int(crop[16, -1, 1]) for crop in clean]
    assert 0.35 < np.mean(mirrored) < 0.65
    again = view.training(image, np.random.default_rng(7))
    assert np.array_equal(crops[7], again)
    assert np.array_equal(view.validation(image, np.random.default_rng(0)), view.test(image))


def test_zoomed_takes_any_shape():
    view = ZoomedView(resize=256, crop=224, erase=1.0)
    for height, width in ((1, 1), (2, 300), (300, 1)):
        assert view.training(texture("odd", height, width), np.random.default_rng(0)).shape == (224, 224, 3)
