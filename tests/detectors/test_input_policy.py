"""Test images shown in another way than a method says."""

from dataclasses import dataclass, replace

import numpy as np
import pytest
from PIL import Image as PillowImage

from detectors.api import Answer, Detector, Runtime, Unavailable
from detectors.checks import ToyTrainSet, sample, texture
from detectors.composite.ensemble import MeanEnsemble
from detectors.foundation.clip_probe import ClipProbe
from detectors.handcrafted.fredect import FreDect
from detectors.handcrafted.metadata import Metadata
from detectors.handcrafted.prnu import Prnu
from detectors.handcrafted.spectrum import Spectrum
from detectors.input_policy import (
    PARTS,
    POLICIES,
    PartsDetector,
    ReadSquare,
    crop,
    five_crops,
    policy_text,
    require_input_policy,
    resize,
    ten_crops,
    tiles,
    with_input_policy,
)
from detectors.networks.aot_pixelnet import AotPixelNetRecipe
from detectors.networks.backbones import Resnet50
from detectors.networks.fredect_net import FreDectNet
from detectors.networks.npr import Npr
from detectors.networks.spec import Spec
from detectors.networks.vits import DeitSmall
from detectors.networks.yu_cnn import YuCnn
from detectors.preprocessing.augmentation import padded_centre

SIDE = 8
SQUARE = ReadSquare(SIDE)


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
        answer = replace(Answer.of_log_odds(odds), diagnostics={"first": odds + 2})
        return answer if self.with_log_odds else replace(answer, log_odds=None)

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
    detector = PartsDetector(FirstPixel(), policy, SQUARE)
    scores = detector.score([detector.prepare(sample(texture("x", height, width))) for _ in range(2)])
    assert scores.shape == (2,)
    assert np.isfinite(scores).all()
    assert detector.score([]).shape == (0,)


def test_log_odds_of_the_parts_are_averaged_and_probabilities_stay_without():
    rows = [(0, 0, 12, 12, 6), (0, 0, 1, 1, 0)]
    expected = [np.mean([row / 64 - 2 for row in group]) for group in rows]
    with_odds, without = (
        PartsDetector(FirstPixel(with_log_odds=with_log_odds), "five_crops", SQUARE) for with_log_odds in (True, False)
    )
    batch = [with_odds.prepare(sample(numbered(height, width))) for height, width in ((20, 30), (9, 9))]
    assert with_odds.answer(batch).log_odds == pytest.approx(expected, abs=1e-5)
    assert without.answer(batch).log_odds is None
    assert without.answer(batch).scores == pytest.approx(with_odds.answer(batch).scores, abs=1e-6)


def test_probabilities_of_0_and_1_are_averaged_too():
    class Sure(FirstPixel):
        def answer(self, batch):
            return Answer(np.array([image[0, 0, 0] > 0 for image in batch], np.float32))

    detector = PartsDetector(Sure(), "five_crops", SQUARE)
    light, mixed = np.full((9, 9, 3), 200, np.uint8), numbered(20, 30)
    scores = detector.score([detector.prepare(sample(pixels)) for pixels in (light, mixed)])
    assert scores.dtype == np.float32
    assert scores[0] == pytest.approx(1, abs=1e-5)
    assert scores[1] > 0.9  # three of its five parts


@pytest.mark.parametrize("policy", ["crop", "resize"])
@pytest.mark.parametrize("with_log_odds", [True, False])
def test_the_answer_about_the_one_part_is_the_detectors_own(policy, with_log_odds):
    plain = FirstPixel(with_log_odds=with_log_odds)
    detector = PartsDetector(plain, policy, SQUARE)
    images = [texture(name, 20, 30) for name in "abc"]
    found = detector.answer([detector.prepare(sample(pixels)) for pixels in images])
    (parts,) = zip(*(PARTS[policy].parts(pixels, SIDE) for pixels in images), strict=True)
    expected = plain.answer([plain.prepare(sample(part)) for part in parts])
    assert (found.scores == expected.scores).all()
    assert (found.diagnostics["first"] == expected.diagnostics["first"]).all()
    assert (found.log_odds is not None) == with_log_odds
    empty = PartsDetector(plain, "tiles", SQUARE).answer([])
    assert (empty.log_odds is not None) == with_log_odds


@pytest.mark.parametrize("size", [(19, 30), (21, 9), (8, 11)])
def test_the_centre_is_that_of_the_published_crop(size):
    pixels = texture("centre", *size)
    assert (crop(pixels, SIDE)[0] == padded_centre(pixels, SIDE)).all()


@pytest.mark.parametrize(
    ("recipe", "side"),
    [
        (FreDectNet("paper"), 224),
        (DeitSmall("paper"), 224),
        (Resnet50("paper"), 224),
        (Spec("paper"), 224),
        (YuCnn("small"), 96),
        (Npr("paper"), 256),
    ],
)
def test_a_view_that_resizes_before_its_crop_is_shown_parts_as_they_are(recipe, side):
    @dataclass
    class Shown(FirstPixel):
        def prepare(self, sample):
            return recipe.view.test(sample.pixels)

    channels = slice(None, None, -1 if recipe.card.name == "spec" else 1)
    pixels = texture("large", 2 * side + 50, 3 * side + 31)
    for policy, named in PARTS.items():
        detector = with_input_policy(replace(recipe, input=policy), Shown())
        expected = np.stack([part[..., channels] for part in named.parts(pixels, side)])
        assert (detector.prepare(sample(pixels)) == expected).all(), policy


def test_a_detector_of_one_side_is_shown_parts_of_it():
    train = ToyTrainSet(8)
    for recipe, shape in (
        (FreDect("small", input="tiles"), (96, 96, 1)),
        (ClipProbe("small", input="resize"), (128, 128, 3)),
    ):
        require_input_policy(recipe, Runtime())
        detector = with_input_policy(recipe, recipe.fit(train, 0, Runtime()))
        batch = [detector.prepare(sample(texture("a", 300, 260)))]
        assert batch[0].shape[1:] == shape
        assert detector.answer(batch).log_odds.shape == (1,)


def test_normalised_pixels_are_pixels():
    class Normalised(FirstPixel):
        def prepare(self, sample):
            return (super().prepare(sample).astype(np.float32) / 255 - (0.4, 0.5, 0.6)) / 0.2

    assert isinstance(with_input_policy(Npr("small", input="crop"), Normalised()), PartsDetector)


def test_pixels_of_another_colour_space_are_pixels():
    recipe = AotPixelNetRecipe("paper", input="crop")  # the chroma of black is that of white
    require_input_policy(recipe, Runtime())


@pytest.mark.parametrize("kind", [Metadata, Spectrum, Prnu, MeanEnsemble])
def test_what_reads_no_square_of_pixels_is_refused_before_its_fit(kind):
    recipe = kind("small", input="crop")
    with pytest.raises(Unavailable, match=f"what square of an image {recipe.card.name} reads cannot be told"):
        require_input_policy(recipe, Runtime())
    require_input_policy(replace(recipe, input="published"), Runtime())


def test_what_is_always_resized_is_refused():
    class Blurred(FirstPixel):
        def prepare(self, sample):
            return resize(resize(sample.pixels, 2 * SIDE + 1)[0], SIDE)[0]

    with pytest.raises(Unavailable, match="what square of an image npr reads cannot be told"):
        with_input_policy(Npr("small", input="crop"), Blurred())


def test_the_text_of_a_policy_says_what_is_published():
    assert policy_text(Npr("paper")).startswith("as published: whole image resized bilinearly to a square (test.py")
    assert policy_text(Npr("paper", script="npr_whole")).startswith("as published: whole image as it is")
    assert policy_text(Npr("paper", input="tiles")) == POLICIES["tiles"]


def test_as_published_is_the_detector_itself():
    plain = FirstPixel()
    assert with_input_policy(Npr("small"), plain) is plain
    assert set(POLICIES) == {"published", *PARTS}
