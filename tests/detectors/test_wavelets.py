import numpy as np
import pytest

from detectors.wavelets import LOW, analysis, deepest, halved, synthesis

SIZES = [1, 2, 7, 8, 9, 16, 29, 51, 67, 96, 128]


def daubechies():
    """The scaling filter with four vanishing moments, from its definition: roots of a polynomial, those inside."""
    ends = np.roots([20, 10, 4, 1])  # sum of binomial(3 + k, k) y**k, whose y is (2 - z - 1 / z) / 4
    inside = [root for y in ends for root in np.roots([1, 4 * y - 2, 1]) if abs(root) < 1]
    taps = np.real(np.poly([-1] * 4 + inside))
    return taps * np.sqrt(2) / taps.sum()


def mirrored(signal, place):
    """The value at a place of a signal that is mirrored at both ends, again and again."""
    place %= 2 * len(signal)
    return signal[place] if place < len(signal) else signal[2 * len(signal) - 1 - place]


def slow_transform(signal):
    """Averages and details, a product at a time."""
    high = [(-1) ** (tap + 1) * LOW[7 - tap] for tap in range(8)]
    return [
        sum(taps[tap] * mirrored(signal, 2 * index - 6 + tap) for tap in range(8))
        for taps in (LOW, high)
        for index in range((len(signal) + 7) // 2)
    ]


def test_the_filter_is_daubechies_own():
    np.testing.assert_allclose(LOW, daubechies(), atol=1e-11)


def test_shifts_of_the_filter_are_orthonormal():
    for shift in range(0, 8, 2):
        overlap = np.dot(LOW[shift:], LOW[: 8 - shift])
        assert overlap == pytest.approx(float(shift == 0), abs=1e-12)


@pytest.mark.parametrize("size", SIZES)
def test_equals_a_slow_convolution(size):
    signal = np.random.default_rng(size).normal(0, 1, size)
    np.testing.assert_allclose(analysis(size) @ signal, slow_transform(signal), atol=1e-12)


@pytest.mark.parametrize("size", SIZES)
def test_synthesis_gives_the_signal_back(size):
    signal = np.random.default_rng(size).normal(0, 1, size)
    back = synthesis(halved(size)) @ analysis(size) @ signal
    assert len(back) == size + size % 2
    np.testing.assert_allclose(back[:size], signal, atol=1e-12)


def test_a_cubic_has_no_details():
    places = np.linspace(-1, 1, 64)
    details = (analysis(64) @ (places**3 - places + 2))[halved(64) :]
    assert np.abs(details[4:-4]).max() < 1e-11
    assert np.abs((analysis(64) @ places**4)[halved(64) + 4]) > 1e-7


def test_levels_are_those_of_the_toolboxes():
    assert [deepest(size) for size in (1, 6, 7, 14, 96, 111, 112, 128, 256)] == [0, 0, 0, 1, 3, 3, 4, 4, 5]
