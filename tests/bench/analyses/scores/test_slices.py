"""Accuracies of slices, against runs that have no other images and against loops."""

import numpy as np
import pandas as pd
import pytest

from bench.analyses.scores.slices import binned, image_attributes, slice_accuracies
from bench.engine.cache import Cache
from bench.evaluation.cells import evaluate
from bench.images.data_sets import read
from bench.records.manifest import ALL_CELLS
from tests.support.miniature import write_folder
from tests.support.synthetic_runs import make_run, with_scores, without


@pytest.fixture(scope="module")
def run():
    return make_run(seeds=(0, 1), n=30)


@pytest.fixture(scope="module")
def contents(run):
    """Two thirds of the images, by their number, are of two contents; nothing is known of the others."""
    names = pd.Index(sorted(set(run.scores["name"])))
    numbers = names.str.extract(r"(\d+)\.jpg$", expand=False).astype(int) % 3
    stated = pd.Series(np.array(["leaves", "shells", "none"])[numbers], names)
    return stated[stated != "none"]


def test_a_slice_is_measured_as_a_run_of_its_images_alone(run, contents):
    found = slice_accuracies(evaluate(run), contents, "off-diagonal").set_index(["slice", "detector"])
    assert found.index.get_level_values("slice").unique().tolist() == ["leaves", "shells", ""]
    for name in ("leaves", "shells", ""):
        inside = run.scores["name"].map(contents).fillna("").eq(name)
        alone = evaluate(with_scores(run, run.scores[inside]))
        for detector in ("alpha", "beta"):
            average, row = alone.averages[detector]["off-diagonal"]["ranked_accuracy"], found.loc[(name, detector)]
            assert row["ranked_accuracy"] == pytest.approx(average.value)
            ends = row[["ranked_accuracy_low", "ranked_accuracy_high"]].tolist()
            assert ends == pytest.approx(average.interval)
            assert (row["sources"], row["cells"]) == (average.sources, 24)
            assert row["real_images"] + row["generated_images"] == average.images == 10 + 40


def test_the_accuracy_is_that_of_a_loop(run, contents):
    found = slice_accuracies(evaluate(run), contents).set_index(["slice", "detector"])
    rows = run.scores.merge(run.cells, on="key")
    rows = rows[rows["name"].map(contents).eq("shells") & rows["detector"].eq("beta")]
    right = (rows["score"] > 0.5) == rows["label"].eq(1)
    by_class = right.groupby([rows["key"], rows["label"]]).mean()
    assert found.loc[("shells", "beta"), "ranked_accuracy"] == pytest.approx(by_class.groupby("key").mean().mean())


def test_a_slice_of_one_class_and_some_cells_says_so(run):
    origin = pd.Series({name: name.split("/")[1] for name in set(run.scores["name"])})
    found = slice_accuracies(evaluate(run), origin).set_index(["slice", "detector"])
    kiln, nature = found.loc[("kiln", "alpha")], found.loc[("nature", "alpha")]
    assert (kiln["cells"], kiln["real_images"], kiln["generated_images"]) == (8, 0, 30)
    assert (nature["cells"], nature["real_images"], nature["generated_images"]) == (32, 30, 0)
    cells = evaluate(run).table
    own = cells[cells["detector"].eq("alpha")]
    assert nature["ranked_accuracy"] == pytest.approx(own["real_accuracy"].mean())
    assert kiln["ranked_accuracy"] == pytest.approx(own.loc[own["test"].eq("kiln"), "generated_accuracy"].mean())


def test_few_images_are_marked(run, contents):
    found = slice_accuracies(evaluate(run), contents, least=51).set_index("slice")
    assert found["few"].all()
    assert not slice_accuracies(evaluate(run), contents, least=50)["few"].any()


def test_a_missing_cell_leaves_no_accuracy_and_is_named(run, contents):
    part = without(run, run.cells["key"].eq("beta/fog/kiln/none/1"))
    found = slice_accuracies(evaluate(part), contents).set_index(["detector", "slice"])
    assert found.loc["beta", "ranked_accuracy"].isna().all()
    assert found.loc["beta", "missing"].str.len().eq(1).all()
    assert found.loc[("beta", "shells"), "cells"] == 31
    assert found.loc["alpha", "ranked_accuracy"].notna().all()


def test_images_of_another_data_set_are_in_no_slice(run, contents):
    cells = run.cells.copy()
    cells.loc[cells["test"].eq("kiln"), "test_data"] = "other"
    measured = evaluate(with_scores(run, run.scores, cells=cells))
    found = slice_accuracies(measured, contents)
    assert set(found["cells"]) == {24}
    assert slice_accuracies(measured, contents, data="nowhere").empty


def test_bins_are_named_by_their_edges_and_keep_their_order():
    values = pd.Series([100, 256, 511.5, 512, 5000, np.nan], list("abcdef"))
    found = binned(values, (256, 512, 1024))
    assert found.tolist() == ["below 256", "256 to 512", "256 to 512", "512 to 1,024", "from 1,024 on", ""]
    assert list(found.cat.categories) == ["below 256", "256 to 512", "512 to 1,024", "from 1,024 on", ""]


def test_slices_stand_in_the_order_of_their_bins(run):
    sizes = pd.Series({name: 100.0 * (1 + index % 3) for index, name in enumerate(sorted(set(run.scores["name"])))})
    found = slice_accuracies(evaluate(run), binned(sizes, (200, 300)))
    assert found["slice"].unique().tolist() == ["below 200", "200 to 300", "from 300 on"]
    whole = evaluate(run).averages["alpha"][ALL_CELLS]["ranked_accuracy"].images
    own = found[found["detector"].eq("alpha")]
    assert (own["real_images"] + own["generated_images"]).sum() == whole


def test_attributes_are_those_of_the_data_and_of_its_files(tmp_path):
    images = read(str(write_folder(tmp_path / "data")))
    records = Cache(tmp_path / "cache").inspect(images, 1, lambda _: None).records
    found = image_attributes(images, records)
    assert list(found.index) == list(images.names)
    first = images[0].pixels.shape
    assert found["longer_side"].iloc[0] == max(first[:2])
    assert found["pixels"].iloc[0] == first[0] * first[1]
    generated = images.labels == 1
    assert set(found["origin"][generated]) == set(images.generators)
    assert found["origin"][~generated].str.startswith("real, ").all()
    unread = image_attributes(images, records.assign(width=0, height=0))
    assert unread[["longer_side", "pixels"]].isna().all(axis=None)
    assert image_attributes(images)["longer_side"].isna().all()
