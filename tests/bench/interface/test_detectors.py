"""One detector that is loaded: paths, images of Pillow and arrays have the scores of `lineup score`."""

import re

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from bench.interface.detectors import load_detector
from bench.platform.errors import InputError
from detectors.checks import texture
from tests.support.command_line import call
from tests.support.networks import save_tiny_ladeda


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Images of three kinds, and a checkpoint."""
    place = tmp_path_factory.mktemp("score")
    pixels = {name: texture(name, 40, 56) for name in ("a", "b", "c")}
    Image.fromarray(pixels["a"]).save(place / "a.png")
    turned = Image.Exif()
    turned[0x0112] = 6
    Image.fromarray(pixels["b"]).save(place / "b.jpg", exif=turned)
    half = np.dstack([pixels["c"], np.full((40, 56), 128, np.uint8)])
    Image.fromarray(half).save(place / "c.png")
    save_tiny_ladeda(place / "weights" / "tiny.pth", 1)
    return place


@pytest.fixture
def detector(place, own_cache):
    return load_detector(f"tiny_ladeda@{place / 'weights' / 'tiny.pth'}", device="cpu")


def test_all_forms_of_an_image_have_the_scores_of_the_command(place, detector, tmp_path):
    paths = [place / "a.png", place / "b.jpg", place / "c.png"]
    table = tmp_path / "scores.csv"
    row = f"tiny_ladeda@{place / 'weights' / 'tiny.pth'}"
    done = call({"LINEUP_CACHE": str(tmp_path / "other")}, "score", *paths, "--detectors", row, "--out", table)
    assert done.returncode == 0, done.stderr
    typed = pd.read_csv(table, keep_default_na=False, dtype={"score": np.float32, "log_odds": np.float32})
    scored = detector.score(paths)
    assert scored["name"].tolist() == typed["name"].tolist()
    for column in ("score", "log_odds"):
        assert scored[column].to_numpy().tobytes() == typed[column].to_numpy().tobytes()
    assert scored["verdict"].tolist() == typed["verdict"].tolist()
    opened = detector.score([Image.open(path) for path in paths])
    assert opened["name"].tolist() == ["0", "1", "2"]
    assert opened["log_odds"].tolist() == scored["log_odds"].tolist()
    array = np.asarray(Image.open(place / "a.png"))
    assert detector.score(array)["log_odds"].tolist() == scored["log_odds"].tolist()[:1]
    assert detector.score(np.stack([array, array]))["log_odds"].tolist() == scored["log_odds"].tolist()[:1] * 2


def test_what_cannot_be_decoded_has_its_reason_and_costs_no_other_its_score(place, detector, tmp_path):
    (tmp_path / "bad.png").write_bytes((place / "a.png").read_bytes()[:90])
    scored = detector.score([place / "a.png", tmp_path / "bad.png"])
    assert scored["reason"].astype(bool).tolist() == [False, True]
    assert scored["score"].isna().tolist() == [False, True]
    floats = Image.fromarray(np.zeros((9, 9), np.float32))
    assert "floating-point samples have no stated range" in detector.score([floats])["reason"].iloc[0]


def test_files_that_are_no_images_are_told(place, detector, tmp_path):
    Image.open(place / "a.png").save(tmp_path / "a.png")
    (tmp_path / "notes.txt").write_text("x")
    with pytest.warns(UserWarning, match=re.escape("1 file of another kind was not read: 1 .txt")):
        assert len(detector.score(tmp_path)) == 1


@pytest.mark.parametrize(
    ("images", "message"),
    [
        ([], "no image was given"),
        ("/nowhere.png", "/nowhere.png does not exist"),
        (np.zeros((8, 8), np.uint8), "image 0 is uint8 (8, 8); give arrays uint8 (H, W, 3)"),
        (np.zeros((8, 8, 3)), "image 0 is float64 (8, 8, 3)"),
        (np.zeros((0, 8, 3), np.uint8), "image 0 is uint8 (0, 8, 3)"),
        ([np.zeros((8, 8, 3), np.uint8), "a.png"], "image 1 is str"),
    ],
)
def test_what_is_no_image_is_one_line(detector, images, message):
    with pytest.raises(InputError, match=re.escape(message)):
        detector.score(images)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"detector": "hog_svn@a.pth"}, "Did you mean hog_svm?"),
        ({"detector": "cnnspot"}, "cnnspot has to be loaded from a checkpoint"),
        ({"detector": "none.safetensors"}, "none.safetensors cannot be read as a fitted detector"),
        ({"detector": "none.safetensors", "setting": "small"}, "which says its own; leave it out"),
        ({"detector": "cnnspot@a.pth", "setting": "large"}, "setting 'large' is not known"),
        ({"detector": "cnnspot@a.pth", "device": "tpu"}, "device 'tpu' is not known"),
    ],
)
def test_what_cannot_be_loaded_is_one_line(own_cache, asked, message):
    with pytest.raises(InputError, match=re.escape(message)):
        load_detector(**asked)
