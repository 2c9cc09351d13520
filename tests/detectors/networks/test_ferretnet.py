"""FerretNet: the published network in both sizes, the exact median, and the published view of images."""

import numpy as np
import pytest
import torch
from PIL import Image as PillowImage
from torch.nn import functional
from torchvision import transforms

from detectors.api import Runtime
from detectors.architectures.ferretnet import FerretNet, local_median_residual, pixel_median_residual
from detectors.architectures.support.forward_pass import normalised
from detectors.architectures.support.initial_weights import random_init
from detectors.checks import ToyTrainSet, sample, texture
from detectors.networks.ferretnet import FerretNetRecipe
from detectors.weight_file import WrongWeights
from tests.support.networks import uneven

PUBLISHED_FILE = 89, 128_317  # tensors and values of ferretnet-s-median-3.pth, counters of batches included
PAPER, SMALL = FerretNetRecipe("paper"), FerretNetRecipe("small")
CLIP = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)


def slow_residual(images):
    """With torch's own median, which takes the lower middle of nine values."""
    patches = functional.unfold(images, 3, padding=1).view(*images.shape[:2], 9, *images.shape[2:])
    patches[:, :, 4] = 0
    return images - patches.median(2).values


def slow_logit(image, weights):
    """The published forward pass, operation by operation."""

    def norm(maps, name):
        names = ("running_mean", "running_var", "weight", "bias")
        return functional.batch_norm(maps, *(weights[f"{name}.{part}"] for part in names))

    def conv(maps, name, stride=1, dilation=1, groups=1):
        kernel = weights[f"{name}.weight"]
        padding = dilation * (kernel.shape[2] // 2)
        return functional.conv2d(maps, kernel, weights.get(f"{name}.bias"), stride, padding, dilation, groups)

    shown = transforms.Compose([transforms.CenterCrop(256), transforms.ToTensor(), transforms.Normalize(*CLIP)])
    maps = slow_residual(shown(PillowImage.fromarray(image))[None])
    maps = norm(conv(maps, "cbr1.0"), "cbr1.1").relu()
    maps = norm(conv(maps, "cbr2.0", stride=2), "cbr2.1").relu()
    for stage in range(2):
        for block in range(2):
            name, stride, groups = f"feature.{stage}.{block}", 2 - block, maps.shape[1]
            first = conv(maps, f"{name}.layers.0.conv1", stride, 1, groups)
            second = conv(maps, f"{name}.layers.0.conv2", stride, 2, groups)
            inner = norm(conv(first + second, f"{name}.layers.0.conv3"), f"{name}.layers.1").relu()
            inner = conv(inner, f"{name}.layers.3.depth_wise", groups=inner.shape[1])
            inner = norm(conv(inner, f"{name}.layers.3.point_wise"), f"{name}.layers.4")
            if block == 0:
                maps = norm(conv(maps, f"{name}.shortcut.0", stride), f"{name}.shortcut.1")
            maps = (inner + maps).relu()
    vector = conv(maps, "feature.2").mean((2, 3))
    return functional.linear(vector, weights["logit.1.weight"], weights["logit.1.bias"]).item()


@pytest.mark.parametrize(("height", "width"), [(1, 1), (2, 5), (16, 16), (33, 20)])
def test_the_median_has_the_bits_of_torch(height, width):
    images = torch.randn(2, 3, height, width, generator=torch.Generator().manual_seed(height))
    images[0, 0] = images[0, 0].round()  # equal values
    assert torch.equal(local_median_residual(images), slow_residual(images))


def test_the_median_keeps_its_precision_where_convolutions_lose_theirs():
    images = torch.randn(1, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(local_median_residual(images), slow_residual(images))


@pytest.mark.parametrize(("height", "width"), [(3, 3), (16, 9), (40, 33)])
def test_the_median_of_bytes_is_that_of_normalised_pixels(height, width):
    pixels = torch.randint(0, 256, (3, height, width, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    pixels[1] //= 64  # equal values
    pixels[2] = 255
    expected = slow_residual(normalised(pixels, *CLIP))
    assert torch.equal(pixel_median_residual(pixels, *CLIP), expected)


def test_the_form_for_scoring_is_the_same_function():
    network = FerretNet()
    network.load_state_dict(uneven(random_init(FerretNet, 0)), strict=False)
    images = torch.randn(2, 3, 64, 48, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        assert network.eval().fused()(images).allclose(network(images), rtol=1e-4, atol=1e-4)


def test_making_the_form_for_scoring_draws_nothing():
    network = FerretNet().eval()
    before = torch.get_rng_state()
    fused = network.fused()
    assert torch.equal(torch.get_rng_state(), before)
    assert all(parameter.device.type == "cpu" for parameter in fused.parameters())


@pytest.mark.parametrize("share", [0.5, 0.8, 1])
def test_channels_that_are_always_zero_are_left_out_without_a_trace(share):
    network, rng = FerretNet(), torch.Generator().manual_seed(0)
    network.load_state_dict(uneven(random_init(FerretNet, 0)), strict=False)
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            dead = torch.rand(module.num_features, generator=rng) < share
            module.running_mean[:] = torch.randn(module.num_features, generator=rng) / 10
            module.weight.data[dead] = 0  # the bias alone is left: of either sign, or none
            module.bias.data = torch.randint(-1, 2, dead.shape, generator=rng) / 10
        elif isinstance(module, torch.nn.Conv2d):
            module.weight.data *= 3  # random weights hardly tell one image from another
            module.weight.data[torch.rand(len(module.weight), generator=rng) < share / 2] = 0
    fused = network.eval().fused()
    images = torch.randn(2, 3, 64, 48, generator=rng)
    with torch.inference_mode():
        expected = network(images)
        assert fused(images).allclose(expected, rtol=1e-4, atol=1e-5)
    assert share == 1 or (expected[0] - expected[1]).abs() > 1e-3
    values = [sum(parameter.numel() for parameter in one.parameters()) for one in (fused, network)]
    assert values[0] < 0.6 * values[1]


@pytest.mark.parametrize(("size", "channels"), [("S", 32), ("B", 96)])
def test_a_checkpoint_of_either_size_scores_as_the_published_code(tmp_path, size, channels):
    weights = uneven(random_init(lambda: FerretNet(channels), 0))
    weights["logit.1.weight"] *= 1000  # random weights hardly tell one image from another
    weights["logit.1.bias"] += -slow_logit(texture("large", 300, 280), weights)
    torch.save({"model": weights}, tmp_path / "net.pth")
    detector = PAPER.load(tmp_path / "net.pth", Runtime())
    images = [texture("large", 300, 280), texture("small", 100, 300)]
    scores = detector.score([detector.prepare(sample(image)) for image in images])
    expected = torch.tensor([slow_logit(image, weights) for image in images]).sigmoid()
    assert torch.from_numpy(scores).allclose(expected, atol=1e-3)
    assert np.ptp(scores) > 5e-3
    again = PAPER.restore(detector.state(), Runtime())
    assert (again.score([again.prepare(sample(image)) for image in images]) == scores).all()


def test_a_chosen_size_takes_no_other(tmp_path):
    torch.save(random_init(lambda: FerretNet(96), 0), tmp_path / "b.pth")
    with pytest.raises(WrongWeights, match=r"cbr1\.0\.weight is \(48, 3, 3, 3\), not \(16, 3, 3, 3\)"):
        FerretNetRecipe("paper", size="S").load(tmp_path / "b.pth", Runtime())
    assert FerretNetRecipe("paper", size="B").network().cbr2[1].weight.shape == (96,)


def test_the_network_has_the_tensors_of_the_published_file():
    weights = FerretNet().state_dict()
    assert (len(weights), sum(tensor.numel() for tensor in weights.values())) == PUBLISHED_FILE


@pytest.mark.slow
def test_a_trace_of_upsampling_is_learnt():
    train = ToyTrainSet(48)
    detector = SMALL.fit(train, 0, Runtime())
    scores = detector.score([detector.prepare(train[index]) for index in range(48)])
    assert ((scores > 0.5) == train.labels).mean() > 0.9
