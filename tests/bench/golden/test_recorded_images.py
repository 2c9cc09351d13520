"""Images of a record, found by their contents."""

import io
from shutil import copytree

import numpy as np
import pytest
from PIL import Image

from bench.engine.cache import Cache
from bench.golden.recorded_images import find_images, record_images
from bench.images.data_sets import read
from bench.platform.errors import InputError
from bench.records.manifest import DataRecord


def inspected(folder, cache):
    return Cache(cache).inspect(read(f"folders:{folder}"), 1, lambda _: None).usable()


@pytest.fixture
def place(tmp_path):
    for kind in ("real", "mine"):
        for index in range(3):
            path = tmp_path / "data" / "test" / kind / f"{index}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            pixels = np.random.default_rng([index, len(kind), ord(kind[0])]).integers(0, 256, (16, 16, 3), np.uint8)
            buffer = io.BytesIO()
            Image.fromarray(pixels).save(buffer, "PNG")
            path.write_bytes(buffer.getvalue())
    return tmp_path / "data"


@pytest.fixture
def recorded(place, tmp_path):
    """What is recorded of the place, and the record of its data set."""
    here = inspected(place, tmp_path / "cache")
    data = DataRecord("faces", "folder", "1", "d", 6, ("mine",), {"mine": "family"})
    return record_images(here.images, here), data


def test_images_keep_what_the_record_says_of_them(recorded, place, tmp_path):
    moved = tmp_path / "moved"
    copytree(place, moved)
    (moved / "test" / "mine").rename(moved / "test" / "other")
    (moved / "test" / "other" / "0.png").rename(moved / "test" / "other" / "first.png")
    found = find_images(*recorded, inspected(moved, tmp_path / "cache"))
    assert found.images.names == [f"test/{kind}/{index}.png" for kind in ("mine", "real") for index in range(3)]
    assert found.images.generators == ("mine",)
    assert (found.images.title, found.images.version) == ("faces", "1")
    assert found.moved == 3
    assert (found.missing, found.new, found.relabelled) == ((), (), ())
    assert found.images.encoded(0) == (moved / "test" / "other" / "first.png").read_bytes()
    again = inspected(place, tmp_path / "cache").hashes
    assert (Cache(tmp_path / "cache").inspect(found.images, 1, lambda _: None).hashes == again).all()


def test_an_image_with_another_label_is_named(recorded, place, tmp_path):
    (place / "test" / "mine" / "0.png").rename(place / "test" / "real" / "was mine.png")
    found = find_images(*recorded, inspected(place, tmp_path / "cache"))
    assert found.relabelled == ("test/mine/0.png",)
    assert found.images.labels.tolist() == [1, 1, 1, 0, 0, 0]
    assert any("another label here" in note for note in found.notes)


def test_a_changed_image_is_missing_and_new(recorded, place, tmp_path):
    path = place / "test" / "mine" / "1.png"
    path.write_bytes(path.read_bytes() + b" ")
    buffer = io.BytesIO()
    Image.fromarray(np.zeros((16, 16, 3), np.uint8)).save(buffer, "PNG")
    path.write_bytes(buffer.getvalue())
    found = find_images(*recorded, inspected(place, tmp_path / "cache"))
    assert found.missing == found.new == ("test/mine/1.png",)
    for path in place.rglob("*.png"):
        path.write_bytes(buffer.getvalue())
    with pytest.raises(InputError, match="none of the 6 images of the golden record is there"):
        find_images(*recorded, inspected(place, tmp_path / "cache"))


def test_of_a_limited_question_only_its_images_are_looked_at(recorded, place):
    images, _ = recorded
    extra = place / "test" / "mine" / "9.png"
    extra.write_bytes((place / "test" / "mine" / "0.png").read_bytes())
    opened = read(f"folders:{place}")
    assert len(images.candidates(opened, 3)) == 6
    assert len(images.candidates(opened, None)) == 7
    (place / "test" / "mine" / "0.png").unlink()
    assert len(images.candidates(read(f"folders:{place}"), 3)) == 6
