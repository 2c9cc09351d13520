"""How the texts of options are read."""

import pytest

from bench.command import options
from bench.images.decoding.structure import MAX_PIXELS
from bench.platform.errors import InputError


@pytest.mark.parametrize(
    ("text", "count"), [("200M", 200_000_000), ("108m", 108_000_000), ("5000", 5000), (str(MAX_PIXELS), 2**26)]
)
def test_a_number_of_pixels_may_be_in_millions(text, count):
    assert options.pixel_count(text) == count


@pytest.mark.parametrize("text", ["", "M", "0", "-1", "1.5M", "2**26", "200MP", "1074M", "٣M"])
def test_what_is_no_number_of_pixels_is_refused_with_what_to_type(text):
    with pytest.raises(InputError, match="is no number of pixels from 1 to 1073741824; give 200M or 200000000"):
        options.pixel_count(text)
