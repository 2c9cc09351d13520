"""Images that belong together: as a user states it, as folders of videos show it; and what is proposed."""

import pytest

from bench.images.data_sets import read
from bench.images.grouping import proposals
from bench.images.reading import Reading
from bench.platform.errors import InputError
from tests.support.small_data_sets import table_columns, write_images


def sources(place, group):
    return set(table_columns(read(str(place), reading=Reading(group=group)), "source").values())


@pytest.fixture
def pairs(tmp_path):
    write_images(
        tmp_path, *(f"{kind}/{take}/p{index}.png" for kind in ("real", "flux") for take in "ab" for index in (1, 2))
    )
    return tmp_path


@pytest.mark.parametrize(
    ("group", "expected"),
    [
        ("folder", {"real/a", "real/b", "flux/a", "flux/b"}),
        ("name", {"p1", "p2"}),
        (r"/([ab])/", {"a", "b"}),
        (r"flux/.*(\d)\.png", {"1", "2", *(f"real/{take}/p{index}.png" for take in "ab" for index in (1, 2))}),
    ],
)
def test_what_belongs_together_may_be_stated(pairs, group, expected):
    assert sources(pairs, group) == expected


@pytest.mark.parametrize(
    ("group", "told"),
    [
        ("(x", "--group '(x' is no regular expression"),
        ("(x9)", "--group '(x9)' fits no name of an image, such as flux/a/p1.png; mend it"),
        ("(a)(b)", "--group '(a)(b)' has 2 groups, one is wanted"),
        ("(?:a)", "has 0 groups, one is wanted"),
        ("video", "no table has the column video, which --group names; give a column, folder, name, or a regular"),
    ],
)
def test_what_groups_nothing_is_refused(pairs, group, told):
    with pytest.raises(InputError) as error:
        sources(pairs, group)
    assert told in str(error.value)


@pytest.mark.parametrize("columns", ["file_name,shot", "file_name,shot,video_id"])
def test_a_column_may_be_stated(pairs, columns):
    lines = [f"{name},s{name[-5]}" + ",v" * columns.count("video") for name in read(str(pairs)).names]
    (pairs / "metadata.csv").write_text("\n".join([columns, *lines]) + "\n")
    assert sources(pairs, "shot") == {"s1", "s2"}
    assert sources(pairs, "name") == {"p1", "p2"}
    with pytest.raises(InputError, match="no table has the column shoot"):
        sources(pairs, "shoot")


def test_the_source_of_a_manifest_may_be_stated_and_a_column_that_is_not_there_may_not(pairs):
    (pairs / "manifest.csv").write_text("path,label,source\nflux/a/p1.png,1,s\nreal/a/p1.png,0,s\n")
    assert sources(pairs / "manifest.csv", "source") == {"s"}
    with pytest.raises(InputError, match="no table has the column video"):
        sources(pairs / "manifest.csv", "video")


def test_a_layout_without_tables_has_no_columns(tmp_path):
    write_images(tmp_path, *(f"ADM/{split}/{kind}/1.png" for split in ("train", "val") for kind in ("ai", "nature")))
    with pytest.raises(InputError, match="no table has the column video"):
        sources(tmp_path, "video")


@pytest.mark.parametrize("video", ["video_{}", "clip{:02d}", "{0:03d}_{0:03d}", "id1_id{}_0001", "frames/any name {}"])
def test_frames_of_videos_stay_together_when_splits_are_drawn(tmp_path, video):
    folders = [f"{kind}/{video.format(index)}" for kind in ("real", "fake") for index in range(10)]
    write_images(tmp_path, *(f"{folder}/frame_{frame:03d}.png" for folder in folders for frame in range(3)))
    images = read(str(tmp_path))
    assert images.drawn_splits
    assert set(images.table["source"]) == set(folders)
    assert (images.table.groupby("source")["split"].nunique() == 1).all()
    assert set(images.table["split"]) == {"train", "val", "test"}
    assert any("20 folders such as" in note and "were taken as videos" in note for note in images.notes)
    assert set(images.table["content"]) == {""}


@pytest.mark.parametrize("shape", ["{}/cats{}/frame_0.png", "{}/video_{}/boat.png", "{}/video_{}.png"])
def test_folders_that_are_no_videos_are_not_taken_as_such(tmp_path, shape):
    write_images(tmp_path, *(shape.format(kind, index) for kind in ("real", "flux") for index in range(6)))
    assert table_columns(read(str(tmp_path)), "source") == {name: name for name in read(str(tmp_path)).names}


def test_folders_of_numbered_images_are_proposed_as_groups(tmp_path):
    folders = [f"{kind}/scene{index}" for kind in ("real", "flux") for index in range(6)]
    write_images(tmp_path, *(f"{folder}/{frame}.png" for folder in folders for frame in range(3)))
    told = [line for line in read(str(tmp_path)).reading if "--group folder" in line]
    assert len(told) == 1
    assert "where folders such as flux/scene0 hold what belongs together" in told[0]


def test_generated_images_of_the_names_of_real_ones_are_proposed_as_pairs(tmp_path):
    write_images(tmp_path, *(f"{kind}/photo_{index}.png" for kind in ("real", "flux") for index in range(30)))
    assert any(
        "share names, such as photo_0" in line and "--group name" in line for line in read(str(tmp_path)).reading
    )
    grouped = read(str(tmp_path), reading=Reading(group="name"))
    assert (grouped.table.groupby("source")["split"].nunique() == 1).all()
    assert proposals(grouped.table) == []


def test_plain_numbers_pair_nothing(tmp_path):
    write_images(tmp_path, *(f"{kind}/{index}.png" for kind in ("real", "flux") for index in range(30)))
    assert not any("--group name" in line for line in read(str(tmp_path)).reading)


@pytest.mark.parametrize("end", ["cls", "json"])
def test_frames_of_videos_in_samples_stay_together_as_those_in_folders_do(tmp_path, end):
    names = [
        f"{kind}/video_{video}/{frame:04}" for kind in ("real", "fake") for video in range(4) for frame in range(3)
    ]
    write_images(tmp_path, *(f"{name}.png" for name in names))
    for name in names:
        (tmp_path / f"{name}.{end}").write_text(name[:4] if end == "cls" else f'{{"label": "{name[:4]}"}}')
    found = table_columns(read(str(tmp_path)), "source")
    assert found == {f"{name}.png": name.rpartition("/")[0] for name in names}
    assert found == table_columns(read(f"folders:{tmp_path}"), "source")


def test_keys_of_samples_group_nothing_and_proposals_are_made(tmp_path):
    names = [f"{kind}/{folder:02}x/{number}" for kind in ("real", "flux") for folder in range(6) for number in range(2)]
    write_images(tmp_path, *(f"{name}.png" for name in names))
    for name in names:
        (tmp_path / f"{name}.cls").write_text("real" if name.startswith("real") else "fake")
    assert any("say --group folder" in line for line in proposals(read(str(tmp_path)).table))
