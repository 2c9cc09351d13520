"""A folder, its zip, its tar and its Parquet hold the same images: the same splits and train sets come of them."""

import shutil
import tarfile
import zipfile

import numpy as np
import pytest

from bench.engine.cache import Cache
from bench.engine.selections import Selections
from bench.engine.train_set import SelectionTrainSet
from bench.images.assembly import with_splits_by_content
from bench.images.data_sets import read
from bench.images.quality.inspection import InspectedImages
from protocols.api import Subset
from tests.support.image_tables import png, structs, table, write_parquet

IMAGES = {
    f"{kind}/{index}.png": png(100 * (kind == "flux") + index) for kind in ("real", "flux") for index in range(40)
}
LABELS = ["generated" if name.startswith("flux") else "real" for name in IMAGES]


def as_folder(root):
    for name, data in IMAGES.items():
        (root / "set" / name).parent.mkdir(parents=True, exist_ok=True)
        (root / "set" / name).write_bytes(data)
    return root / "set"


def as_renamed_folder(root):
    """Other names in another order, suffixes in capitals, far below another folder."""
    for index, (name, data) in enumerate(reversed(IMAGES.items())):
        path = root / "far" / "below" / name.split("/")[0] / f"{index * 7 % 80:03d}.PNG"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return root / "far"


def as_zip(root):
    with zipfile.ZipFile(root / "set.zip", "w") as archive:
        for name, data in IMAGES.items():
            archive.writestr(name, data)
    return root / "set.zip"


def as_tar(root):
    with tarfile.open(root / "set.tar", "w") as archive:
        archive.add(as_folder(root), arcname=".")
    shutil.rmtree(root / "set")
    return root / "set.tar"


def as_parquet(root):
    bare = [name.rpartition("/")[2] for name in IMAGES]  # as hub tools keep them: both classes have a 0.png
    columns = {"image": structs(list(IMAGES.values()), bare), "label": LABELS}
    write_parquet(root / "set.parquet", table(columns | {"generator": [name.split("/")[0] for name in IMAGES]}))
    return root


def inspected(place, cache):
    images = read(str(place))
    found = Cache(cache).inspect(images, 1, lambda _: None)
    return InspectedImages(with_splits_by_content(images, found.hashes), found.records)


@pytest.fixture(scope="module")
def forms(tmp_path_factory):
    made = (as_folder, as_renamed_folder, as_zip, as_tar, as_parquet)
    return [inspected(make(tmp_path_factory.mktemp("data")), tmp_path_factory.mktemp("cache")) for make in made]


def test_splits_that_are_drawn_are_the_same(forms):
    drawn = [
        {row.tobytes(): split for row, split in zip(one.hashes, one.images.table["split"], strict=True)}
        for one in forms
    ]
    assert all(found == drawn[0] for found in drawn)
    assert sorted(drawn[0].values()).count("test") == 8


@pytest.mark.parametrize("size", [None, 10])
def test_train_sets_hold_the_same_images_under_the_same_names_in_the_same_order(forms, size):
    selections = [Selections({"": one})[Subset(("flux",), "train", size=size)] for one in forms]
    sets = [SelectionTrainSet(selection, None, None) for selection in selections]
    assert len(sets[0].names) == (64 if size is None else 20)
    for one in sets:
        assert one.names == sets[0].names
        np.testing.assert_array_equal(one.labels, sets[0].labels)
        assert one.generators == sets[0].generators


def test_a_smaller_train_set_is_part_of_a_larger_one(forms):
    selections = Selections({"": forms[0]})
    small, large = (selections[Subset(("flux",), "train", size=size)].positions for size in (5, 20))
    assert set(small) < set(large)
