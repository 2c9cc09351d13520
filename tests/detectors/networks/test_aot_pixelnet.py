"""AOT-PixelNet: the published transform, network and view of images."""

import numpy as np
import pytest
import torch
from PIL import Image as PillowImage
from torch.nn import functional
from torchvision import transforms

from detectors.api import Runtime
from detectors.architectures.aot_pixelnet import AotPixelNet, block_spectrum, walsh_matrix
from detectors.architectures.support.initial_weights import random_init
from detectors.checks import ToyTrainSet, sample, texture
from detectors.networks.aot_pixelnet import PAPER_VIEW, AotPixelNetRecipe
from detectors.preprocessing.ycbcr import YCbCrCrops
from tests.support.networks import uneven

PAPER, SMALL = AotPixelNetRecipe("paper"), AotPixelNetRecipe("small")
PUBLISHED_FILE = 160, 992_026  # tensors and values of parameter.pth, counters of batches included
IMAGENET = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def slow_spectrum(images):
    """Block after block, in double precision."""
    walsh = walsh_matrix().double().numpy()
    count, channels, height, width = images.shape
    found = np.zeros((count, 64 * channels, height // 8, width // 8))
    for image, channel, row, column in np.ndindex(count, channels, height // 8, width // 8):
        block = images[image, channel, 8 * row : 8 * row + 8, 8 * column : 8 * column + 8].double().numpy()
        logarithms = 20 * np.log(np.abs(walsh @ block @ walsh.T) + 1)
        found[image, 64 * channel : 64 * channel + 64, row, column] = logarithms.ravel()
    return torch.from_numpy(found)


def slow_logits(image, weights):
    """The published forward pass, operation by operation."""

    def norm(maps, name):
        names = ("running_mean", "running_var", "weight", "bias")
        return functional.batch_norm(maps, *(weights[f"{name}.{part}"] for part in names))

    def conv(maps, name):
        return functional.conv2d(maps, weights[f"{name}.weight"])

    view = transforms.Compose([transforms.CenterCrop(224), transforms.ToTensor(), transforms.Normalize(*IMAGENET)])
    maps = slow_spectrum(view(PillowImage.fromarray(image).convert("YCbCr"))[None]).float()
    maps = norm(conv(maps, "conv1"), "bn1").relu()
    for layer, blocks in ((1, 3), (2, 4)):
        for block in range(blocks):
            name = f"layer{layer}.{block}"
            inner = norm(conv(maps, f"{name}.conv1"), f"{name}.bn1").relu()
            inner = norm(conv(inner, f"{name}.conv2"), f"{name}.bn2").relu()
            inner = norm(conv(inner, f"{name}.conv3"), f"{name}.bn3")
            gate = conv(
                conv(inner.mean((2, 3), keepdim=True), f"{name}.se.conv.0").relu(), f"{name}.se.conv.2"
            ).sigmoid()
            if block == 0:
                maps = norm(conv(maps, f"{name}.downsample.0"), f"{name}.downsample.1")
            maps = (inner * gate + maps).relu()
    return functional.linear(maps.mean((2, 3)), weights["fc1.weight"], weights["fc1.bias"])


def test_the_matrix_is_walshs():
    walsh = walsh_matrix()
    assert (walsh @ walsh.T).allclose(torch.eye(8), atol=1e-6)
    assert ((walsh[:, 1:] * walsh[:, :-1]) < 0).sum(1).tolist() == list(range(8))  # changes of sign


@pytest.mark.parametrize(("height", "width"), [(8, 8), (24, 16), (31, 9)])
def test_the_spectrum_is_that_of_blocks(height, width):
    images = torch.randn(2, 3, height, width, generator=torch.Generator().manual_seed(1))
    assert block_spectrum(images).double().allclose(slow_spectrum(images), atol=1e-4)


def test_a_checkpoint_scores_as_the_published_code(tmp_path):
    weights = uneven(random_init(AotPixelNet, 0))
    torch.save({f"resnet.{name}": tensor for name, tensor in weights.items()}, tmp_path / "net.pth")
    detector = PAPER.load(tmp_path / "net.pth", Runtime())
    images = [texture("large", 300, 280), texture("small", 100, 300)]
    scores = detector.score([detector.prepare(sample(image)) for image in images])
    expected = torch.cat([slow_logits(image, weights) for image in images]).softmax(1)[:, 1]
    assert scores == pytest.approx(expected.numpy(), abs=1e-5)
    assert np.ptp(scores) > 1e-4


def test_the_network_has_the_tensors_of_the_published_file():
    weights = AotPixelNet().state_dict()
    assert (len(weights), sum(tensor.numel() for tensor in weights.values())) == PUBLISHED_FILE


def test_the_view_pads_in_ycbcr():
    """Zeros in all three channels, which are no black: as published."""
    seen = PAPER_VIEW.test(texture("small", 100, 300))
    assert seen.shape == (224, 224, 3)
    assert not seen[:62].any()
    whole = np.asarray(PillowImage.fromarray(texture("small", 100, 300)).convert("YCbCr"))
    assert (seen[62:162] == whole[:, 38:262]).all()


def test_training_crops_are_turned_mirrored_and_erased():
    pixels = texture("a", 240, 250)
    plain = YCbCrCrops(crop=224, test_crop=224, pad=True, degrees=0, erase=0)
    crops = [plain.training(pixels, np.random.default_rng(seed)) for seed in range(6)]
    whole = np.asarray(PillowImage.fromarray(pixels).convert("YCbCr"))
    windows = [whole[top : top + 224, left : left + 224] for top in range(17) for left in range(27)]
    for crop in crops:
        assert any((crop == window).all() or (crop[:, ::-1] == window).all() for window in windows)
    erased = [PAPER_VIEW.training(pixels, np.random.default_rng(seed)) for seed in range(20)]
    shares = [(crop == 0).all(2).mean() for crop in erased]
    assert sum(0.2 < share < 0.7 for share in shares) in range(5, 16)
    assert all(crop.shape == (224, 224, 3) for crop in erased)
    assert PAPER_VIEW.training(texture("tiny", 30, 40), np.random.default_rng(0)).shape == (224, 224, 3)


def test_a_trace_of_upsampling_is_learnt():
    train = ToyTrainSet(48)
    detector = SMALL.fit(train, 0, Runtime())
    scores = detector.score([detector.prepare(train[index]) for index in range(48)])
    assert ((scores > 0.5) == train.labels).mean() > 0.9
