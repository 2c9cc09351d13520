"""A planted shortcut is named by the audit, and gone from the matched subset."""

import csv

import pytest

from bench.images.files.tree import Folder
from bench.images.quality.audit import audit_attributes
from bench.images.quality.matching import matched_subset, write_manifest
from bench.platform.errors import InputError
from tests.support.planted_shortcuts import as_jpeg, as_jpeg_75, as_png, as_smaller_jpeg, inspect_data, write_planted

PLANTED = {"format": as_png, "size": as_smaller_jpeg, "JPEG quality": as_jpeg_75}


def leaks(inspection):
    found = audit_attributes(inspection.table, inspection.images.pools)
    return {one.attribute for one in found if one.leaks}


@pytest.mark.parametrize("attribute", PLANTED)
def test_a_planted_shortcut_is_named_and_gone_after_matching(tmp_path, attribute):
    whole = inspect_data(write_planted(tmp_path / "data", generated=PLANTED[attribute]), tmp_path / "cache")
    assert attribute in leaks(whole)
    subset = matched_subset(whole)
    assert len(subset) == len(whole.images)  # everything has a partner here: nothing is thrown away
    write_manifest(subset, whole.images, str(tmp_path / "data"), "", tmp_path / "matched")
    again = inspect_data(tmp_path / "matched", tmp_path / "cache")
    assert leaks(again) == set()
    facts = again.table.groupby("label")[["format", "width", "height", "quality"]].value_counts()
    assert facts[0].sort_index().equals(facts[1].sort_index())


def test_the_manifest_is_a_data_set_with_the_same_images_in_it(tmp_path):
    whole = inspect_data(write_planted(tmp_path / "data", generated=as_png, generators=("a", "b")), tmp_path / "cache")
    subset = matched_subset(whole)
    write_manifest(subset, whole.images, str(tmp_path / "data"), "", tmp_path / "matched")
    again = inspect_data(tmp_path / "matched", tmp_path / "cache").images
    assert again.title == "data, matched"
    assert again.pools == whole.images.pools
    columns = ["name", "label", "generator", "split", "content", "source"]
    assert again.table[columns].equals(whole.images.table[columns])
    sample = again[again.names.index("a/val/ai/a_val_ai_001.png")]
    assert sample.facts.format == "JPEG"
    assert (again.files.stamp(again.names[0])) == Folder(tmp_path / "data").stamp(again.names[0])


def test_generated_images_are_encoded_at_the_qualities_of_the_real_ones(tmp_path):
    whole = inspect_data(write_planted(tmp_path / "data", generated=as_png), tmp_path / "cache")
    subset = matched_subset(whole)
    encodings = subset.assign(encoding=subset["degradation"].str.partition("+")[2])
    counts = encodings.groupby("label")["encoding"].value_counts()
    assert counts[0].to_dict() == counts[1].to_dict()
    assert set(counts[0].index) == {f"canonical:jpeg{quality}" for quality in (90, 92, 96)}


def test_which_images_match_depends_on_their_contents_and_not_on_their_names(tmp_path):
    write_planted(tmp_path / "data", size=24)
    generated = tmp_path / "data" / "g" / "train" / "ai"
    for path in sorted(generated.iterdir())[10:]:
        path.unlink()  # fewer generated images than real ones of their size: some real ones are left out

    def chosen():
        whole = inspect_data(tmp_path / "data", tmp_path / "cache")
        hashes = dict(zip(whole.images.names, whole.records["hash"], strict=True))
        return {
            (hashes[name], degradation)
            for name, degradation in matched_subset(whole)[["name", "degradation"]].to_numpy()
        }

    before = chosen()
    assert len(before) == 2 * (10 + 12)
    folder = tmp_path / "data" / "g" / "train" / "nature"
    for place, path in enumerate(sorted(folder.iterdir(), reverse=True)):
        path.rename(folder / f"renamed_{place:03d}.jpg")
    assert chosen() == before


def test_images_without_a_partner_of_their_size_are_left_out(tmp_path):
    def growing(name, index):
        return as_jpeg(name, index, 48 if index % 2 else 200)

    subset = matched_subset(inspect_data(write_planted(tmp_path / "data", real=growing, size=20), tmp_path / "cache"))
    assert set(subset["degradation"].str.partition("+")[0]) == {"crop:48x48"}
    assert subset["label"].value_counts().to_dict() == {0: 15, 1: 15}


def share_pool(folder, sizes, side=lambda index: 64):
    """A data set without splits: `sizes` images of each generator and of the pool `real`."""
    for name, size in sizes.items():
        (folder / name).mkdir(parents=True)
        for index in range(size):
            file, data = as_jpeg(f"{name}_{index:03d}", index, side(index))
            (folder / name / file).write_bytes(data)
    return folder


def counts(table):
    return {
        (one.generator, one.label): one.count
        for one in table.value_counts(["generator", "label"]).reset_index().itertuples()
    }


def test_a_small_generator_does_not_shrink_the_others(tmp_path):
    folder = share_pool(tmp_path / "data", {"real": 60, "large": 60, "other": 55, "small": 12})
    whole = inspect_data(folder, tmp_path / "cache")
    subset = matched_subset(whole)
    found = counts(subset)
    assert found["small", 1] == found["small", 0] > 8  # with real images of its own
    assert found["large", 1] == found["other", 1] == found["real", 0] > 35
    write_manifest(subset, whole.images, str(folder), "", tmp_path / "matched")
    again = inspect_data(tmp_path / "matched", tmp_path / "cache")
    assert again.images.pools == {"large": "real", "other": "real", "small": "small"}
    facts = again.table.groupby(["generator", "label"])[["width", "height", "quality"]].value_counts()
    assert facts["small", 0].sort_index().equals(facts["small", 1].sort_index())


def test_generators_of_like_sizes_are_matched_with_the_same_real_images(tmp_path):
    folder = share_pool(tmp_path / "data", {"real": 40, "a": 40, "b": 32})
    found = counts(matched_subset(inspect_data(folder, tmp_path / "cache")))
    assert set(found) == {("real", 0), ("a", 1), ("b", 1)}
    assert found["real", 0] == found["a", 1] == found["b", 1]


def test_sizes_are_made_equal_by_scaling_where_that_is_asked_for(tmp_path):
    write_planted(tmp_path / "data", real=lambda name, index: as_jpeg(name, index, 200), size=10)
    whole = inspect_data(tmp_path / "data", tmp_path / "cache")
    subset = matched_subset(whole, "scale")
    assert len(subset) == len(whole.images)  # whatever the sizes
    assert set(subset["degradation"].str.rpartition("+")[0]) == {"lr:64+crop:64x64"}
    write_manifest(subset, whole.images, str(tmp_path / "data"), "", tmp_path / "matched")
    again = inspect_data(tmp_path / "matched", tmp_path / "cache")
    assert set(map(tuple, again.table[["width", "height"]].to_numpy().tolist())) == {(64, 64)}


def test_nothing_to_match_is_one_clear_line(tmp_path):
    whole = inspect_data(
        write_planted(tmp_path / "data", real=lambda n, i: as_jpeg(n, i, 200), size=4), tmp_path / "cache"
    )
    with pytest.raises(InputError, match=r"no real image of g is left .* nearly its size .*--match-by scale"):
        matched_subset(whole)


def test_a_manifest_never_overwrites(tmp_path):
    whole = inspect_data(write_planted(tmp_path / "data", size=4), tmp_path / "cache")
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match="is there already"):
        write_manifest(matched_subset(whole), whole.images, "x", "", tmp_path / "taken")


def test_real_images_shared_by_generators_are_used_once(tmp_path):
    write_planted(tmp_path / "all", generators=("x", "y"), size=10)
    for generator in ("x", "y"):
        for split in ("train", "val"):
            for path in (tmp_path / "all" / generator / split / "ai").iterdir():
                target = tmp_path / "data" / split / generator / path.name
                target.parent.mkdir(parents=True, exist_ok=True)
                path.rename(target)
    for split in ("train", "val"):
        (tmp_path / "all" / "x" / split / "nature").rename(tmp_path / "data" / split / "real")
    whole = inspect_data(f"{tmp_path / 'data'}", tmp_path / "cache")
    subset = matched_subset(whole)
    write_manifest(subset, whole.images, str(tmp_path / "data"), "", tmp_path / "matched")
    with (tmp_path / "matched" / "manifest.csv").open() as opened:
        rows = list(csv.DictReader(opened))
    assert len({row["path"] for row in rows}) == len(rows) == 3 * 15
    again = inspect_data(tmp_path / "matched", tmp_path / "cache").images
    assert again.pools == {"x": "real", "y": "real"}
