"""Captions and stickers: what is covered, and that nothing else is."""

import numpy as np
import pytest

from detectors.checks import sample
from protocols.degradations import parse_degradation
from protocols.degradations.catalogue import BUILT_IN
from tests.support.pictures import photograph

PICTURE = photograph("overlays", 90, 148)
COLOURS = {(230, 30, 40), (250, 210, 20), (20, 160, 70), (30, 80, 220)}


def box(changed):
    """The rows and columns of the smallest rectangle around what changed."""
    rows, columns = np.flatnonzero(changed.any(1)), np.flatnonzero(changed.any(0))
    return rows[0], rows[-1] + 1, columns[0], columns[-1] + 1


def test_a_caption_is_white_on_black_in_the_middle_of_the_lower_edge():
    grey = np.full((90, 148, 3), 120, np.uint8)
    found = parse_degradation("text:0.5")(sample(grey)).pixels
    top, bottom, left, right = box((found != 120).any(-1))
    assert (right - left, bottom - top) == (74, 18)  # cells of 2x2 pixels
    assert (left, bottom) == (37, 90 - 9)
    cells = found[top:bottom:2, left:right:2, 0]
    assert (found[top:bottom, left:right] == cells.repeat(2, 0).repeat(2, 1)[..., None]).all()
    assert set(np.unique(cells)) == {0, 255}
    first = ["".join("#" if level else "." for level in row) for row in cells[1:8, 1:6]]
    assert first == [".###.", "#....", "#....", ".###.", "....#", "....#", ".###."]  # the letter S


def test_a_sticker_covers_its_share_with_four_colours_and_leaves_the_rest():
    found = parse_degradation("sticker:0.25")(sample(PICTURE)).pixels
    top, bottom, left, right = box((found != PICTURE).any(-1))
    assert (bottom - top, right - left) == (45, 74)
    part = found[top:bottom, left:right]
    assert {tuple(colour) for colour in part.reshape(-1, 3)} == COLOURS
    assert (parse_degradation("sticker:1")(sample(PICTURE)).pixels[0, 0] == (230, 30, 40)).all()


def test_a_sticker_lies_where_the_content_says():
    corners = set()
    for index in range(20):
        picture = photograph(f"place {index}", 90, 148)
        first, again = (parse_degradation("sticker:0.1")(sample(picture.copy())).pixels for _ in range(2))
        assert (first == again).all()
        top, _, left, _ = box((first != picture).any(-1))
        corners.add((top, left))
    rows, columns = zip(*corners, strict=True)
    assert len(corners) > 15
    assert max(rows) - min(rows) > 30
    assert max(columns) - min(columns) > 50


@pytest.mark.parametrize("kind", ["text", "sticker"])
def test_severities_cover_more_and_more(kind):
    degraded = [parse_degradation(f"{kind}:{one}")(sample(PICTURE)).pixels for one in BUILT_IN[kind].severities]
    covered = [(pixels != PICTURE).any(-1).mean() for pixels in degraded]
    assert covered == sorted(set(covered))
    assert covered[0] > 0


@pytest.mark.parametrize("size", [(1, 1), (2, 50), (50, 2)])
def test_something_of_the_smallest_image_is_covered_and_nothing_is_beside_it(size):
    for text in ("text:0.001", "text:1", "sticker:0.001", "sticker:1"):
        degraded = parse_degradation(text)(sample(photograph("small", *size)))
        assert degraded.pixels.shape == (*size, 3)
