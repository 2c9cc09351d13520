"""Scores of images one by one: whose they are, and what a single bad image costs the others."""

import io
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from rich.console import Console

from bench.platform.errors import InputError
from bench.platform.progress import Reporter
from bench.request import image_scores
from bench.request.image_scores import ScoreRequest, score_files
from detectors.api import Detector
from detectors.checks import texture

SMALL = 30  # pixels, of an image that the detector here cannot take


class Mean(Detector):
    """Scores are mean values; an image of `SMALL` pixels, or a batch that is too large, is more than it can take."""

    def __init__(self, fault=""):
        self.fault = fault

    def prepare(self, sample):
        if self.fault == "prepare" and len(sample.pixels) == SMALL:
            raise ValueError("too\nsmall")
        return sample.pixels

    def score(self, batch):
        if self.fault == "memory" and len(batch) > 2:
            raise MemoryError
        if self.fault == "slow" and SMALL in map(len, batch):
            for _ in range(3000):
                time.sleep(0.01)
        spoiled = [self.fault == "nan" and len(pixels) == SMALL for pixels in batch]
        means = np.array([pixels.mean() / 255 for pixels in batch], np.float32)
        return np.where(spoiled, np.float32("nan"), means)

    def state(self):
        return {}


@pytest.fixture
def scored(monkeypatch, tmp_path):
    """The table of scores of some paths by some toy detectors."""

    def score(paths, batch_size=32, degradations=(), timeout=None, **detectors):
        monkeypatch.setattr(image_scores, "_load", lambda *_: detectors)
        how = "cpu", "float32", "auto", tmp_path / "cache", batch_size, 2, tmp_path
        request = ScoreRequest(paths, (), (), "paper", *how, degradations=degradations, timeout=timeout)
        return score_files(request, Reporter(Console(file=io.StringIO())))

    return score


@pytest.fixture
def images(tmp_path):
    """Seven images of which c is small and f is none."""
    folder = tmp_path / "images"
    folder.mkdir()
    for name in "abcdefg":
        side = SMALL if name == "c" else 60
        Image.fromarray(texture(name, side, side)).save(folder / f"{name}.png")
    (folder / "f.png").write_bytes(b"no image")
    return folder


@pytest.mark.parametrize("batch_size", [1, 32])
def test_what_takes_too_long_has_its_reason_and_costs_no_other_its_score(scored, images, batch_size):
    rows = scored([images], batch_size, timeout=0.1, slow=Mean("slow")).table.set_index("name")
    assert "it took longer than 0.1 s for one batch (--timeout)" in rows.loc["c.png", "reason"]
    assert set(rows.index[rows["reason"].ne("")]) == {"c.png", "f.png"}


@pytest.mark.parametrize("batch_size", [1, 3, 32])
@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("prepare", "the detector cannot score it (ValueError: too small)"),
        ("nan", "the detector cannot score it (ValueError: scores must be 1 finite numbers"),
        ("memory", ""),
    ],
)
def test_an_image_that_cannot_be_scored_costs_no_other_its_score(scored, images, batch_size, fault, said):
    found = scored([images], batch_size, sound=Mean(), faulty=Mean(fault))
    table = found.table.pivot_table(index="name", columns="detector", values=["score"], dropna=False)["score"]
    culprits = {"f.png"} | ({"c.png"} if said else set())
    assert {name for name, score in table["faulty"].items() if np.isnan(score)} == culprits
    assert {name for name, score in table["sound"].items() if np.isnan(score)} == {"f.png"}
    others = table.drop(index=list(culprits))
    assert (others["faulty"] == others["sound"]).all()
    reasons = found.table.set_index(["name", "detector"])["reason"]
    assert reasons["c.png", "faulty"].startswith(said)
    assert bool(reasons["c.png", "faulty"]) == bool(said)
    assert (reasons != "").sum() == len(culprits) + 1


def test_names_tell_images_apart_where_several_paths_are_given(scored, tmp_path):
    for folder in ("one", "two"):
        (tmp_path / folder / "deep").mkdir(parents=True)
        Image.fromarray(texture(folder, 40, 40)).save(tmp_path / folder / "deep" / "a.png")
    one, two = (tmp_path / folder / "deep" / "a.png" for folder in ("one", "two"))
    found = scored([tmp_path / "one", tmp_path / "two", two, tmp_path / "one"], left=Mean(), right=Mean())
    assert found.table["name"].tolist() == [str(one)] * 2 + [str(two)] * 2
    assert found.table["detector"].tolist() == ["left", "right"] * 2
    assert found.detectors == 2
    assert scored([tmp_path / "one"], any=Mean()).table["name"].tolist() == ["deep/a.png"]


def test_a_refused_image_is_a_row_with_its_reason_and_refused_ones_alone_are_said_so(scored, images):
    alone = images / "alone"
    alone.mkdir()
    (alone / "away.png").symlink_to("nowhere.png")
    found = scored([images], any=Mean())
    rows = found.table.set_index("name")
    assert "a broken link" in rows.loc["alone/away.png", "reason"]
    assert rows.loc["alone/away.png", "verdict"] == ""
    assert not found.whole
    with pytest.raises(InputError, match=r"none of 1 image files is to be read, such as away\.png \(a broken link\)"):
        scored([alone], any=Mean())


def test_one_file_that_is_given_in_several_spellings_is_one_row(scored, images, monkeypatch):
    monkeypatch.chdir(images)
    given = [images.parent / "images" / "a.png", Path("a.png"), Path("../images"), images]
    names = scored(given, any=Mean()).table["name"].tolist()
    assert names == [str(images / "a.png"), *(f"../images/{name}.png" for name in "bcdefg")]


def test_a_file_is_scored_whatever_its_name_says(scored, images):
    odd = [images / "screenshot 9.41\u202fAM.png", images / "a.jpg_large", images / "none"]
    for path in odd:
        path.write_bytes((images / "a.png").read_bytes())
    one_by_one = scored(odd, mean=Mean()).table
    assert one_by_one["name"].tolist() == [str(path) for path in odd]
    assert one_by_one["score"].notna().all()
    assert {path.name for path in odd} <= set(scored([images], mean=Mean()).table["name"])


class Detail(Mean):
    """Scores follow the differences of neighbours, so that blurred images are called real."""

    def score(self, batch):
        details = [np.abs(np.diff(pixels.astype(float), axis=1)).mean() for pixels in batch]
        return np.array([min(1, detail / 40) for detail in details], np.float32)


def test_a_verdict_that_a_degradation_turns_is_unsure(scored, tmp_path):
    pixels = np.indices((60, 60)).sum(axis=0) % 2 * 200
    Image.fromarray(np.repeat(pixels[:, :, None], 3, axis=2).astype(np.uint8)).save(tmp_path / "fine.png")
    Image.fromarray(np.full((60, 60, 3), 90, np.uint8)).save(tmp_path / "flat.png")
    (tmp_path / "none.png").write_bytes(b"no image")
    found = scored([tmp_path], degradations=["jpeg:95", "blur:3"], detail=Detail(), mean=Mean())
    assert found.table["degradation"].tolist() == ["none", "jpeg:95", "blur:3"] * 6
    assert (found.detectors, found.conditions) == (2, 3)
    by_image = dict(
        zip(["fine", "flat", "none"], zip(found.overall[::2], found.overall[1::2], strict=True), strict=True)
    )
    assert by_image == {"fine": ("unsure", "real"), "flat": ("real", "real"), "none": ("", "")}
