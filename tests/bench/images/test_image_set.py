"""Selections of an image set, and what it knows of its images."""

import pytest

from bench.images.data_sets import read
from bench.images.image_set import TooFewImages
from protocols.api import Subset
from tests.support.small_data_sets import write_images


def fill(root, generated="a.png", real="b.jpg"):
    """One generated and one real image in each split of a generator in GenImage layout."""
    write_images(
        root, *(f"{split}/{place}" for split in ("train", "val") for place in (f"ai/{generated}", f"nature/{real}"))
    )


def test_a_limit_keeps_both_classes_and_spreads(tmp_path):
    for index in range(9):
        fill(tmp_path / "g", generated=f"{index}.png", real=f"r{index}.jpg")
    limited = read(str(tmp_path)).select_at_most(3)
    assert len(limited) == 12
    kept = limited.select(limited.rows_of(Subset(("g",), "val")))
    assert [name.rpartition("/")[2] for name in kept.names] == ["0.png", "4.png", "8.png", "r0.jpg", "r4.jpg", "r8.jpg"]


def test_copies_are_in_the_order_of_their_numbers_selected_by_name_and_limited_alike(tmp_path):
    for copy in ("original", "eps16", "eps4", "noise_0.1", "noise_0.02"):
        write_images(tmp_path, *(f"{copy}/{kind}/{n}.png" for kind in ("real", "flux") for n in range(9)))
    images = read(str(tmp_path))
    assert images.copies == ("", "eps4", "eps16", "noise_0.02", "noise_0.1")
    one = images.select(images.rows_of(Subset(("flux",), "all", copy="eps4")))
    assert {name.split("/")[0] for name in one.names} == {"eps4"}
    assert len(one) == 18
    assert len(images.rows_of(Subset(("flux",), "all"))) == 90
    limited = images.select(images.rows_of(Subset(("flux",), "all"))).select_at_most(1)
    by_copy = limited.table.groupby("copy")["source"].agg(set)
    assert len(set(map(frozenset, by_copy))) == 1
    fill(tmp_path / "other" / "g")
    assert read(str(tmp_path / "other")).copies == ()


@pytest.mark.parametrize("size", [0, -2])
def test_a_part_of_no_images_is_refused(tmp_path, size):
    fill(tmp_path / "g")
    images = read(str(tmp_path))
    with pytest.raises(TooFewImages, match=f"g is asked for with {size} images of each class"):
        images.rows_of(Subset(("g",), "val", size=size))


def test_the_commonest_short_side_is_known(tmp_path):
    fill(tmp_path / "g")
    assert read(str(tmp_path)).short_side == 8


def test_each_row_is_one_image_of_a_usual_size_and_a_format(tmp_path):
    write_images(tmp_path, "g/val/ai/a.PNG", "g/val/ai/b.png", "g/val/nature/c.jpg", "g/val/nature/d.jpg")
    (tmp_path / "g/val/ai/b.png").write_bytes(b"no image")
    images = read(str(tmp_path))
    assert (images.count, images.image_counts.tolist()) == (4, [1, 1, 1, 1])
    assert images.formats == ["PNG", "PNG", "JPEG", "JPEG"]
    assert images.pixel_counts.tolist() == [9 * 8] * 4  # what cannot be read is taken to be like the others


def test_only_what_subsets_name_is_selected(tmp_path):
    fill(tmp_path / "a")
    fill(tmp_path / "b")
    selected = read(str(tmp_path)).select_subsets([Subset(("a",), "train"), Subset(("b",), "val")])
    places = {tuple(name.split("/")[:2]) for name in selected.names}
    assert places == {("a", "train"), ("b", "val")}


@pytest.mark.parametrize("column", ["release_date", "Date Released"])
def test_release_dates_are_the_earliest_that_a_column_states(tmp_path, column):
    names = [f"{maker}/{index}.png" for maker in ("flux", "sdxl", "real") for index in range(2)]
    write_images(tmp_path, *names)
    dates = ["2024-08-01", "2024-07-30T10:00", "2023-07", "unknown", "1999-01", ""]
    rows = "".join(f"{name},{date}\n" for name, date in zip(names, dates, strict=True))
    (tmp_path / "metadata.csv").write_text(f"file_name,{column}\n{rows}")
    images = read(str(tmp_path))
    assert images.release_dates == {"flux": "2024-07-30", "sdxl": "2023-07"}
    (tmp_path / "metadata.csv").unlink()
    assert read(str(tmp_path)).release_dates == {}
