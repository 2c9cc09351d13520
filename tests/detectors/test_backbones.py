"""Backbones: torchvision's ResNet-18 as it is, the numbers of the slides, and a start that is never random."""

import numpy as np
import pytest
import torch
import torchvision
from safetensors.torch import save_file
from torchvision import transforms

from detectors import sources, weights
from detectors.api import Runtime, Unavailable
from detectors.backbones import Resnet18
from detectors.checks import Toy, same_state, sample, texture
from detectors.nets import SmallResNet
from detectors.weights import WrongWeights

PAPER, EMBEDDED = Resnet18("paper"), Resnet18("embedded")


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
    detector = PAPER.restore(weights.to_state(network), Runtime())
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
    plan = PAPER.plan()
    assert (plan.stopping.rate, plan.stopping.factor, plan.epochs, plan.batch) == (1e-4, 1, 15, 32)


def test_imagenet_weights_get_a_new_head(tmp_path, monkeypatch):
    monkeypatch.setattr(weights, "torch_hub", lambda: tmp_path)
    held = torchvision.models.resnet18().state_dict()
    (tmp_path / "checkpoints").mkdir()
    path = tmp_path / "checkpoints" / "resnet18-f37072fd.pth"
    torch.save(held, path)
    own = path.rename(path.with_stem(f"resnet18-{weights.local(path).sha256[:8]}"))
    monkeypatch.setattr(Resnet18, "starts", {"paper": sources.Hub("owner/name", in_torch=(own.name,))})
    begun, source = PAPER.begin(PAPER.build(), 0)
    assert source == own
    assert begun["fc.weight"].shape == (1, 512)
    assert torch.equal(begun["conv1.weight"], held["conv1.weight"])


def test_without_imagenet_weights_nothing_is_trained(tmp_path, monkeypatch):
    def no_hub(repository, *names):
        msg = f"could not get {names[0]} of {repository}"
        raise Unavailable(msg)

    monkeypatch.setattr(weights, "torch_hub", lambda: tmp_path)
    monkeypatch.setattr(sources, "hub", no_hub)
    with pytest.raises(Unavailable, match=r"could not get model\.safetensors of timm/resnet18\.tv_in1k"):
        PAPER.fit(Toy(4), 0, Runtime())


def test_other_weights_are_refused(start):
    with pytest.raises(WrongWeights, match="missing"):
        Resnet18("paper", start).fit(Toy(4), 0, Runtime())


def test_fit_repeats_and_follows_the_seed(start):
    recipe = Resnet18("embedded", start)
    first, again, other = (recipe.fit(Toy(8), seed, Runtime()).state() for seed in (0, 0, 1))
    assert same_state(first, again)
    assert not same_state(first, other)


def test_pretrained_weights_are_trained_on(start):
    held = weights.read(weights.local(weights.Path(start)))
    fitted = Resnet18("embedded", start).fit(Toy(8), 0, Runtime()).state()
    assert 0 < np.abs(fitted["layer2.conv1.weight"] - held["layer2.conv1.weight"].numpy()).mean() < 0.05


def test_keys_tell_settings_and_starts_apart(start):
    assert len({PAPER.key, EMBEDDED.key, Resnet18("embedded", start).key, Resnet18("paper", start).key}) == 4
