"""Numbers of charts: nothing but faultless is said to be so."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.charts.numbers import MISSING, correlation_text, percent_text, share_text, step_of

INSIDE = st.floats(0, 1, exclude_min=True, exclude_max=True)


@pytest.mark.parametrize(
    ("share", "text"),
    [
        *[(0.0, "0"), (1.0, "100"), (0.5, "50"), (0.995, "99.5"), (0.9999, ">99.9"), (0.004, "0.4"), (1e-9, "<0.1")],
        *[(0.9995, ">99.9"), (0.99949, "99.9"), (0.00049, "<0.1"), (0.00051, "0.1"), (math.nan, MISSING)],
    ],
)
def test_shares_as_percent(share, text):
    assert percent_text(share) == text


@given(INSIDE)
def test_only_all_is_100_and_only_nothing_is_0(share):
    text = percent_text(share)
    assert text not in {"0", "100", "0.0", "100.0"}
    bound = float(text.lstrip("<>"))
    assert text.startswith("<") == (100 * share < 0.05 + 1e-9) or text == "0.1"
    assert abs(bound - 100 * share) <= (0.5 if "." not in text else 0.1) + 1e-9


@given(INSIDE)
def test_the_colours_of_all_and_of_nothing_are_left_to_them(share):
    assert 1 <= step_of(share) <= 99
    assert abs(step_of(share) - 100 * share) <= 1
    assert (step_of(0.0), step_of(1.0), step_of(math.nan)) == (0, 100, None)


@given(st.lists(INSIDE, min_size=2, max_size=2))
def test_a_higher_share_has_no_lower_step(shares):
    low, high = sorted(shares)
    assert step_of(low) <= step_of(high)


@pytest.mark.parametrize(
    ("value", "text"), [(0.5, ".50"), (-0.5, "-.50"), (1.0, "1"), (-1.0, "-1"), (math.nan, MISSING)]
)
def test_correlations_have_two_decimals(value, text):
    assert correlation_text(value) == text


@given(st.floats(-1, 1, exclude_min=True, exclude_max=True))
def test_no_correlation_but_1_is_said_to_be_1(value):
    text = correlation_text(value)
    assert text not in {"1", "-1", "1.00", "-1.00", "-.00"}
    assert abs(float(text.lstrip("<>")) - value) <= 0.0101


@pytest.mark.parametrize("share", [0.575, 0.625, 0.285, 0.145])
def test_equal_shares_are_said_alike_whatever_the_order_of_their_sums(share):
    assert percent_text(share) == percent_text(share + 1e-15) == percent_text(share - 1e-15)


@pytest.mark.parametrize(
    ("share", "text"),
    [
        *[(0.0, "0.0 %"), (1.0, "100.0 %"), (0.875, "87.5 %"), (0.9994, "99.9 %"), (0.0005, "0.1 %")],
        *[(0.9995, ">99.9 %"), (0.99999, ">99.9 %"), (0.0004, "<0.1 %"), (math.nan, MISSING)],
    ],
)
def test_shares_have_one_decimal_and_are_faultless_only_where_they_are(share, text):
    assert share_text(share) == text


@given(INSIDE)
def test_no_share_between_is_said_to_be_all_or_none(share):
    assert share_text(share) not in {"100.0 %", "0.0 %"}
