"""Degraded copies as a user asks for them: labels where they are known, and what is left out."""

import pandas as pd
import pytest
from PIL import Image

from bench.images.data_sets import read
from detectors.checks import texture
from tests.support.command_line import one_line


@pytest.fixture
def photos(tmp_path):
    for kind in ("real", "flux"):
        for number in range(3):
            path = tmp_path / "photos" / kind / f"{number}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(texture(f"{kind}{number}", 40, 44)).save(path)
    return tmp_path / "photos"


def manifest_of(folder):
    return pd.read_csv(folder / "manifest.csv", keep_default_na=False)


def test_a_profile_becomes_a_folder_for_each_setting(lineup, photos, tmp_path):
    done = lineup("degrade", photos, "--profile", "techjam-2026", "--out", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    assert "20 folders of 6 images each, 3 real and 3 generated, and manifest.csv" in done.stderr
    found = manifest_of(tmp_path / "out")
    assert found["copy"].nunique() == 20
    assert len(found) == 120
    truth = found["original"].str.startswith("flux").astype(int)
    assert (found["label"] == truth).all()
    assert set(found["generator"]) == {"flux", ""}
    clean = tmp_path / "out" / "clean" / "1.png"
    assert Image.open(clean).tobytes() == Image.open(photos / found["original"][0]).tobytes()


def test_images_of_which_nothing_is_known_have_copies_without_labels(lineup, photos, tmp_path):
    done = lineup("degrade", photos / "real", "--degradations", "jpeg:90,blur:1", "--out", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    assert "Note: the copies have no labels, for " in done.stderr
    assert "3 folders of 3 images each, without labels, and" in done.stderr
    found = manifest_of(tmp_path / "out")
    assert list(found.columns) == ["path", "original", "copy"]
    assert found["path"].tolist()[::3] == ["clean/1.png", "jpeg_90/1.png", "blur_1/1.png"]
    assert found["original"].tolist()[:3] == ["0.png", "1.png", "2.png"]


def test_an_image_that_is_left_out_is_told(lineup, photos, tmp_path):
    (photos / "real" / "1.png").write_bytes((photos / "real" / "1.png").read_bytes()[:200])
    done = lineup("degrade", photos, "--degradations", "jpeg:90", "--out", tmp_path / "out")
    assert done.returncode == 1
    assert "2 folders of 5 images each, 2 real and 3 generated, and" in done.stderr
    assert "1 of 6 images were left out, such as real/1.png (" in done.stderr
    assert len(manifest_of(tmp_path / "out")) == 10


def test_images_that_are_not_of_the_data_are_told(lineup, photos, tmp_path):
    Image.open(photos / "real" / "0.png").save(photos / "banner.png")
    done = lineup("degrade", photos, "--degradations", "jpeg:90", "--out", tmp_path / "out")
    assert done.returncode == 0
    assert "Note: 1 images are not part of the layout and were left out, in the top" in done.stderr


def test_copies_that_are_there_are_no_originals(lineup, photos, tmp_path):
    first, second = tmp_path / "first", tmp_path / "second"
    assert lineup("degrade", photos, "--degradations", "jpeg:90", "--out", first).returncode == 0
    done = lineup("degrade", first, "--degradations", "blur:1", "--out", second)
    assert "Note: 6 images are copies already, and were left out" in done.stderr
    assert set(manifest_of(second)["original"].str.split("/").str[0]) == {"clean"}


def test_what_cannot_be_asked_is_one_line(lineup, photos, tmp_path):
    given = ("degrade", photos, "--out", tmp_path / "out")
    assert "nothing is to be done to the images; give --profile techjam-2026" in one_line(lineup(*given))
    assert "degradation 'jpg:90' is not known" in one_line(lineup(*given, "--degradations", "jpg:90"))
    asked = ("degrade", photos, "--degradations", "jpeg:90", "--out")
    assert f"{photos} is there already; give a new folder" in one_line(lineup(*asked, photos))
    assert "none that are real" in one_line(lineup(*asked, tmp_path / "out", "--classes", "real=skip"))
    (tmp_path / "empty").mkdir()
    empty = ("degrade", tmp_path / "empty", "--degradations", "jpeg:90", "--out", tmp_path / "out")
    assert "empty holds no image" in lineup(*empty).stderr
    assert not (tmp_path / "out").exists()


def test_copies_of_data_with_splits_and_pools_keep_them_and_can_be_tested(lineup, data, tmp_path):
    assert lineup("degrade", data, "--degradations", "lr:20,jpeg:95", "--out", tmp_path / "out").returncode == 0
    before, after = read(str(data)), read(str(tmp_path / "out"))
    assert after.pools == before.pools
    assert not after.drawn_splits
    clean = after.table[after.table["copy"] == ""].set_index("source")
    own = before.table.set_index("source")
    assert (clean[["split", "label", "generator"]] == own.loc[clean.index, ["split", "label", "generator"]]).all(
        axis=None
    )
    asked = ("run", "--protocol", "resharing", "--data", tmp_path / "out", "--detectors", "checkerboard")
    assert lineup(*asked, "--out", tmp_path / "run").returncode == 0
    found = pd.read_csv(tmp_path / "run" / "matrix-checkerboard.csv", index_col=0).iloc[0]
    assert list(found.index) == ["original", "jpeg:95", "lr:20"]
    assert found["original"] > found["lr:20"] + 0.1
