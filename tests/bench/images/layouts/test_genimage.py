"""The GenImage layout in all its spellings, read back exactly."""

import json

import numpy as np
import pytest
from PIL import Image

from bench.images.data_sets import read as read_data
from bench.images.files.tree import Folder
from bench.images.layouts import api
from bench.images.layouts.api import ImageRow
from bench.images.layouts.genimage import GenImageLayout
from bench.platform.errors import InputError
from protocols.api import Subset


def read(folder):
    """Found out, and forced: the same."""
    found, forced = read_data(str(folder)), read_data(f"genimage:{folder}")
    assert found.table.equals(forced.table)
    return found


def put(path, seed=0):
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (8, 9, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path, format="JPEG" if path.suffix.lower() in {".jpg", ".jpeg"} else "PNG")


def fill(place, generated="0_adm_31.PNG", real="n01440764_10026.JPEG"):
    for split in ("train", "val"):
        put(place / split / "ai" / generated)
        put(place / split / "nature" / real)


def test_both_nestings_and_both_spellings_are_read(tmp_path):
    fill(tmp_path / "ADM" / "imagenet_ai_0508_adm")
    fill(tmp_path / "Stable Diffusion V1.4", generated="001_sdv4_00003.png")
    images = read(tmp_path)
    assert images.generators == ("SDv1.4", "ADM")
    assert len(images) == 8
    assert images.kind == "folder"
    assert images.title == tmp_path.name
    assert sorted(images.table["label"]) == [0] * 4 + [1] * 4
    assert "ADM/imagenet_ai_0508_adm/val/ai/0_adm_31.PNG" in images.names


def test_no_name_is_dropped_for_its_spelling(tmp_path):
    fill(tmp_path / "g")
    for name in ("a.PNG", "b.two.dots.png", "c.JPG", "d.jpeg", "e.WEBP", "f.bmp"):
        put(tmp_path / "g" / "val" / "ai" / name)
    put(tmp_path / "g" / "val" / "ai" / "notes.txt")
    images = read(tmp_path)
    found = {name.rpartition("/")[2] for name in images.select(images.rows_of(Subset(("g",), "val"))).names}
    assert found == {
        "0_adm_31.PNG", "n01440764_10026.JPEG", "a.PNG", "b.two.dots.png", "c.JPG", "d.jpeg", "e.WEBP", "f.bmp"
    }  # fmt: skip


def test_real_images_of_one_name_share_a_source_and_generated_ones_do_not(tmp_path):
    fill(tmp_path / "a", generated="same.png")
    fill(tmp_path / "b", generated="same.png")
    table = read(tmp_path).table
    assert table.loc[table["label"] == 0, "source"].nunique() == 1
    assert table.loc[table["label"] == 1, "source"].nunique() == 2


def test_content_classes_come_from_the_file_names(tmp_path):
    fill(tmp_path / "glide", generated="GLIDE_1000_200_08_042_glide_00112.png")
    content = read(tmp_path).table.set_index("label")["content"]
    assert set(content[0]) == {"n01440764"}
    assert set(content[1]) == {"042"}


def test_a_description_gives_title_kind_families_and_order(tmp_path):
    fill(tmp_path / "a")
    fill(tmp_path / "b")
    described = {"title": "T", "kind": "embedded", "families": {"b": "x", "a": "y"}}
    (tmp_path / "dataset.json").write_text(json.dumps(described))
    images = read(tmp_path)
    assert (images.title, images.kind, images.generators, images.families["b"]) == ("T", "embedded", ("b", "a"), "x")


def test_what_is_not_a_data_set_is_one_clear_line(tmp_path):
    with pytest.raises(InputError, match="does not exist"):
        read(tmp_path / "nowhere")
    with pytest.raises(InputError, match=r"in none of the layouts .* genimage \(<generator>"):
        read(tmp_path)
    (tmp_path / "g" / "train" / "ai").mkdir(parents=True)
    with pytest.raises(InputError, match=r"in none of the layouts .* genimage \(<generator>"):
        read(tmp_path)


@pytest.mark.parametrize(("emptied", "noun"), [("ai", "generated"), ("nature", "real")])
def test_an_empty_class_is_named(tmp_path, emptied, noun):
    fill(tmp_path / "g")
    for path in (tmp_path / "g" / "val" / emptied).iterdir():
        path.unlink()
    assert f"g has no {noun} image in the val split: what needs one is left out" in read(tmp_path).notes


def test_a_generator_given_twice_is_refused(tmp_path):
    fill(tmp_path / "ADM")
    fill(tmp_path / "imagenet_ai_0508_adm")
    with pytest.raises(InputError, match="holds ADM twice"):
        read(tmp_path)


@pytest.mark.parametrize("text", ["[]", '{"families": null}', "{", '{"title": null}', '{"families": {"a": ["x"]}}'])
def test_a_description_of_another_shape_is_refused(tmp_path, text):
    fill(tmp_path / "a")
    (tmp_path / "dataset.json").write_text(text)
    with pytest.raises(InputError, match=r"dataset\.json is not"):
        read(tmp_path)


def test_folders_above_the_generators_do_not_name_them(tmp_path):
    for place in ("GenImage/ADM", "GenImage/glide/imagenet_glide", "GenImage/mine"):
        fill(tmp_path / "nest" / place)
    assert read(tmp_path / "nest").generators == ("ADM", "GLIDE", "mine")
    assert read(tmp_path).generators == ("ADM", "GLIDE", "mine")


def test_of_two_unknown_names_the_outer_one_is_the_generator(tmp_path):
    fill(tmp_path / "mine" / "inner")
    assert read(tmp_path).generators == ("mine",)
    fill(tmp_path / "ADM")
    assert read(tmp_path).generators == ("ADM", "mine")


def test_a_tree_that_is_one_generator_is_called_by_its_own_name(tmp_path):
    fill(tmp_path / "imagenet_ai_0508_adm")
    assert read(tmp_path / "imagenet_ai_0508_adm").generators == ("ADM",)


def test_rows_are_those_of_every_image_whatever_part_of_a_folder_they_are_in(tmp_path, monkeypatch):
    fill(tmp_path / "ADM")
    for number in range(5):
        put(tmp_path / "ADM" / "val" / "ai" / f"{number}_adm_7_x_kite.png")
    tree = Folder(tmp_path)
    whole = GenImageLayout().read(tree).rows
    monkeypatch.setattr(api, "PART", 2)
    rows = GenImageLayout().read(tree).rows
    assert list(rows) == list(whole) == [whole[index] for index in range(len(whole))]
    assert rows[-3:] == list(whole)[-3:]
    kite = next(row for row in rows if row.name.endswith("4_adm_7_x_kite.png"))
    assert kite == ImageRow("ADM/val/ai/4_adm_7_x_kite.png", 1, "ADM", "val", "kite", "ADM/4_adm_7_x_kite")
    assert not GenImageLayout().read(Folder(tmp_path / "ADM" / "val" / "ai")).rows
