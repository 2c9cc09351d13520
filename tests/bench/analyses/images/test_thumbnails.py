import io

import numpy as np
import pytest
from PIL import Image

from bench.analyses.images.thumbnails import (
    THUMBNAILS,
    ThumbnailRequest,
    make_thumbnails,
    thumbnail_table,
)
from bench.images import image_set
from bench.images.data_sets import read
from bench.platform.errors import InputError
from detectors.checks import texture
from protocols.degradations import parse_degradation


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    root = tmp_path_factory.mktemp("wide")
    for index, shape in enumerate([(40, 90), (300, 200), (20, 20), (100, 1)]):
        for class_name in ("nature", "ai"):
            path = root / "one" / "val" / class_name / f"{index}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(texture(f"{index}{class_name}", *shape)).save(path)
    return read(str(root))


def pixels_of(thumbnail):
    return np.asarray(Image.open(io.BytesIO(thumbnail.data)).convert("RGB")).astype(int)


@pytest.mark.parametrize("form", ["webp", "jpeg"])
def test_thumbnails_show_the_images_small_and_are_the_same_again(images, form):
    names = list(reversed(images.names))
    made = make_thumbnails(images, [*names, names[0]], ThumbnailRequest(form, 48), 2)
    assert [one.name for one in made.thumbnails] == names
    assert made == make_thumbnails(images, names, ThumbnailRequest(form, 48), 1)
    assert made.media_type == f"image/{form}"
    sizes = {one.name.rpartition("/")[2]: (one.width, one.height) for one in made.thumbnails}
    assert sizes == {"0.png": (48, 21), "1.png": (32, 48), "2.png": (20, 20), "3.png": (1, 48)}
    for one in made.thumbnails:
        assert pixels_of(one).shape == (one.height, one.width, 3)
        whole = images[images.names.index(one.name)].pixels
        assert pixels_of(one).mean() == pytest.approx(whole.mean(), abs=6)


def test_copies_are_degraded_before_they_are_small_and_each_image_is_decoded_once(images, monkeypatch):
    decoded = []
    real_decode = image_set.decode
    monkeypatch.setattr(image_set, "decode", lambda *what: decoded.append(what[1]) or real_decode(*what))
    request = ThumbnailRequest("jpeg", 300, degradations=("none", "blur:5", "greyscale"))
    made = make_thumbnails(images, images.names[:2], request, 1)
    assert len(decoded) == 2
    assert [one.degradation for one in made.thumbnails] == ["none", "blur:5", "greyscale"] * 2
    blurred = made.find(images.names[1], "blur:5")
    whole = parse_degradation("blur:5")(images[1]).pixels
    assert np.abs(pixels_of(blurred) - whole).mean() < 4
    grey = pixels_of(made.find(images.names[1], "greyscale"))
    assert np.ptp(grey, axis=2).max() <= 2
    assert made.find("nobody") is None


def test_a_budget_lowers_the_quality_then_leaves_the_last_ones_out(images):
    whole = make_thumbnails(images, images.names, ThumbnailRequest("webp"), 1)
    total = thumbnail_table(whole)["bytes"].sum()
    assert whole.quality == 80
    less = make_thumbnails(images, images.names, ThumbnailRequest("webp", budget=int(total * 0.8)), 1)
    assert less.quality < 80
    assert len(less.thumbnails) == len(images)
    assert thumbnail_table(less)["bytes"].sum() <= total * 0.8
    least = make_thumbnails(images, images.names, ThumbnailRequest("webp", budget=500), 1)
    assert 0 < len(least.thumbnails) < len(images)
    assert sum(len(one.data) for one in least.thumbnails) <= 500
    assert [one.name for one in (*least.thumbnails, *least.left_out)] == images.names
    assert least.left_out[0].reason == "the 500 bytes of all thumbnails are used up"
    nothing = make_thumbnails(images, images.names, ThumbnailRequest("webp", budget=0), 1)
    assert (nothing.thumbnails, nothing.quality) == ((), 0)


def test_none_reads_nothing(images, monkeypatch):
    monkeypatch.setattr(image_set, "decode", None)
    made = make_thumbnails(images, images.names, ThumbnailRequest("none"), 1)
    assert (made.thumbnails, made.left_out) == ((), ())


def test_an_image_that_a_degradation_refuses_is_named(images):
    made = make_thumbnails(images, images.names, ThumbnailRequest("jpeg", degradations=("jp2:20",)), 1)
    assert {one.name for one in (*made.thumbnails, *made.left_out)} == set(images.names)


def test_the_table_is_without_bytes(images):
    table = thumbnail_table(make_thumbnails(images, images.names[:1], ThumbnailRequest(), 1))
    assert tuple(table.columns) == THUMBNAILS
    assert table[["width", "height", "quality"]].to_numpy().tolist() == [[90, 40, 80]]


@pytest.mark.parametrize(
    ("made", "told"),
    [
        (lambda images: ThumbnailRequest("png"), "thumbnails 'png' are not known; choose webp, jpeg, none"),
        (lambda images: ThumbnailRequest(side=0), "thumbnails of 0 pixels"),
        (
            lambda images: make_thumbnails(images, ["a", "b"], ThumbnailRequest(), 1),
            "a and 1 more: no such image in .*; give names as",
        ),
    ],
)
def test_what_cannot_be_made_is_one_line(images, made, told):
    with pytest.raises(InputError, match=told):
        made(images)
