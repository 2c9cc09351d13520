"""Test images shown in another way than a method says."""

import numpy as np
import pytest
from PIL import Image as PillowImage

from detectors.api import Answer, Detector, Unavailable
from detectors.checks import sample, texture
from detectors.foundation.clip_probe import ClipProbe
from detectors.handcrafted.metadata import Metadata
from detectors.input_policy import (
    PARTS,
    POLICIES,
    PartsDetector,
    five_crops,
    resize,
    ten_crops,
    tiles,
    with_input_policy,
)
from detectors.networks.npr import Npr

SIDE = 8


class FirstPixel(Detector):
    """Log odds are the first red value of an image, as prepared: its first square of 8 pixels."""

    def __init__(self, *, with_log_odds=True):
        self.with_log_odds = with_log_odds

    def prepare(self, sample):
        padded = np.zeros((SIDE, SIDE, 3), np.uint8)
        part = sample.pixels[:SIDE, :SIDE]
        padded[: part.shape[0], : part.shape[1]] = part
        return padded

    def score(self, batch):
        return self.answer(batch).scores

    def answer(self, batch):
        odds = np.array([float(image[0, 0, 0]) / 64 - 2 for image in batch])
        answer = Answer.of_log_odds(odds)
        return answer if self.with_log_odds else Answer(answer.scores)

    def state(self):
        return {}


def numbered(height, width):
    """Red is the number of the row, green that of the column."""
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[..., 0], pixels[..., 1] = np.arange(height)[:, None], np.arange(width)
    return pixels


def corners(parts):
    return [tuple(int(value) for value in part[0, 0, :2]) for part in parts]


def test_five_crops_are_the_corners_and_the_centre():
    assert corners(five_crops(numbered(20, 30), SIDE)) == [(0, 0), (0, 22), (12, 0), (12, 22), (6, 11)]
    mirrored = ten_crops(numbered(20, 30), SIDE)[5:]
    assert corners(mirrored) == [(0, 7), (0, 29), (12, 7), (12, 29), (6, 18)]


def test_tiles_stand_side_by_side_about_the_centre():
    assert corners(tiles(numbered(20, 26), SIDE)) == [(row, column) for row in (2, 10) for column in (1, 9, 17)]


def test_resizing_is_pillows():
    pixels = texture("a", 40, 60)
    expected = PillowImage.fromarray(pixels).resize((SIDE, SIDE), PillowImage.Resampling.BILINEAR)
    assert (resize(pixels, SIDE)[0] == np.asarray(expected)).all()


@pytest.mark.parametrize("policy", PARTS)
@pytest.mark.parametrize(("height", "width"), [(3, 5), (8, 8), (8, 40)])
def test_every_policy_takes_images_of_any_size(policy, height, width):
    detector = PartsDetector(FirstPixel(), policy, SIDE)
    scores = detector.score([detector.prepare(sample(texture("x", height, width))) for _ in range(2)])
    assert scores.shape == (2,)
    assert np.isfinite(scores).all()
    assert detector.score([]).shape == (0,)


@pytest.mark.parametrize("with_log_odds", [True, False])
def test_log_odds_of_the_parts_are_averaged(with_log_odds):
    detector = PartsDetector(FirstPixel(with_log_odds=with_log_odds), "five_crops", SIDE)
    batch = [detector.prepare(sample(numbered(20, 30))), detector.prepare(sample(numbered(9, 9)))]
    rows = [(0, 0, 12, 12, 6), (0, 0, 1, 1, 0)]
    expected = [np.mean([row / 64 - 2 for row in group]) for group in rows]
    assert detector.answer(batch).log_odds == pytest.approx(expected, abs=1e-5)


def test_a_detector_of_one_side_is_shown_parts_of_it_and_any_other_refuses():
    from detectors.api import Runtime
    from detectors.checks import ToyTrainSet

    train = ToyTrainSet(8)
    for recipe in (Npr("small", input="tiles"), ClipProbe("small", input="resize")):
        detector = with_input_policy(recipe, recipe.fit(train, 0, Runtime()))
        assert detector.prepare(sample(texture("a", 300, 260))).shape[1:] == (128, 128, 3)
    refusing = Metadata("small", input="crop")
    fitted = refusing.fit(train, 0, Runtime())
    with pytest.raises(Unavailable, match="metadata reads no square of pixels of one size"):
        with_input_policy(refusing, fitted)


def test_as_published_is_the_detector_itself():
    plain = FirstPixel()
    assert with_input_policy(Npr("small"), plain) is plain
    assert set(POLICIES) == {"published", *PARTS}
