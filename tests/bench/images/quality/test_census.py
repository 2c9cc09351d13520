"""What a census counts, excludes and warns of."""

import json
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from rich.console import Console

from bench.command.data_survey import SurveyRequest, survey
from bench.engine.cache import Cache
from bench.images.assembly import with_base_degradation
from bench.images.data_sets import read
from bench.images.decoding.decoder import UnreadableImage
from bench.images.decoding.structure import DAMAGED_EXIF, ENDS_EARLY
from bench.images.quality.census import equal_conditions, take_census
from bench.images.quality.duplicates import MAX_NEAR_DISTANCE, find_duplicates, near_pairs
from bench.images.quality.file_records import perceptual_hash
from bench.interface.data import DataSet
from bench.platform.errors import InputError
from bench.platform.progress import Reporter
from detectors.checks import texture
from protocols.degradations import canonical_steps
from tests.support.mutated_images import chunk
from tests.support.planted_shortcuts import as_png, encode, inspect_data, write_planted


@pytest.fixture
def data(tmp_path):
    return write_planted(tmp_path / "data", generated=as_png, size=8)


def census(data):
    return take_census(inspect_data(data, data.parent / "cache"))


def test_every_group_is_counted_with_what_its_files_are(data):
    groups = census(data).groups.set_index(["generator", "split", "class"])
    assert len(groups) == 4
    real, generated = groups.loc[("g", "train", "real")], groups.loc[("g", "val", "generated")]
    assert (real["images"], generated["images"]) == (8, 4)
    assert (real["formats"], generated["formats"]) == ({"JPEG": 8}, {"PNG": 4})
    assert real["quality"] == {"min": 90, "median": 92, "max": 96}
    assert generated["quality"] == {}
    assert generated["width"] == {"min": 64, "median": 64, "max": 64}
    sizes = [path.stat().st_size for path in (data / "g" / "val" / "ai").iterdir()]
    assert generated["bytes_per_pixel"]["median"] == pytest.approx(np.median(sizes) / 64**2)


def test_a_census_can_be_stored(data):
    stored = json.loads(json.dumps(census(data).to_json()))
    assert stored["images"] == 24
    assert stored["warnings"] == []


def test_a_clean_data_set_has_no_duplicates(data):
    assert census(data).duplicates == ()


def test_files_that_cannot_be_used_are_counted_with_their_reason_and_nowhere_else(data):
    victim = data / "g" / "val" / "ai" / "g_val_ai_001.png"
    victim.write_bytes(victim.read_bytes()[:200])
    (data / "g" / "val" / "ai" / "g_val_ai_002.png").write_text("text")
    (data / "g" / "train" / "nature" / "link.jpg").symlink_to("/etc/hostname")
    found = census(data)
    assert found.images == 22
    reasons = dict(zip(found.excluded["name"], found.excluded["reason"], strict=True))
    assert set(reasons) == {
        "g/val/ai/g_val_ai_001.png", "g/val/ai/g_val_ai_002.png", "g/train/nature/link.jpg"
    }  # fmt: skip
    assert all(reasons.values())
    assert "3 files cannot be used and were excluded for every detector" in found.warnings[0]


def test_too_many_of_them_stop_the_run_and_a_higher_share_allows_it(data):
    victim = data / "g" / "val" / "ai" / "g_val_ai_001.png"
    victim.write_bytes(b"")
    inspection = inspect_data(data, data.parent / "cache")
    with pytest.raises(InputError, match=r"1 of 24 images cannot be used, such as g/val/ai/g_val_ai_001\.png"):
        inspection.require_usable(0.04)
    assert len(inspection.require_usable(0.05).images) == 23


def test_an_image_in_two_splits_is_leakage_and_one_in_two_classes_a_contradiction(data):
    train, val = data / "g" / "train", data / "g" / "val"
    (val / "nature" / "again.jpg").write_bytes(next((train / "nature").iterdir()).read_bytes())
    (train / "ai" / "copy.jpg").write_bytes(sorted((train / "nature").iterdir())[3].read_bytes())
    found = {(one.what, one.across): one for one in census(data).duplicates}
    assert set(found) == {("exact", "splits"), ("exact", "classes")}
    assert found["exact", "splits"].images == 1
    assert found["exact", "splits"].example[0] == "g/val/nature/again.jpg"
    assert found["exact", "classes"].images == 2
    told = " ".join(census(data).warnings)
    assert "leakage: 1 image" in told
    assert "contradiction: 2 files" in told


def test_a_recompressed_copy_is_a_near_duplicate(data):
    original = np.asarray(Image.open(sorted((data / "g" / "train" / "nature").iterdir())[0]))
    (data / "g" / "val" / "nature" / "copy.jpg").write_bytes(encode(original, "JPEG", quality=60))
    found = {(one.what, one.across): one.images for one in census(data).duplicates}
    assert found == {("near", "splits"): 1}


def test_a_near_duplicate_of_the_other_class_is_warned_of_with_an_example(data):
    real = sorted((data / "g" / "train" / "nature").iterdir())[0]
    original = np.asarray(Image.open(real))
    (data / "g" / "train" / "ai" / "copy.jpg").write_bytes(encode(original, "JPEG", quality=60))
    (told,) = census(data).warnings
    assert told.startswith("2 images look nearly like one of the other class, such as g/train/ai/copy.jpg and ")
    assert real.name in told
    assert "reconstructions" in told


def test_the_splits_of_a_generator_and_class_are_one_row_shared_pools_first(data):
    rows = census(data).generators
    assert rows[["generator", "class", "splits"]].to_numpy().tolist() == [
        ["g", "real", {"train": 8, "val": 4}],
        ["g", "generated", {"train": 8, "val": 4}],
    ]
    assert rows["quality"][0] == {"min": 90, "median": 92, "max": 96}
    for split in ("train", "val"):
        (data / "real" / split).mkdir(parents=True)
        (data / "g" / split / "nature").rename(data / "real" / split / "nature")
    shared = census(data).generators
    assert shared["class"].tolist() == ["real", "generated"]


def test_tables_of_no_quality_are_counted_and_give_no_quality(data):
    real = sorted((data / "g" / "train" / "nature").iterdir())[0]
    real.write_bytes(encode(np.asarray(Image.open(real)), "JPEG", qtables=[[24] * 64, [40] * 64]))
    rows = census(data).generators.set_index("class")
    assert rows.loc["real", "other_tables"] == 1
    assert rows.loc["generated", "other_tables"] == 0
    assert rows.loc["real", "quality"] == {"min": 90, "median": 92, "max": 96}


def test_real_images_that_generators_share_are_no_leak_and_are_known(tmp_path):
    write_planted(tmp_path / "data", size=4, generators=("a", "b"))
    for path in (tmp_path / "data" / "a" / "train" / "nature").iterdir():
        (tmp_path / "data" / "b" / "train" / "nature" / path.name).write_bytes(path.read_bytes())
    inspection = inspect_data(tmp_path / "data", tmp_path / "cache")
    assert [(one.across, one.images) for one in find_duplicates(inspection)] == [("pools", 8)]
    assert take_census(inspection).warnings == ()


def test_what_a_data_set_lists_and_does_not_hold_is_a_warning(data):
    rows = [f"{path.relative_to(data)},{int('ai' in path.parts)}" for path in data.rglob("*.*g")]
    (data / "manifest.csv").write_text("\n".join(["path,label", *rows, "gone.png,1"]) + "\n")
    found = take_census(inspect_data(f"manifest:{data}", data.parent / "cache"))
    told = "the data set lists 1 images that the manifest lists, such as gone.png, which are not there"
    assert told in found.warnings[-1]


def test_near_pairs_are_those_of_a_slow_search():
    random = np.random.default_rng(0)
    base = random.integers(0, 256, (30, 18), dtype=np.uint8)
    bits = np.unpackbits(np.repeat(base, 4, axis=0), axis=1)
    for row, flips in enumerate(np.tile([0, 3, MAX_NEAR_DISTANCE, MAX_NEAR_DISTANCE + 1], 30)):
        bits[row, random.choice(144, flips, replace=False)] ^= 1
    unique = np.unique(np.packbits(bits, axis=1), axis=0)
    slow = {
        (i, j)
        for i in range(len(unique))
        for j in range(i + 1, len(unique))
        if np.bitwise_count(unique[i] ^ unique[j]).sum() <= MAX_NEAR_DISTANCE
    }
    assert slow
    assert set(map(tuple, near_pairs(unique).tolist())) == slow


def test_a_perceptual_hash_survives_what_keeps_an_image_the_same_and_no_more():
    picture = np.asarray(Image.fromarray(texture("look", 48, 48)).resize((200, 200), Image.Resampling.BICUBIC))
    bits = np.unpackbits(np.frombuffer(perceptual_hash(picture), np.uint8))
    for other in (picture // 2, np.asarray(Image.fromarray(picture).resize((128, 128)))):
        assert (np.unpackbits(np.frombuffer(perceptual_hash(other), np.uint8)) != bits).sum() <= MAX_NEAR_DISTANCE
    mirrored = np.unpackbits(np.frombuffer(perceptual_hash(np.ascontiguousarray(picture[:, ::-1])), np.uint8))
    assert (mirrored != bits).sum() > 4 * MAX_NEAR_DISTANCE


def test_an_unreadable_image_among_the_first_does_not_hide_the_common_size(data):
    sorted((data / "g" / "train" / "nature").iterdir())[0].write_bytes(b"")
    assert read(str(data)).short_side == 64
    for path in data.rglob("*.*g"):
        path.write_bytes(b"")
    with pytest.raises(InputError, match="none of the first images"):
        _ = read(str(data)).short_side


def test_a_file_that_could_not_be_read_once_is_read_the_next_time(data, monkeypatch):
    images, cache = read(str(data)), Cache(data.parent / "cache")
    real = type(images.files).read

    def failing(self, name):
        if name.endswith("ai_001.png"):
            raise TimeoutError(110, "timed out")
        return real(self, name)

    monkeypatch.setattr(type(images.files), "read", failing)
    first = cache.inspect(images, 2, lambda _: None)
    assert set(first.unreadable["reason"]) == {"it cannot be read: timed out"}
    monkeypatch.undo()
    again = []
    second = cache.inspect(images, 2, again.append)
    assert not len(second.unreadable)
    assert again == [len(images) - 2, 1, 1]


def test_duplicates_are_found_among_any_number_of_pools(tmp_path):
    write_planted(tmp_path / "data", size=2, generators=tuple(f"g{number:02d}" for number in range(70)))
    first, last = (tmp_path / "data" / name / "val" / "nature" for name in ("g68", "g69"))
    (last / "copy.jpg").write_bytes(next(first.iterdir()).read_bytes())
    found = find_duplicates(inspect_data(tmp_path / "data", tmp_path / "cache"))
    assert [(one.across, one.images) for one in found] == [("pools", 2)]


def test_an_image_that_cannot_go_through_its_degradation_is_excluded_with_that_reason(data):
    (data / "g" / "val" / "ai" / "long.png").write_bytes(encode(np.zeros((1, 70_000, 3), np.uint8), "PNG"))
    images = with_base_degradation(read(str(data)), "canonical:jpeg96")
    found = Cache(data.parent / "cache").inspect(images, 1, lambda _: None).unreadable
    assert found["name"].tolist() == ["g/val/ai/long.png"]
    assert "cannot go through canonical:jpeg96" in found["reason"].iloc[0]


def test_a_degradation_counts_for_the_common_size(data):
    assert with_base_degradation(read(str(data)), "lr:32").short_side == 32


def test_refused_files_of_folders_outside_the_layout_do_not_count(data):
    (data / "samples").mkdir()
    (data / "samples" / "one.png").write_bytes(encode(texture("one", 9, 9), "PNG"))
    (data / "samples" / "link.png").symlink_to("gone.png")
    (data / "g" / "val" / "ai" / "link.png").symlink_to("gone.png")
    images = read(f"genimage:{data}")
    assert [name for name, _ in images.refused] == ["g/val/ai/link.png"]
    inspection = Cache(data.parent / "cache").inspect(images.select_at_most(2), 1, lambda _: None)
    assert len(inspection.require_usable(0.05).images) == 8  # one of 25, whatever the limit
    with pytest.raises(InputError, match=r"1 of 25 images cannot be used, such as g/val/ai/link\.png"):
        inspection.require_usable(0.03)


def test_files_of_other_kinds_are_noted(data):
    (data / "g" / "val" / "ai" / "one.psd").write_bytes(b"")
    assert "files of other kinds were not read: 1 .psd" in read(str(data)).notes


def test_what_was_passed_over_in_a_file_is_counted_by_kind_and_excludes_nothing(data):
    folder = data / "g" / "val" / "ai"
    for name in ("g_val_ai_001.png", "g_val_ai_002.png"):
        whole = (folder / name).read_bytes()
        (folder / name).write_bytes(whole[:33] + chunk(b"eXIf", b"garbage") + whole[33:])
    (folder / "g_val_ai_003.png").write_bytes(whole[:33] + chunk(b"eXIf", b"garbage") + whole[33:-7])
    found = census(data)
    assert (found.images, len(found.excluded), found.warnings) == (24, 0, ())
    assert [note.text for note in found.file_notes] == [
        f"{DAMAGED_EXIF}: 3 images, such as g/val/ai/g_val_ai_001.png",
        f"{ENDS_EARLY}: 1 image, g/val/ai/g_val_ai_003.png",
    ]
    stored = json.loads(json.dumps(found.to_json()))["file_notes"]
    assert stored[0] == {"note": DAMAGED_EXIF, "images": 3, "example": "g/val/ai/g_val_ai_001.png"}
    assert census(data).file_notes == found.file_notes  # from the cache


def test_a_data_set_is_surveyed_with_what_was_passed_over(data, capsys):
    name = data / "g" / "val" / "ai" / "g_val_ai_001.png"
    name.write_bytes(name.read_bytes()[:-7])
    wanted = SurveyRequest(audit=False, every_row=False, match=None, match_by="crop")
    inspected = inspect_data(data, data.parent / "cache")
    survey(DataSet(str(data)), inspected, wanted, Reporter(Console(stderr=True)))
    assert f"Note: {ENDS_EARLY}: 1 image, g/val/ai/g_val_ai_001.png" in " ".join(capsys.readouterr().out.split())


def test_what_is_too_large_under_one_limit_is_looked_at_again_under_another(data):
    images = replace(read(str(data)), max_pixels=64 * 64 - 1)
    cache = Cache(data.parent / "cache")
    small = cache.inspect(images, 1, lambda _: None).unreadable
    assert len(small) == 24
    assert set(small["reason"]) == {"64 x 64 pixels are more than the 4,095 that are read; --max-pixels 4096 reads it"}
    assert not len(cache.inspect(replace(images, max_pixels=64 * 64), 1, lambda _: None).unreadable)
    with pytest.raises(UnreadableImage, match="--max-pixels 4096"):
        images[0]


def test_conditions_that_are_one_to_small_images_are_named(data):
    """Images are of 64 x 64 pixels."""
    inspected = inspect_data(data, data.parent / "cache")
    asked = ("none", "jpeg:85", "longest:64+jpeg:85", "longest:63+jpeg:85", "lr:64", "thumbnail:100+jpeg:85")
    first, second = equal_conditions(inspected, asked)
    assert first.startswith("none and lr:64 give the same pixels")
    assert first.endswith("counts 2 times in means over conditions")
    assert second.startswith("jpeg:85 and longest:64+jpeg:85 and thumbnail:100+jpeg:85 give the same pixels")
    profile = canonical_steps(["delivery"])
    assert [one.partition(" give")[0] for one in equal_conditions(inspected, profile)] == [
        "jpeg:85 and longest:1024+jpeg:85",
        "longest:768+jpeg:60 and longest:512+jpeg:60",
    ]
