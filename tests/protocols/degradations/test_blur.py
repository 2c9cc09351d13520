"""Median and sharpening against SciPy; the Gaussian blur is compared in `tests/protocols/test_degradations.py`."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter, median_filter

from detectors.checks import sample
from protocols.degradations import UnknownDegradation, parse_degradation
from tests.support.pictures import photograph

PICTURE = photograph("blur", 47, 66)


@pytest.mark.parametrize("size", [3, 5, 7, 11])
def test_the_median_is_scipys_of_each_channel_with_the_edge_repeated(size):
    expected = np.stack([median_filter(PICTURE[..., one], size, mode="nearest") for one in range(3)], axis=-1)
    assert (parse_degradation(f"median:{size}")(sample(PICTURE)).pixels == expected).all()


@pytest.mark.parametrize("size", ["4", "1", "13", "3.0"])
def test_a_median_over_another_square_is_refused(size):
    with pytest.raises(UnknownDegradation, match="median is written median:N"):
        parse_degradation(f"median:{size}")


@pytest.mark.parametrize("amount", [0.5, 3])
def test_sharpening_adds_the_difference_from_scipys_blur(amount):
    values = PICTURE.astype(float)
    blurred = np.stack([gaussian_filter(values[..., one], 1) for one in range(3)], axis=-1)
    expected = np.clip(np.rint(values + amount * (values - blurred)), 0, 255)
    found = parse_degradation(f"sharpen:{amount}")(sample(PICTURE)).pixels
    assert np.abs(found - expected).max() <= 1
    assert (found != expected).mean() < 0.01
