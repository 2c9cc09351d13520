"""Crops, borders, rotation and flips: which pixel comes from where."""

import cv2
import numpy as np
import pytest

from detectors.checks import sample
from detectors.types import Facts
from protocols.degradations import UnknownDegradation, parse_degradation
from protocols.degradations.catalogue import BUILT_IN
from tests.support.pictures import photograph

PICTURE = photograph("geometry", 61, 90)


def test_a_share_of_the_centre_is_kept_as_it_is():
    degraded = parse_degradation("crop_share:0.8")(sample(PICTURE))
    assert (degraded.pixels == PICTURE[6:55, 9:81]).all()  # 49 of 61 rows, one more of the rest at the bottom
    assert degraded.facts == Facts("RAW", 72, 49, 72 * 49 * 3)
    assert parse_degradation("crop_share:1")(sample(PICTURE)).pixels.shape == PICTURE.shape


def test_a_share_of_the_centre_is_scaled_back_where_a_filter_is_named():
    degraded = parse_degradation("crop_share:0.8:bicubic")(sample(PICTURE))
    by_hand = parse_degradation(f"scale:{90 / 72}:bicubic")(sample(PICTURE[6:55, 9:81])).pixels
    assert by_hand.shape == PICTURE.shape
    assert (degraded.pixels == by_hand).all()


@pytest.mark.parametrize(
    ("fill", "border"),
    [
        ("black", cv2.BORDER_CONSTANT),
        ("white", cv2.BORDER_CONSTANT),
        ("edge", cv2.BORDER_REPLICATE),
        ("mirror", cv2.BORDER_REFLECT),
    ],
)
def test_borders_are_those_of_opencv(fill, border):
    level = (255,) * 3 if fill == "white" else (0,) * 3
    expected = cv2.copyMakeBorder(PICTURE, 15, 15, 22, 22, border, value=level)  # 15.25 and 22.5: halves to even
    degraded = parse_degradation(f"pad:0.25:{fill}")(sample(PICTURE))
    assert (degraded.pixels == expected).all()
    assert (degraded.facts.width, degraded.facts.height) == (134, 91)


def bicubic(x):
    """The cubic convolution kernel with the coefficient -1; Pillow's resizing has -0.5."""
    near, far = np.abs(x) ** 3 - 2 * x**2 + 1, -(np.abs(x) ** 3) + 5 * x**2 - 8 * np.abs(x) + 4
    return np.where(np.abs(x) < 1, near, np.where(np.abs(x) < 2, far, 0))


@pytest.mark.parametrize("degrees", [-7.5, 1, 10, 45])
def test_rotation_interpolates_between_sixteen_pixels(degrees):
    height, width = PICTURE.shape[:2]
    rows, columns = np.mgrid[:height, :width] + 0.5
    down, right = rows - height / 2, columns - width / 2
    cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    from_row, from_column = height / 2 + sin * right + cos * down, width / 2 + cos * right - sin * down
    expected = np.zeros(PICTURE.shape)
    for row_step in range(-1, 3):
        for column_step in range(-1, 3):
            row, column = (np.floor(at - 0.5).astype(int) for at in (from_row, from_column))
            row, column = row + row_step, column + column_step
            weight = bicubic(from_row - 0.5 - row) * bicubic(from_column - 0.5 - column)
            expected += weight[..., None] * PICTURE[row.clip(0, height - 1), column.clip(0, width - 1)]
    outside = (from_row < 0) | (from_row >= height) | (from_column < 0) | (from_column >= width)
    expected[outside] = 0
    found = parse_degradation(f"rotate:{degrees}")(sample(PICTURE)).pixels
    assert found.shape == PICTURE.shape
    assert np.abs(found - np.clip(expected, 0, 255)).max() <= 1
    assert outside.any()


def test_a_rotation_by_nothing_changes_nothing_and_is_written_in_one_way():
    assert (parse_degradation("rotate:0")(sample(PICTURE)).pixels == PICTURE).all()
    assert parse_degradation("rotate:-0.0").name == "rotate:0"
    assert parse_degradation("rotate:-5.0").name == "rotate:-5"
    with pytest.raises(UnknownDegradation, match="rotate is written rotate:N"):
        parse_degradation("rotate:46")


def test_flips_exchange_left_and_right_or_top_and_bottom():
    assert (parse_degradation("flip:horizontal")(sample(PICTURE)).pixels == cv2.flip(PICTURE, 1)).all()
    assert (parse_degradation("flip:vertical")(sample(PICTURE)).pixels == cv2.flip(PICTURE, 0)).all()


def test_severities_keep_less_and_less_of_the_image():
    large = photograph("large", 300, 400)
    for kind in ("crop", "crop_share"):
        kept = [parse_degradation(f"{kind}:{text}")(sample(large)).pixels.size for text in BUILT_IN[kind].severities]
        assert kept == sorted(set(kept), reverse=True)
    white = sample(np.full_like(large, 255))
    for kind in ("pad", "rotate"):
        degraded = [parse_degradation(f"{kind}:{text}")(white).pixels for text in BUILT_IN[kind].severities]
        covered = [np.mean(pixels == 0) for pixels in degraded]
        assert covered == sorted(set(covered))
        assert covered[0] > 0
