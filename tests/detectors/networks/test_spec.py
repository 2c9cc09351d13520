"""Spec: the published spectra, inverted labels and BGR, and an input that does not say where."""

import cv2
import numpy as np
import pytest
import torch
import torchvision

from detectors.api import Runtime
from detectors.architectures.spectrum_networks import SpecResNet34, spectra
from detectors.architectures.support.initial_weights import on_meta_device, random_init
from detectors.checks import ToyTrainSet, sample, texture
from detectors.networks.spec import PAPER_VIEW, SMALL_VIEW, Spec
from detectors.weight_file import WrongWeights

PAPER, SMALL = Spec("paper"), Spec("small")


def slow_spectrum(channel):
    """AutoGAN's spectrum of one channel in [0, 1], with NumPy in double precision."""
    levels = np.log(np.abs(np.fft.fft2(channel)) + 1e-3)
    low, high = np.percentile(levels, 5), np.percentile(levels, 95)
    return np.clip(((levels - low) / (high - low) - 0.5) * 2, -1, 1)


@pytest.fixture(scope="module")
def published():
    """A ResNet-34 with two outputs and seeded weights."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return torchvision.models.resnet34(num_classes=2).eval()


def saved(network, path, **changes):
    torch.save({"epoch": 19, "state_dict": network.state_dict() | changes}, path)
    return path


@pytest.mark.parametrize("side", [64, 127, 224])
def test_spectra_equal_numpy(side):
    image = texture("numpy", side, side).transpose(2, 0, 1) / 255
    found = spectra(torch.from_numpy(image.astype(np.float32))[None])[0].numpy()
    assert found.dtype == np.float32
    for one, channel in zip(found, image, strict=True):
        np.testing.assert_allclose(one, slow_spectrum(channel.astype(np.float32).astype(np.float64)), atol=1e-6)
        assert one[0, 0] == 1  # frequency 0 lies in the corner


def test_spectra_have_the_same_bits_where_torch_selects_their_percentiles():
    images = torch.rand(2, 3, 40, 40, generator=torch.Generator().manual_seed(0))
    images[0, 0] = 0.5  # many equal values
    assert torch.equal(spectra(images), spectra(images.clone().requires_grad_()).detach())


def test_weak_frequencies_of_a_smooth_image_are_no_rounding_errors():
    wave = np.sin(np.arange(224) / 25)
    image = np.rint(120 + 100 * wave[:, None, None] * wave[:, None] + np.zeros(3)).astype(np.float32) / 255
    found = spectra(torch.from_numpy(image.transpose(2, 0, 1))[None])[0].numpy()
    np.testing.assert_allclose(found[0], slow_spectrum(image[:, :, 0].astype(np.float64)), atol=1e-6)


def test_a_flat_image_has_a_spectrum():
    found = spectra(torch.full((1, 3, 32, 32), 0.5))
    assert found.isfinite().all()
    assert (found[:, :, 0, 0] == 1).all()


def test_published_checkpoint_scores_as_a_slow_version(published, tmp_path):
    detector = PAPER.load(saved(published, tmp_path / "checkpoint_20.pth"), Runtime())
    images = [texture("other", 300, 200), texture("published", 256, 256)]
    batch = []
    for image in images:
        read = image[:, :, ::-1].copy()  # as `cv2.imread` orders the channels
        square = cv2.resize(read, (256, 256))[16:240, 16:240].astype(np.float32) / 255
        batch.append(np.stack([slow_spectrum(square[:, :, channel]) for channel in range(3)]))
    with torch.inference_mode():
        expected = torch.softmax(published(torch.tensor(np.stack(batch), dtype=torch.float32)), 1)[:, 0]  # 0 is fake
    scores = detector.score([detector.prepare(sample(image)) for image in images])
    assert scores == pytest.approx(expected.numpy(), abs=1e-5)


def test_the_second_output_is_real(published, tmp_path):
    surer = {"fc.bias": published.fc.bias.detach() + torch.tensor([0.0, 5.0])}
    image, scores = texture("label", 256, 256), []
    for path in (saved(published, tmp_path / "a.pth"), saved(published, tmp_path / "b.pth", **surer)):
        detector = PAPER.load(path, Runtime())
        scores.append(detector.score([detector.prepare(sample(image))]))
    assert scores[1] < scores[0]


def test_other_layouts_are_refused(published, tmp_path):
    path = saved(published, tmp_path / "other.pth", **{"fc.bias": torch.zeros(1)})
    with pytest.raises(WrongWeights, match=r"fc\.bias is \(1,\), not \(2,\)"):
        PAPER.load(path, Runtime())


@pytest.mark.parametrize("recipe", [PAPER, SMALL])
def test_where_things_lie_is_not_seen(recipe):
    state = {name: tensor.numpy() for name, tensor in random_init(recipe.network, 0).items()}
    detector, side = recipe.restore(state, Runtime()), recipe.view.test_crop
    image = texture("moved", side, side)
    first, moved, other = detector.score([image, np.roll(image, (9, 40), (0, 1)), image // 64 * 64])
    assert abs(moved - first) < 2e-5
    assert abs(other - first) > 5e-4


def test_published_numbers():
    plan = PAPER.plan
    assert (plan.schedule.rate, plan.optimiser, plan.weight_decay) == (1e-3, "sgd", 1e-4)
    assert (plan.batch, plan.epochs, plan.schedule.factor) == (16, 20, 1)
    assert (PAPER_VIEW.side, PAPER_VIEW.crop, PAPER_VIEW.test_crop, PAPER_VIEW.mirror) == (256, 224, 224, False)
    assert SMALL_VIEW.test_crop == 128


def test_a_tenth_of_the_rate_stands_for_the_published_dampening():
    """From the second gradient on, the steps of both are the same."""
    places = []
    for rate, dampening in ((0.01, 0.9), (0.001, 0.0)):
        weight = torch.nn.Parameter(torch.zeros(1))
        optimiser = torch.optim.SGD([weight], lr=rate, momentum=0.9, dampening=dampening)
        for gradient in (0.0, 1.0, -2.0, 3.0):
            weight.grad = torch.tensor([gradient])
            optimiser.step()
        places.append(weight.item())
    assert places[0] == pytest.approx(places[1])


def test_paper_network_starts_from_any_weights_with_a_new_head(published, tmp_path):
    recipe = Spec("paper", str(saved(published, tmp_path / "own.pth")))
    begun, _ = recipe.initial_weights(recipe.build(), 0)
    assert begun["fc.weight"].shape == (2, 512)
    assert not torch.equal(begun["fc.weight"], published.fc.weight)
    assert torch.equal(begun["conv1.weight"], published.conv1.weight)
    assert begun.keys() == on_meta_device(SpecResNet34).state_dict().keys()


class Enlarged(ToyTrainSet):
    """Generated images were enlarged by two."""

    def __getitem__(self, index):
        pixels = texture(self.names[index])
        return sample(cv2.resize(pixels[::2, ::2], (128, 128)) if self.labels[index] else pixels)


@pytest.mark.slow
def test_a_trace_of_upsampling_is_learnt():
    train = Enlarged(48)
    detector = SMALL.fit(train, 0, Runtime())
    scores = detector.score([detector.prepare(train[index]) for index in range(48)])
    assert ((scores > 0.5) == train.labels).mean() > 0.9
