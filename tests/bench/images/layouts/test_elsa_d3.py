"""ELSA_D3: four generated images a row, real ones mounted."""

import pyarrow as pa
import pytest

from bench.images.data_sets import read as read_data
from bench.images.layouts.api import SHARED_POOL
from bench.images.layouts.elsa_d3 import GENERATORS
from bench.platform.errors import InputError
from tests.support.image_tables import png, same_pixels, structs, table, write_parquet


def elsa(first, count, *, as_structs=True, models=()):
    """Rows whose image k of row r is of number `first + 4 r + k`."""
    columns = {"id": [f"id{first + row}" for row in range(count)], "url": ["https://nowhere.invalid"] * count}
    for index in range(4):
        images = [png(first + 4 * row + index) for row in range(count)]
        columns[f"image_gen{index}"] = structs(images) if as_structs else pa.array(images)
    for index, model in enumerate(models):
        columns[f"model_gen{index}"] = [model] * count
    return table(columns)


def both_splits(root, *, as_structs=True):
    write_parquet(root / "set" / "data" / "train-00000-of-00001.parquet", elsa(0, 6, as_structs=as_structs))
    write_parquet(root / "set" / "data" / "validation-00000-of-00001.parquet", elsa(100, 2, as_structs=as_structs))
    return root / "set"


def photos(root, *names):
    folder = root / "photos"
    folder.mkdir()
    for index, name in enumerate(names):
        (folder / name).write_bytes(png(1000 + index))
    return folder


def read(folder, real):
    """Found out, and forced: the same."""
    found, forced = (read_data(f"{head}{folder}", str(real)) for head in ("", "elsa_d3:"))
    assert found.table.equals(forced.table)
    return found


@pytest.mark.parametrize("as_structs", [True, False])
def test_four_generators_share_the_source_of_their_row(tmp_path, as_structs):
    real = photos(tmp_path, *(f"{index}.jpg.png" for index in range(8)))
    images = read(both_splits(tmp_path, as_structs=as_structs), real)
    generated = images.select(images.table["label"] == 1)
    assert generated.names[1] == "data/train-00000-of-00001.parquet/000000.gen1." + ("png" if as_structs else "img")
    assert generated.table["generator"].tolist() == [*GENERATORS] * 8
    assert generated.table["source"].tolist()[:5] == ["id0"] * 4 + ["id1"]
    assert generated.table["split"].tolist() == ["train"] * 24 + ["val"] * 8
    assert same_pixels(generated, [*range(24), *range(100, 108)])
    assert images.missing == {"real images that are only URLs": 8}
    assert set(images.pools.values()) == {SHARED_POOL}
    assert images.families["SDv1.4"] == "stable diffusion"
    assert images.families["DeepFloyd IF"] == "pixel diffusion"


def test_the_generators_are_those_that_columns_state(tmp_path):
    models = ("some/model", "stable-diffusion-1.4", None, "x")
    for name in ("train-0", "test-0"):
        write_parquet(tmp_path / "set" / f"{name}.parquet", elsa(0, 2, models=models))
    images = read(tmp_path / "set", photos(tmp_path, "a.png", "b.png"))
    assert images.generators == ("SDv1.4", "SDv2.1", "some/model", "x")


def test_real_images_are_assigned_to_the_splits_in_the_proportion_of_the_rows(tmp_path):
    images = read(both_splits(tmp_path), photos(tmp_path, *(f"{index}.png" for index in range(8))))
    real = images.select(images.table["label"] == 0)
    assert real.names[0] == "real/0.png"
    assert sorted(real.table["split"]) == ["train"] * 6 + ["val"] * 2
    assert same_pixels(real, range(1000, 1008))
    assert images.files.read("real/3.png") == png(1003)


def test_a_real_image_named_for_a_row_is_of_its_source_and_split(tmp_path):
    real = read(both_splits(tmp_path), photos(tmp_path, "id100.png", "id5.png", "x.png", "y.png")).table
    named = real[real["label"] == 0].set_index("name")
    assert named.loc["real/id100.png", ["source", "split"]].tolist() == ["id100", "val"]
    assert named.loc["real/id5.png", ["source", "split"]].tolist() == ["id5", "train"]


def test_one_split_only_is_divided_with_each_row_kept_whole(tmp_path):
    write_parquet(tmp_path / "set" / "train.parquet", elsa(0, 20))
    images = read(tmp_path / "set", photos(tmp_path, *(f"{index}.png" for index in range(20))))
    assert set(images.table["split"]) == {"train", "val", "test"}
    assert (images.table[images.table["label"] == 1].groupby("source")["split"].nunique() == 1).all()


def test_rows_without_bytes_are_counted(tmp_path):
    both_splits(tmp_path)
    made = elsa(50, 2)
    made = made.set_column(made.schema.names.index("image_gen2"), "image_gen2", structs([None, png(1)]))
    write_parquet(tmp_path / "set" / "data" / "train-1.parquet", made)
    images = read(tmp_path / "set", photos(tmp_path, *map("{}.png".format, range(4))))
    assert images.missing == {"real images that are only URLs": 10, "images without bytes": 1}
    assert len(images) == 4 + 39


def test_without_real_images_the_count_and_the_option_are_named(tmp_path):
    with pytest.raises(InputError, match=r"the 8 real images of ELSA_D3 are URLs only; .* --real FOLDER"):
        read_data(str(both_splits(tmp_path)))


def test_a_table_of_other_columns_is_named(tmp_path):
    write_parquet(both_splits(tmp_path) / "data" / "train-9.parquet", table({"id": [1], "image": structs([b""])}))
    with pytest.raises(
        InputError, match=r"train-9\.parquet has the columns id, image; elsa_d3 wants id and image_gen0"
    ):
        read_data(f"elsa_d3:{tmp_path / 'set'}")
