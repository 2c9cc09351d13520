"""The lossless coder: exact distributions, and a scheme that a decoder can follow."""

import numpy as np
import pytest
import torch
from scipy.stats import logistic

from detectors.architectures.lossless_coder import Coder, Mixture, cost, entropy, halve, round_means, to_mixtures


def mixtures(count=40, components=3, seed=0):
    """Narrow and broad ones, in the middle and beyond both ends."""
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(count, components, generator=generator)
    locations = (
        torch.rand(count, 1, generator=generator) * 300 - 20 + torch.randn(count, components, generator=generator)
    )
    log_scales = torch.rand(count, components, generator=generator) * 6 - 2.5
    return Mixture(torch.log_softmax(logits, 1), locations, log_scales)


def slow_shares(mixture):
    """The distributions over 0 to 255 in double precision, (N, 256)."""
    weights, locations, scales = (
        part.double().numpy() for part in (mixture.log_weights.exp(), mixture.locations, mixture.log_scales.exp())
    )
    edges = np.concatenate([[-np.inf], np.arange(255) + 0.5, [np.inf]])
    parts = [
        # above a location the difference is taken between upper tails, which do not round to 1
        np.where(
            edges[:-1] > location,
            logistic.sf(edges[:-1], location, scale) - logistic.sf(edges[1:], location, scale),
            logistic.cdf(edges[1:], location, scale) - logistic.cdf(edges[:-1], location, scale),
        )
        for location, scale in zip(locations.ravel(), scales.ravel(), strict=True)
    ]
    return (np.array(parts).reshape(*weights.shape, 256) * weights[..., None]).sum(1)


def test_costs_are_those_of_a_distribution_over_all_values():
    found = mixtures()
    values = torch.arange(256.0)[:, None].expand(-1, 40)
    bits = cost(Mixture(*(part.expand(256, -1, -1) for part in found)), values).double().numpy().T
    np.testing.assert_allclose((2.0**-bits).sum(1), 1, atol=1e-5)
    shares = slow_shares(found)
    likely = shares > 1e-12  # down to 40 bits, where a plain difference of sigmoids is 0 in float32
    np.testing.assert_allclose(bits[likely], -np.log2(shares[likely]), atol=2e-3, rtol=1e-4)
    assert np.isfinite(bits).all()


@pytest.mark.parametrize("seed", [0, 1])
def test_entropy_equals_a_slow_sum_over_all_values(seed):
    found = mixtures(600, seed=seed)
    shares = slow_shares(found)
    expected = -(shares * np.log2(np.maximum(shares, 1e-300))).sum(1)
    np.testing.assert_allclose(entropy(found).numpy(), expected, atol=4e-4)
    assert expected.min() < 0.5
    assert expected.max() > 7


def test_entropy_keeps_the_shape():
    found = mixtures(24)
    shaped = Mixture(*(part.view(2, 3, 4, 3) for part in found))
    torch.testing.assert_close(entropy(shaped), entropy(found).view(2, 3, 4))


def test_blocks_follow_from_what_is_coded():
    """Half the image in whole numbers, two bits, and three pixels of four give the image back, level by level."""
    pixels = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (2, 3, 16, 24))).float()
    for _ in range(3):
        parts = halve(pixels)
        smaller = round_means(parts.mean)
        assert torch.equal(smaller, smaller.round())
        assert 0 <= smaller.min() <= smaller.max() <= 255
        two_bits = parts.mean - smaller
        assert set(two_bits.unique().tolist()) <= {-0.25, 0.0, 0.25, 0.5}
        whole = torch.empty_like(pixels)
        whole[..., ::2, ::2], whole[..., ::2, 1::2], whole[..., 1::2, ::2] = parts.coded.unbind(1)
        whole[..., 1::2, 1::2] = 4 * (smaller + two_bits) - parts.coded.sum(1)
        assert torch.equal(whole, pixels)
        pixels = smaller


def learnt(levels=2, seed=0):
    """A coder whose heads depend on what they read."""
    network = Coder(levels, 8, 1, 2)
    generator = torch.Generator().manual_seed(seed)
    for parameter in network.parameters():
        parameter.data = torch.randn(parameter.shape, generator=generator) * 0.2
    return network.requires_grad_(requires_grad=False)


@pytest.mark.parametrize("level", [0, 1])
def test_a_pixel_is_predicted_from_what_a_decoder_has(level):
    """Changing a coded value, its block's sum kept, changes no distribution of it or of what was coded before."""
    network = learnt().levels[level]
    before = halve(torch.from_numpy(np.random.default_rng(0).integers(20, 200, (1, 3, 16, 16))).float())
    start = network(before)
    for pixel in range(3):
        for channel in range(3):
            coded = before.coded.clone()
            coded[0, pixel, channel, 4, 4] += 9
            after = network(before._replace(coded=coded))
            changed = (after.locations != start.locations)[0].flatten(2).any(2)
            order = [(p, c) for p in range(3) for c in range(3)]
            earlier = order[: 3 * pixel + channel + 1]
            later = order[3 * pixel + channel + 1 :]
            assert not any(changed[one] for one in earlier)
            assert all(changed[one] for one in later)


def test_channels_depend_on_those_coded_before():
    predicted = torch.zeros(1, 3, 4, 1, 1, 1)
    predicted[0, :, 1] = 0.25  # 4 grey levels
    predicted[0, :, 3, 0, 0, 0] = torch.tensor([0.5, 2.0, 3.0])
    found = to_mixtures(predicted, torch.full((1, 3, 1, 1), 100.0), torch.tensor([110.0, 95.0, 0.0]).view(1, 3, 1, 1))
    assert found.locations.flatten().tolist() == [104, 104 + 0.5 * 10, 104 + 2 * 10 - 3 * 5]
