"""Degraded copies: the pixels that detectors of this project see, and what the manifest says of each file."""

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from bench.engine.image_pass import ImageReader, image_pass
from bench.engine.prepared_image import PreparationRequest
from bench.images.data_sets import read
from bench.images.degraded_copies import OriginalImages, condition_folders, write_copies
from bench.platform.errors import InputError
from detectors.checks import texture
from protocols.api import NONE
from protocols.degradations import canonical_steps, parse_degradation

CHAINS = (*canonical_steps(["techjam-2026"]), "lr:30+jpeg:65", "random:jpeg", "sticker:0.1", "rotate:-3")
SHAPES = ((40, 50), (33, 31), (64, 48))


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """Two classes, some files JPEG, none of a side that halves evenly twice."""
    root = tmp_path_factory.mktemp("photos")
    for kind in ("real", "flux"):
        for number, shape in enumerate(SHAPES):
            path = root / kind / f"{number} ä.{'png' if number % 2 else 'jpg'}"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(texture(f"{kind}{number}", *shape)).save(path)
    return root


def originals(folder):
    images = read(str(folder))
    return OriginalImages(images.title, images.names, images.__getitem__, images.table.drop(columns="split"))


@pytest.fixture(scope="module")
def copies(photos, tmp_path_factory):
    out = tmp_path_factory.mktemp("out") / "copies"
    assert write_copies(originals(photos), out, CHAINS, 2, lambda _: None) == {}
    return out


def test_copies_hold_bit_for_bit_what_an_image_pass_shows_detectors(photos, copies):
    images = read(str(photos))
    positions = np.arange(len(images))
    requests = [
        PreparationRequest("pixels", parse_degradation(name), lambda sample: sample.pixels, positions)
        for name in (NONE, *CHAINS)
    ]
    reader = ImageReader(images.__getitem__, len(images), 1, ahead=False)
    (chunk,) = image_pass(reader, [positions], requests)
    manifest = pd.read_csv(copies / "manifest.csv", keep_default_na=False)
    assert len(manifest) == len(requests) * len(images)
    written = read(str(copies))
    row_of = {name: row for row, name in enumerate(written.names)}
    for line in manifest.itertuples():
        expected = chunk.results["pixels", line.copy][images.names.index(line.original)]
        assert np.array_equal(written[row_of[line.path]].pixels, expected), (line.copy, line.original)
        assert np.array_equal(np.asarray(Image.open(copies / line.path)), expected)


def test_the_folder_is_a_data_set_whose_copies_are_of_one_source(photos, copies):
    images, before = read(str(copies)), read(str(photos))
    assert images.title == f"{photos.name}, degraded"
    assert images.copies[0] == ""
    assert set(images.copies[1:]) == set(CHAINS)
    assert set(images.generators) == {"flux"}
    assert images.pools == {"flux": "real"}
    by_source = images.table.groupby("source")
    assert set(by_source["name"].count()) == {1 + len(CHAINS)}
    assert set(by_source.groups) == set(before.names)
    labels = dict(zip(before.names, before.labels, strict=True))
    assert (images.table["source"].map(labels) == images.table["label"]).all()
    assert set(images.table["degradation"]) == {""}
    assert images.attribute("original") == images.table["source"].tolist()


def test_every_condition_has_a_folder_of_a_plain_name():
    folders = condition_folders(["jpeg:90", "lr:30+jpeg:65", "rotate:-3", "none"])
    assert list(folders.values()) == ["clean", "jpeg_90", "lr_30+jpeg_65", "rotate_-3"]
    with pytest.raises(InputError, match="jpeg:90 and jpeg_90 would both be in a folder jpeg_90"):
        condition_folders(["jpeg:90", "jpeg_90"])


def test_an_image_that_cannot_be_copied_is_left_out_everywhere_with_its_reason(photos, tmp_path):
    images = originals(photos)

    def failing(position):
        if position == 1:
            message = "gone"
            raise OSError(5, message)
        return images.read(position)

    found = write_copies(
        OriginalImages("t", images.names, failing, images.facts), tmp_path / "out", ("jpeg:90",), 1, lambda _: None
    )
    assert found == {images.names[1]: "it cannot be read: gone"}
    manifest = pd.read_csv(tmp_path / "out" / "manifest.csv")
    assert set(manifest["original"]) == set(images.names) - {images.names[1]}
    assert len(list((tmp_path / "out").rglob("*.png"))) == len(manifest) == 2 * 5


def test_an_image_that_one_degradation_cannot_take_has_no_copy_at_all(photos, tmp_path, monkeypatch):
    def too_small(_):
        message = "too small"
        raise ValueError(message)

    monkeypatch.setattr(
        "bench.images.degraded_copies.parse_degradation",
        lambda name: too_small if name == "blur:1" else parse_degradation(name),
    )
    with pytest.raises(InputError, match=r"none of 6 images could be copied.*blur:1 fails \(ValueError: too small\)"):
        write_copies(originals(photos), tmp_path / "out", ("jpeg:90", "blur:1"), 1, lambda _: None)
    assert list(tmp_path.rglob("*.png")) == []


def test_a_folder_that_is_there_is_refused(photos, copies):
    with pytest.raises(InputError, match="is there already; give a new folder"):
        write_copies(originals(photos), copies, ("jpeg:90",), 1, lambda _: None)


def test_copies_do_not_depend_on_the_number_of_threads(photos, copies, tmp_path):
    write_copies(originals(photos), tmp_path / "again", CHAINS, 1, lambda _: None)
    contents = [
        {path.relative_to(root): path.read_bytes() for path in root.rglob("*") if path.is_file()}
        for root in (copies, tmp_path / "again")
    ]
    assert contents[0] == contents[1]
    assert len(contents[0]) == 6 * (1 + len(CHAINS)) + 2
