"""Resharing: images that were passed on again and again."""

import json

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from bench.engine.cache import Cache
from bench.images.assembly import with_splits_by_content
from bench.images.data_sets import read
from bench.platform.errors import InputError
from bench.request.protocol_catalogue import make_protocol
from detectors.api import Sample
from detectors.checks import texture
from detectors.types import Facts
from protocols.api import Unanswerable
from protocols.degradations import UnknownDegradation, parse_degradation
from protocols.degraded.resharing import Resharing
from tests.support.command_line import call, one_line
from tests.support.protocol_runs import averages, fake_scope


def chains(protocol, **images):
    return {cell.test.name: cell.test.degradation for cell in protocol.cells(fake_scope(**images))}


def test_each_time_follows_on_those_before():
    assert chains(Resharing(times=("lr:64+jpeg:80", "blur:1.0", "blur:1"))) == {
        "original": "none",
        "passed on 1x": "lr:64+jpeg:80",
        "passed on 2x": "lr:64+jpeg:80+blur:1",
        "passed on 3x": "lr:64+jpeg:80+blur:1+blur:1",
    }


def test_the_usual_times_never_stay_on_one_grid():
    found = chains(Resharing())
    assert found["passed on 2x"] == "scale:0.9+jpeg:85+scale:0.9+jpeg:75"
    assert len(found) == 5


def test_images_of_any_size_are_reduced_by_the_same_factor_each_time():
    for height, width in ((300, 400), (96, 96), (1000, 31)):
        sample = Sample(np.zeros((height, width, 3), np.uint8), Facts("PNG", width, height, 1))
        for count, chain in enumerate(chains(Resharing()).values()):
            sides = parse_degradation(chain)(sample).pixels.shape[:2]
            assert sides == pytest.approx((height * 0.9**count, width * 0.9**count), abs=1.5)


def test_what_is_no_degradation_is_refused():
    with pytest.raises(UnknownDegradation, match="'jpg:80' is not known"):
        chains(Resharing(times=("jpg:80",)))
    with pytest.raises(Unanswerable, match="nothing is done to the images"):
        chains(Resharing(times=("none",)))


def test_originals_are_home():
    assert averages(Resharing(), fake_scope()) == {"original": ("home", 1), "passed on": ("away", 4)}


def test_a_run_shows_what_is_left_after_each_time(run_on_miniature):
    done = run_on_miniature("resharing", times="blur:0.4,lr:30+jpeg:75")
    found = done.matrix()
    assert list(found.columns) == ["original", "passed on 1x", "passed on 2x"]
    assert found.loc["all generators", "passed on 2x"] < found.loc["all generators", "original"]
    assert done.fits == 1
    assert (done.ranking.home, done.ranking.away) == ("original", "passed on")


SHIPPED = ("", "eps4", "eps16", "facebook")
DONE = {"original": "none", "facebook": "lr:30+jpeg:75", "telegram": "jpeg:95"}


@pytest.fixture(scope="module")
def copies(tmp_path_factory):
    """Forty images of each class as they were and as two platforms gave them back; one platform lost an image."""
    root = tmp_path_factory.mktemp("copies")
    for kind in ("real", "flux"):
        for number in range(40):
            pixels = texture(f"{kind}{number}", 40, 40).astype(int)
            if kind == "flux":
                pixels[::2, ::2] += 30
            sample = Sample(np.clip(pixels, 0, 255).astype(np.uint8), Facts("PNG", 40, 40, 1))
            for copy, chain in DONE.items():
                path = root / copy / kind / f"{number:02d}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(parse_degradation(chain)(sample).pixels).save(path)
    (root / "telegram" / "real" / "00.png").unlink()
    return root


def test_copies_that_the_data_ships_are_the_columns_and_training_is_on_originals():
    cells = Resharing().cells(fake_scope(copies=SHIPPED))
    assert [(cell.train.copy, cell.test.copy, cell.test.name) for cell in cells] == [
        ("", "", "original"),
        ("", "eps4", "eps4"),
        ("", "eps16", "eps16"),
        ("", "facebook", "facebook"),
    ]
    assert {cell.test.degradation for cell in cells} == {"none"}
    assert averages(Resharing(), fake_scope(copies=SHIPPED)) == {"original": ("home", 1), "passed on": ("away", 3)}


@pytest.mark.parametrize("options", [{"copies": "made"}, {"times": ("blur:1",)}])
def test_images_are_passed_on_here_where_that_is_chosen_and_copies_are_left_out(options):
    cells = Resharing(**options).cells(fake_scope(copies=SHIPPED))
    assert {(cell.train.copy, cell.test.copy) for cell in cells} == {("", "")}
    assert cells[1].test.name == "passed on 1x"


def test_what_copies_cannot_do_is_refused():
    with pytest.raises(Unanswerable, match="ships no copies of its images; name the level of folders"):
        Resharing(copies="shipped").cells(fake_scope())
    with pytest.raises(Unanswerable, match="ships copies \\(q_50, q_90\\) and no originals to train on"):
        Resharing().cells(fake_scope(copies=("q_50", "q_90")))
    with pytest.raises(InputError, match="copies shipped are those of the data, and times makes others"):
        make_protocol("resharing", {"copies": "shipped", "times": "blur:1"})


def test_a_run_trains_on_originals_and_tests_on_each_copy_that_is_shipped(copies, tmp_path):
    environment, out = {"LINEUP_CACHE": str(tmp_path / "cache"), "COLUMNS": "120"}, tmp_path / "out"
    asked = ("run", "--protocol", "resharing", "--data", copies, "--detectors", "checkerboard", "--out", out)
    done = call(environment, *asked)
    assert done.returncode == 0, done.stderr
    found = pd.read_csv(out / "matrix-checkerboard.csv", index_col=0)
    assert list(found.columns) == ["original", "facebook", "telegram"]
    accuracy = dict(zip(found.columns, found.iloc[0], strict=True))
    assert accuracy["original"] > accuracy["facebook"] + 0.2
    cells = pd.read_parquet(out / "cells.parquet").set_index("test")
    images = read(str(copies))
    hashes = Cache(tmp_path / "cache").inspect(images, 1, lambda _: None).hashes
    table = with_splits_by_content(images, hashes).table
    held_out = table[table["split"] == "test"].groupby("copy").size()
    assert cells["n"].to_dict() == {name or "original": count for name, count in held_out.items()}
    scores = pd.concat(map(pd.read_parquet, (out / "scores").glob("*.parquet")))
    tested, trained = set(scores["source"]), set(table.loc[table["split"] == "train", "source"])
    assert tested
    assert not tested & trained
    assert json.loads((out / "manifest.json").read_text())["protocol"]["options"]["copies"] == "auto"


def test_training_on_originals_does_not_depend_on_the_copies_beside_them(copies, tmp_path):
    environment, root = {"LINEUP_CACHE": str(tmp_path / "cache")}, tmp_path / "split"
    for path in copies.rglob("*.png"):
        copy, kind, name = path.relative_to(copies).parts
        moved = root / copy / ("train" if name < "30" else "test") / kind / name
        moved.parent.mkdir(parents=True, exist_ok=True)
        moved.write_bytes(path.read_bytes())
    asked = ("run", "--protocol", "resharing", "--detectors", "checkerboard", "--data", root, "--out")
    first = call(environment, *asked, tmp_path / "a")
    for path in (root / "facebook").rglob("*.png"):
        path.write_bytes((root / "original" / path.relative_to(root / "facebook")).read_bytes())
    again = call(environment, *asked, tmp_path / "b")
    assert (first.returncode, again.returncode) == (0, 0), again.stderr
    assert "1 fits made" in first.stderr
    assert "1 fits reused" in again.stderr


def test_shipped_copies_that_are_not_there_are_one_line(miniature_folder, tmp_path):
    asked = ("run", "--protocol", "resharing", "--copies", "shipped", "--data", miniature_folder)
    done = call({"LINEUP_CACHE": str(tmp_path)}, *asked, "--detectors", "checkerboard", "--out", tmp_path / "out")
    assert "the data ships no copies of its images" in one_line(done)
