"""F3Net's networks: names and shapes of both ports, their bands, and their transforms against slow ones."""

import numpy as np
import pytest
import torch
from scipy.fft import dctn, idctn

from detectors.architectures import f3net
from detectors.architectures.support.initial_weights import on_meta_device
from detectors.networks.f3net import F3Net, F3NetGenImage
from tests.support.arrays import near

SUMS = np.add.outer(np.arange(299), np.arange(299))


@pytest.fixture(scope="module")
def personal():
    """The personal port's network, seeded."""
    torch.manual_seed(0)
    return f3net.F3NetFad()


@pytest.fixture(scope="module")
def genimage():
    """The network of GenImage's port, seeded."""
    torch.manual_seed(0)
    return f3net.TwoBranchF3Net()


def normalised(name, width, after=""):
    parts = ("weight", "bias", "running_mean", "running_var")
    return {f"{name}.{part}{after}": (width,) for part in parts} | {f"{name}.num_batches_tracked": ()}


def separable(name, before, after):
    return {f"{name}.conv1.weight": (before, 1, 3, 3), f"{name}.pointwise.weight": (after, before, 1, 1)}


def xception(channels):
    """Names and shapes of Xception's convolutions, as its first PyTorch port has them."""
    table = {"conv1.weight": (32, channels, 3, 3), "conv2.weight": (64, 32, 3, 3)}
    for name, width in (("bn1", 32), ("bn2", 64), ("bn3", 1536), ("bn4", 2048)):
        table |= normalised(name, width)
    table |= separable("conv3", 1024, 1536) | separable("conv4", 1536, 2048)
    # without a first ReLU in block 1, places in `rep` begin at 0 there
    blocks = {1: ((0, 64, 128), (3, 128, 128)), 2: ((1, 128, 256), (4, 256, 256)), 3: ((1, 256, 728), (4, 728, 728))}
    blocks |= {number: tuple((place, 728, 728) for place in (1, 4, 7)) for number in range(4, 12)}
    blocks[12] = ((1, 728, 728), (4, 728, 1024))
    for number, units in blocks.items():
        for place, before, after in units:
            table |= separable(f"block{number}.rep.{place}", before, after)
            table |= normalised(f"block{number}.rep.{place + 1}", after)
        if number in {1, 2, 3, 12}:
            before, after = units[0][1], units[-1][2]
            table[f"block{number}.skip.weight"] = (after, before, 1, 1)
            table |= normalised(f"block{number}.skipbn", after)
    return table


def under(name, table):
    return {f"{name}.{key}": shape for key, shape in table.items()}


def head(name, matrix, size, filters, per_filter):
    table = {f"{name}.{matrix}": (size, size), f"{name}.{matrix}_T": (size, size)}
    return table | {
        f"{name}.filters.{number}.{part}": () if part == "ft_num" else (size, size)
        for number in range(filters)
        for part in per_filter
    }


def mix_block(width):
    table = {}
    for branch in ("FAD", "LFS"):
        for part in ("query", "key"):
            table |= {f"{branch}_{part}.weight": (width, width, 1, 1), f"{branch}_{part}.bias": (width,)}
        table |= {f"{branch}_conv.weight": (width, 1, 1, 1), f"{branch}_conv.bias": (width,), f"{branch}_gamma": (1,)}
        table |= normalised(f"{branch}_bn", width)
    return table


def shapes(network):
    return {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}


def test_structure_of_the_personal_port(personal):
    table = head("FAD_head", "_DCT_all", 299, 4, ("base", "learnable")) | under("FAD_xcep", xception(12))
    table |= {"FAD_xcep.fc.weight": (1, 2048), "FAD_xcep.fc.bias": (1,), "fc.weight": (1, 2048), "fc.bias": (1,)}
    assert shapes(personal) == table
    # Xception without its last layer has 20,806,952 weights for three channels
    expected = 20_806_952 + 9 * 32 * 9 + 4 * 299**2 + 2 * 2049
    assert sum(one.numel() for one in personal.parameters()) == F3Net.variants["paper"].size.parameters == expected


def test_structure_of_genimages_port(genimage):
    table = head("fad_head", "_DCT_all", 299, 4, ("base", "learnable"))
    table |= head("lfs_head", "_DCT_patch", 10, 6, ("base", "learnable", "ft_num"))
    table |= under("fad_excep", xception(12)) | under("lfs_excep", xception(6))
    table |= under("mix_block7", mix_block(728)) | under("mix_block12", mix_block(1024))
    assert shapes(genimage) == table | {"fc.weight": (2, 4096), "fc.bias": (2,)}
    assert genimage.lfs_excep.conv1.stride == (1, 1)
    assert sum(one.numel() for one in genimage.parameters()) == F3NetGenImage.variants["paper"].size.parameters


@pytest.mark.parametrize("make", [f3net.SmallFadNet, f3net.SmallTwoBranchNet])
def test_only_what_is_learnt_is_trained(make):
    names = [name for name, _ in on_meta_device(make).named_parameters()]
    assert any(name.endswith("learnable") for name in names)
    assert not any("DCT" in name or name.endswith(("base", "ft_num")) for name in names)


@pytest.mark.parametrize("size", [10, 64, 299])
def test_the_matrix_is_scipys_transform(size):
    image = np.random.default_rng(size).uniform(-1, 1, (size, size))
    matrix = f3net.float32_dct_matrix(size).double().numpy()
    assert near(matrix @ image @ matrix.T, dctn(image, norm="ortho"), 1e-4)
    assert near(matrix @ matrix.T, np.eye(size), 1e-5)


def test_bands_of_the_personal_port_share_their_borders(personal):
    low, middle, high, everything = (one.base.numpy() for one in personal.FAD_head.filters)
    held = low + middle + high
    assert np.array_equal(low, SUMS <= 106)
    assert np.array_equal(held == 2, (SUMS == 106) | (SUMS == 149))
    assert np.array_equal(held == 1, (SUMS != 106) & (SUMS != 149))
    assert everything.all()


def test_bands_of_genimages_port_leave_out_the_mean_and_a_corner(genimage):
    low, middle, high, everything = (one.base.numpy() for one in genimage.fad_head.filters)
    held = low + middle + high
    assert np.array_equal(low, (SUMS > 0) & (SUMS <= 18))
    assert np.array_equal(middle, (SUMS > 18) & (SUMS <= 37))
    assert np.array_equal(held == 0, (SUMS == 0) | (SUMS > 299))
    assert held.max() == 1
    assert np.array_equal(everything, SUMS > 0)
    local = [one.base.numpy() for one in genimage.lfs_head.filters]
    assert [one.sum() for one in local] == [9, 18, 36, 21, 12, 3]  # all of a window but its mean
    assert [float(one.ft_num) for one in genimage.lfs_head.filters] == [9, 18, 36, 21, 12, 3]


def learnt(one):
    return one.base.double().numpy() + 2 / (1 + np.exp(-one.learnable.detach().double().numpy())) - 1


def test_the_decomposition_is_filtered_scipy():
    torch.manual_seed(0)
    fad, images = f3net.fad_closed(64), torch.rand(2, 3, 64, 64) * 2 - 1
    with torch.inference_mode():
        found = fad(images).numpy()
    spectrum = dctn(images.double().numpy(), axes=(2, 3), norm="ortho")
    expected = [idctn(spectrum * learnt(one), axes=(2, 3), norm="ortho") for one in fad.filters]
    assert near(found, np.concatenate(expected, 1), 1e-4)


def test_statistics_are_those_of_every_window():
    torch.manual_seed(0)
    lfs, images = f3net.LfsHead(), torch.rand(2, 3, 32, 36) * 2 - 1
    with torch.inference_mode():
        found = lfs(images).numpy()
    assert found.shape == (2, 6, 16, 18)
    red, green, blue = images.double().numpy().transpose(1, 0, 2, 3)
    grey = (0.299 * red + 0.587 * green + 0.114 * blue + 1) * 122.5
    padded = np.pad(grey, ((0, 0), (4, 4), (4, 4)))
    for row in range(16):
        for column in range(18):
            windows = padded[:, 2 * row : 2 * row + 10, 2 * column : 2 * column + 10]
            strengths = np.log10(np.abs(dctn(windows, axes=(1, 2), norm="ortho")) + 1e-15)
            for number, one in enumerate(lfs.filters):
                expected = (strengths * learnt(one)).sum((1, 2)) / one.base.numpy().sum()
                assert found[:, number, row, column] == pytest.approx(expected, abs=2e-3)


def test_statistics_of_flat_images_do_not_depend_on_the_batch():
    torch.manual_seed(0)
    lfs = f3net.LfsHead()
    flat = torch.full((5, 3, 64, 64), 0.3)
    flat[1:, :, :20] = 0.77
    with torch.inference_mode():
        assert torch.equal(lfs(flat), torch.cat([lfs(one[None]) for one in flat]))


def test_mixing_is_attention_between_rows():
    torch.manual_seed(0)
    mix = f3net.MixBlock(4).eval()
    mix.FAD_gamma.data.fill_(0.7)
    mix.LFS_gamma.data.fill_(-0.4)
    bands, statistics = torch.randn(2, 4, 5, 5), torch.randn(2, 4, 5, 5)
    with torch.inference_mode():
        found = mix(bands, statistics)
        queries, keys = (
            [getattr(mix, f"{branch}_{part}")(maps) for branch, maps in (("FAD", bands), ("LFS", statistics))]
            for part in ("query", "key")
        )
        energy = sum(torch.einsum("ncih,ncjh->ncij", *pair) for pair in zip(queries, keys, strict=True))
        alike = energy.softmax(-1)
        expected = (
            bands + mix.FAD_bn(mix.FAD_conv(statistics * alike * np.tanh(-0.2))),  # 2 sigmoid(x) - 1 = tanh(x / 2)
            statistics + mix.LFS_bn(mix.LFS_conv(bands * alike * np.tanh(0.35))),
        )
    assert all(torch.allclose(one, other, atol=1e-5) for one, other in zip(found, expected, strict=True))
    assert not torch.allclose(found[0], bands, atol=1e-3)


def test_squares_are_taken_one_by_one():
    torch.manual_seed(0)
    network, image = f3net.SmallFadNet().eval(), torch.rand(1, 3, 64, 128) * 2 - 1
    with torch.inference_mode():
        halves = network(image[..., :64]), network(image[..., 64:])
        assert torch.allclose(network(image), sum(halves) / 2, atol=1e-5)
