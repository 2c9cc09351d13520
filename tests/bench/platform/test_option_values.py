"""Options of a detector, read as its fields declare them."""

import pytest

from bench.platform.errors import InputError
from bench.platform.option_values import parse_options as checked
from detectors.handcrafted.hog_svm import HogSvm
from detectors.networks.cnnspot import CnnSpot


@pytest.mark.parametrize(
    ("recipe", "options", "words"),
    [
        (HogSvm, {"size": 3}, "d: option 'size' is not known; there are input"),
        (CnnSpot, {"tun": "top"}, "d: option 'tun' is not known; did you mean tune?"),
        (CnnSpot, {"tune": 3}, "d: option tune cannot be 3 ("),
        (CnnSpot, {"setting": "paper"}, "d: option 'setting' is not known"),
    ],
)
def test_what_a_detector_does_not_take_is_one_clear_line(recipe, options, words):
    with pytest.raises(InputError) as raised:
        checked(recipe, options, "d")
    assert words in str(raised.value)


def test_options_of_a_detector_are_of_its_types_and_change_its_key():
    options = checked(CnnSpot, {"tune": "staged", "curriculum": ["a", "b"]}, "cnnspot")
    assert options == {"tune": "staged", "curriculum": ("a", "b")}
    assert CnnSpot("small", **options).key != CnnSpot("small").key
