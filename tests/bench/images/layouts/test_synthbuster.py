"""Synthbuster with its real images inside, beside it, and missing."""

from shutil import make_archive

import pytest

from bench.images.data_sets import read
from bench.images.layouts.synthbuster import GENERATORS
from bench.platform.errors import InputError
from tests.support.small_data_sets import read_both_ways, table_columns, write_images

IDS = [f"r{number:03x}da54ft" for number in range(20)]


def fill(root, generators=tuple(GENERATORS), ids=IDS):
    write_images(root, *(f"{generator}/{one}.png" for generator in generators for one in ids))


def test_nine_generators_share_the_photographs_they_were_made_after(tmp_path):
    fill(tmp_path)
    write_images(tmp_path, *(f"real_RAISE_1k/{one}.png" for one in IDS))
    images = read_both_ways("synthbuster", tmp_path)
    assert len(images) == 10 * len(IDS)
    assert set(images.generators) == GENERATORS
    assert set(images.pools.values()) == {"real"}
    assert table_columns(images, "label", "generator", "source")["dalle2/r000da54ft.png"] == (1, "dalle2", "r000da54ft")
    assert table_columns(images, "label", "generator", "source")["real_RAISE_1k/r000da54ft.png"] == (
        0,
        "real",
        "r000da54ft",
    )
    assert images.families["stable-diffusion-1-3"] == "stable diffusion"


def test_one_photograph_and_all_that_was_made_after_it_fall_into_one_split(tmp_path):
    fill(tmp_path)
    write_images(tmp_path, *(f"real_RAISE_1k/{one}.png" for one in IDS))
    table = read(str(tmp_path)).table
    assert (table.groupby("source")["split"].nunique() == 1).all()
    counts = table.groupby(["generator", "label"])["split"].value_counts().unstack()
    assert (counts[["train", "val", "test"]] == [16, 2, 2]).all(axis=None)


def test_real_images_from_elsewhere_stand_against_every_generator(tmp_path):
    fill(tmp_path / "data")
    write_images(tmp_path / "photos", *(f"{one}.jpg" for one in IDS))
    images = read_both_ways("synthbuster", tmp_path / "data", str(tmp_path / "photos"))
    assert table_columns(images, "label", "generator", "source")["real/r000da54ft.jpg"] == (0, "real", "r000da54ft")
    assert len(images) == 10 * len(IDS)


def test_the_folders_of_the_published_archives_may_stand_above(tmp_path):
    fill(tmp_path / "synthbuster", ids=IDS[:2])
    write_images(tmp_path / "synthbuster", *(f"real_RAISE_1k/{one}.png" for one in IDS[:2]))
    assert set(read_both_ways("synthbuster", tmp_path).generators) == GENERATORS


def test_the_archives_may_be_read_where_they_lie(tmp_path):
    fill(tmp_path / "a" / "synthbuster", ids=IDS[:2])
    write_images(tmp_path / "b" / "real_RAISE_1k", *(f"{one}.png" for one in IDS[:2]))
    (tmp_path / "zips").mkdir()
    for place, name in (("a", "synthbuster"), ("b", "real_RAISE_1k")):
        make_archive(str(tmp_path / "zips" / name), "zip", tmp_path / place)
    images = read_both_ways("synthbuster", tmp_path / "zips")
    assert set(images.generators) == GENERATORS
    assert images.labels.tolist().count(0) == 2


def test_missing_real_images_are_one_clear_line(tmp_path):
    fill(tmp_path, ids=IDS[:1])
    with pytest.raises(InputError, match=r"not part of Synthbuster: put RAISE-1k into .* or name .* --real FOLDER"):
        read(str(tmp_path))


def test_two_of_the_names_are_not_synthbuster(tmp_path):
    fill(tmp_path, generators=("glide", "firefly"), ids=IDS[:3])
    write_images(tmp_path, "real/a.png", "real/b.png", "real/c.png")
    assert table_columns(read(str(tmp_path)), "source")["glide/r000da54ft.png"] == "glide/r000da54ft.png"
    assert table_columns(read(f"synthbuster:{tmp_path}"), "source")["glide/r000da54ft.png"] == "r000da54ft"
