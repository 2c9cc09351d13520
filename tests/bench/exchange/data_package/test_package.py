"""datapackage.json beside the tables of a result folder: every column is described, and types and keys hold."""

import json

import numpy as np
import pandas as pd
import pytest

from bench.evaluation.cells import evaluate
from bench.evaluation.leaderboard import rankings_of
from bench.exchange.data_package.columns import NOT_EXPLAINED
from bench.exchange.data_package.package import PACKAGE, DescribedTable, tables_in, write_package
from bench.platform.checksums import ChecksumList
from bench.records.folder_check import check_folder
from bench.records.manifest import SCHEMA
from bench.records.store import Store
from bench.report.run_report import write_files
from bench.report.sections.catalogue import sections_of
from tests.support.synthetic_runs import make_run, with_released, without

KINDS = {"integer": int, "number": float, "boolean": bool, "string": str}


@pytest.fixture(scope="module", params=["trained", "released"])
def folder(request, tmp_path_factory):
    run = make_run(detectors=("alpha", "=beta"), n=4, degraded=request.param == "trained")
    run = without(run, run.cells["test"].eq("haze") & run.cells["detector"].eq("alpha"))
    run = with_released(run, "alpha") if request.param == "released" else run
    store, measured = Store.at(tmp_path_factory.mktemp("run")), evaluate(run)
    store.record_scores(run.scores)
    store.finish(run.manifest, run.cells)
    store.write("throughput.csv", run.throughput.to_csv(index=False).encode())
    store.write("excluded.csv", b"name,reason,data\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("bench.report.run_report._write_pictures", lambda *_: None)
        write_files(run, measured, rankings_of(run, measured), sections_of(measured), store)
    return store.root


def package_of(folder):
    return json.loads((folder / PACKAGE).read_text(encoding="utf-8"))


def read(folder, resource):
    path = folder / resource["path"]
    return pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_csv(path, dtype=str, keep_default_na=False)


def test_every_column_of_every_table_is_described(folder):
    resources = {one["path"]: one for one in package_of(folder)["resources"]}
    tables = [path for path in folder.rglob("*") if path.suffix in {".csv", ".parquet"}]
    assert {path.relative_to(folder).as_posix() for path in tables} == set(resources)
    for path, resource in resources.items():
        fields = resource["schema"]["fields"]
        assert [field["name"] for field in fields] == list(read(folder, resource).columns), path
        assert [field["name"] for field in fields if field["description"] == NOT_EXPLAINED] == [], path
        assert len(resource["title"]) > 5


def test_types_and_missing_values_hold(folder):
    for resource in package_of(folder)["resources"]:
        table = read(folder, resource)
        assert resource["schema"]["missingValues"] == [""]
        for field in resource["schema"]["fields"]:
            values = table[field["name"]]
            if resource["format"] == "csv":
                given = [text for text in values if text != ""]
                truths = {"True": True, "False": False}
                make = truths.__getitem__ if field["type"] == "boolean" else KINDS.get(field["type"], str)
                assert len([make(text) for text in given]) == len(given)
            else:
                assert field["type"] in KINDS
                numeric = pd.api.types.is_numeric_dtype(values)
                assert numeric == (field["type"] != "string"), field


def test_keys_identify_rows_and_miss_nothing(folder):
    keyed = {}
    for resource in package_of(folder)["resources"]:
        if key := resource["schema"].get("primaryKey"):
            table = read(folder, resource)[key]
            assert not table.duplicated().any()
            assert not table.isna().any(axis=None)
            assert not table.eq("").any(axis=None)
            keyed[resource["path"].partition("/")[0]] = key
    assert {"leaderboard.csv", "scores"} <= set(keyed)
    assert ("cells.parquet" in keyed) == (not read(folder, {"path": "cells.parquet"})["train"].eq("").any())


def test_it_has_the_version_of_the_records_and_a_checksum(folder):
    package = package_of(folder)
    assert package["lineup"]["schema"] == SCHEMA
    assert len({one["name"] for one in package["resources"]}) == len(package["resources"])
    assert ChecksumList.of(folder).fault(PACKAGE) == ""
    assert check_folder(folder).faults == ()
    assert check_folder(folder).foreign == ()


def test_a_folder_without_it_is_whole(folder, tmp_path):
    run = make_run(n=4)
    store = Store.at(tmp_path)
    store.record_scores(run.scores)
    store.finish(run.manifest, run.cells)
    found = check_folder(tmp_path)
    assert (found.faults, found.foreign, found.older) == ((), (), ())
    assert Store(tmp_path).read().manifest == run.manifest


def test_only_what_lineup_wrote_is_described(tmp_path):
    store = Store.at(tmp_path)
    store.write("training.csv", b"fit,epoch,train_loss\nab,0,0.5\nab,1,0.25\n")
    store.write("excluded.csv", b"")
    (tmp_path / "mine.csv").write_text("my,own\n1,2\n")
    (found,) = tables_in(tmp_path)
    assert found == DescribedTable(
        "training.csv", "training.csv", {"fit": "string", "epoch": "integer", "train_loss": "number"}, ("fit", "epoch")
    )


def test_names_that_differ_in_case_alone_stay_apart(tmp_path):
    tables = [DescribedTable(f"{name}.csv", "matrix", {"train": "string"}) for name in ("Matrix-A", "matrix-a")]
    write_package(tmp_path, tables, "Two matrices.")
    assert [one["name"] for one in package_of(tmp_path)["resources"]] == ["matrix-a.csv", "matrix-a.csv-1"]


def test_rows_have_the_types_of_their_file():
    rows = pd.DataFrame({"detector": ["a"], "n": [1], "ap": np.float32([0.5])})
    import pyarrow as pa

    made = DescribedTable.of_rows("cells.csv", "cells.parquet", rows, pa.Schema.from_pandas(rows, preserve_index=False))
    assert dict(made.types) == {"detector": "string", "n": "integer", "ap": "number"}
    assert made.key == ("detector",)
