"""What is drawn depends on the content of an image and on what it is drawn for, and on nothing else."""

import numpy as np

from protocols.degradations.draws import content_generator

PIXELS = np.arange(60, dtype=np.uint8).reshape(4, 5, 3)


def draw(*arguments):
    return content_generator(*arguments).integers(2**60)


def test_the_same_content_draws_the_same():
    strided = np.zeros((4, 10, 3), np.uint8)
    strided[:, ::2] = PIXELS
    assert draw(PIXELS, "noise", 0.5) == draw(PIXELS.copy(), "noise", 0.5) == draw(strided[:, ::2], "noise", 0.5)


def test_another_content_size_name_or_number_draws_something_else():
    other = PIXELS.copy()
    other[3, 4, 2] += 1
    drawn = [
        draw(PIXELS, "noise", 0.5),
        draw(other, "noise", 0.5),
        draw(PIXELS.reshape(5, 4, 3), "noise", 0.5),
        draw(PIXELS, "other", 0.5),
        draw(PIXELS, "noise", 0.25),
        draw(PIXELS, "noise"),
    ]
    assert len(set(drawn)) == len(drawn)
