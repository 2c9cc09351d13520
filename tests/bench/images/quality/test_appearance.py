"""What is remembered of the pixels of an image: borders, colours, and a grid of luma that is fine near the edges."""

import io

import numpy as np
import pytest
from PIL import Image

from bench.images.quality.appearance import CELL_STARTS, CELLS, SMALL_SIDE, borders, colour_and_grid, shrink
from detectors.checks import texture


def look(pixels):
    (colour,), (grid,) = colour_and_grid(shrink(pixels)[None])
    return colour, grid.reshape(CELLS, CELLS)


def recoded(pixels, quality):
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=quality)
    return np.asarray(Image.open(buffer))


@pytest.mark.parametrize("quality", [30, 95])
def test_borders_are_named_by_colour_and_side_after_jpeg_too(quality):
    pixels = texture("borders", 96, 128).copy()
    assert borders(pixels) == ""
    pixels[:, :16] = pixels[:, -16:] = 255
    assert borders(recoded(pixels, quality)) == "white left, right"
    pixels[:16] = 0
    assert borders(recoded(pixels, quality)) in {"black top; white left, right", "black top"}
    assert borders(np.full((40, 40, 3), (200, 30, 30), np.uint8)) == "coloured top, bottom, left, right"


@pytest.mark.parametrize("shape", [(1, 1), (1, 70), (3, 2)])
def test_tiny_images_have_an_appearance(shape):
    pixels = texture("tiny", *shape)
    assert np.isfinite(look(pixels)[0]).all()
    assert isinstance(borders(pixels), str)


def test_colours_are_means_and_spreads_of_luma_and_of_two_differences():
    flat = np.full((60, 80, 3), (120, 100, 70), np.uint8)
    np.testing.assert_allclose(look(flat)[0], [103, 20, -30, 0, 0, 0], atol=0.6)


def test_a_mark_in_a_corner_fills_cells_of_the_grid():
    pixels = np.full((480, 480, 3), 100, np.uint8)
    pixels[-20:, -20:] = 255
    grid = look(pixels)[1]
    assert (grid[-2:, -2:] == 255).all()
    assert grid[:-2].max() == grid[:, :-2].max() == 100


def test_the_cells_cover_the_small_image():
    assert CELL_STARTS[0] == 0
    assert (np.diff([*CELL_STARTS, SMALL_SIDE]) > 0).all()


def test_an_image_looks_the_same_among_others():
    images = np.stack([shrink(texture(str(number), 60, 70 + number)) for number in range(5)])
    for image, colour, grid in zip(images, *colour_and_grid(images), strict=True):
        alone = colour_and_grid(image[None])
        assert alone[0].tobytes() == colour.tobytes()
        assert alone[1].tobytes() == grid.tobytes()
