"""Result folders: what is written reads back as it was, and what cannot be read is told in one sentence."""

import json
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bench.platform.checksums import CHECKSUMS
from bench.platform.errors import InputError
from bench.records import columns
from bench.records import store as store_module
from bench.records.manifest import SCHEMA, read_manifest
from bench.records.store import Store
from detectors.api import Answer
from tests.support.open_protocols import by_size
from tests.support.synthetic_runs import images, make_run, with_manifest


@dataclass
class FakeImages:
    """What a store wants of an image set."""

    table: pd.DataFrame

    @property
    def names(self):
        return self.table["name"].tolist()


def record(store, run, said=lambda key, frame: {}):
    """Record every scored cell of a run by itself, with what `said` has to say of its images."""
    for key, frame in run.scores.groupby("key", sort=False):
        answer = Answer(frame["score"].to_numpy(), said(key, frame))
        store.record([(key, FakeImages(frame[["name", "source", "label"]]), answer)])


def stored(tmp_path, run, *said):
    store = Store.at(tmp_path / "run")
    record(store, run, *said)
    store.finish(run.manifest, run.cells)
    return store


def in_order(table):
    return table.sort_values(["key", "name"], ignore_index=True)


def test_scores_that_are_written_in_blocks_read_back_as_those_of_one(tmp_path, monkeypatch):
    run = make_run(detectors=["alpha"], n=3)
    group = [
        (key, FakeImages(frame[["name", "source", "label"]]), Answer(frame["score"].to_numpy(), {}))
        for key, frame in run.scores.groupby("key", sort=False)
    ]
    for folder, rows in (("whole", store_module.ROWS_AT_ONCE), ("blocks", 4)):
        monkeypatch.setattr(store_module, "ROWS_AT_ONCE", rows)
        Store.at(tmp_path / folder).record(group)
    (whole,), (blocks,) = ([*(tmp_path / one / "scores").glob("*.parquet")] for one in ("whole", "blocks"))
    assert whole.name == blocks.name
    assert pq.ParquetFile(blocks).num_row_groups == len(group) > pq.ParquetFile(whole).num_row_groups == 1
    assert pq.read_table(blocks).equals(pq.read_table(whole), check_metadata=True)


def test_a_run_reads_back_as_it_was(tmp_path):
    run = make_run(detectors=["alpha"], n=3)
    found = stored(tmp_path, run).read()
    assert found.manifest == run.manifest
    pd.testing.assert_frame_equal(found.cells, run.cells)
    expected = in_order(run.scores).astype({"label": "int8"})
    pd.testing.assert_frame_equal(in_order(found.scores), expected)
    assert list(found.diagnostics.columns) == ["key", "name"]
    assert found.diagnostics.empty


def test_axes_of_numbers_and_groups_keep_their_types(tmp_path):
    run = by_size(sizes=(2, 10, None), strengths=(0.5, 1.0))
    found = stored(tmp_path, run).read()
    pd.testing.assert_frame_equal(found.cells, run.cells)
    assert list(dict.fromkeys(found.cells["train_size"])) == [2, 10, "all"]
    assert {type(value) for value in found.cells["train_size"]} == {int, str}
    assert found.cells["strength"].dtype == np.float64
    assert {type(names) for names in found.cells["groups"]} == {tuple}


def said(key, frame):
    if "fog/fog" in key:
        return {columns.ROUTE: np.array(["fog"] * len(frame)), "score along fog": np.linspace(0, 1, len(frame))}
    return {columns.PREDICTED: np.array([""] * len(frame))} if "kiln/fog" in key else {}


def test_diagnostics_read_back_and_are_missing_where_nothing_was_said(tmp_path):
    run = make_run(detectors=["alpha"], n=3)
    found = stored(tmp_path, run, said).read().diagnostics
    assert list(found.columns[:2]) == ["key", "name"]
    assert set(found["key"]) == {"alpha/fog/fog/none/0", "alpha/kiln/fog/none/0"}
    routed = found[found["key"] == "alpha/fog/fog/none/0"]
    assert routed["route"].tolist() == ["fog"] * 6
    assert routed["score along fog"].tolist() == pytest.approx(np.linspace(0, 1, 6))
    assert routed["predicted"].isna().all()
    assert sorted(routed["name"]) == sorted(images("fog", 3)["name"])


def test_a_recorded_cell_has_its_diagnostics(tmp_path):
    run = make_run(detectors=["alpha"], n=3)
    store = stored(tmp_path, run, said)
    assert store.recorded() == set(run.cells["key"])
    lost = next((store.root / "diagnostics").rglob("none/0.parquet"))
    lost.unlink()
    assert len(store.recorded()) == len(run.cells) - 1  # answered again
    with pytest.raises(InputError, match="the diagnostics of 1 cells are gone; run the same command again"):
        store.read()


def test_diagnostics_are_written_before_scores(tmp_path, monkeypatch):
    run, written = make_run(detectors=["alpha"], n=3), []
    monkeypatch.setattr("bench.platform.checksums.write_atomically", lambda path, write: written.append(path))
    frame = run.scores[run.scores["key"] == "alpha/fog/fog/none/0"]
    answer = Answer(frame["score"].to_numpy(), said("fog/fog", frame))
    Store(tmp_path).record([("k", FakeImages(frame[["name", "source", "label"]]), answer)])
    assert [path.parent.name for path in written] == ["diagnostics", "scores"]


def test_scores_that_are_gone_are_told(tmp_path):
    store = stored(tmp_path, make_run(detectors=["alpha"], n=3))
    next((store.root / "scores").glob("*.parquet")).unlink()
    with pytest.raises(InputError, match="the scores of 1 cells are gone; run the same command again"):
        store.read()


@pytest.mark.parametrize("folder", ["scores", "diagnostics"])
def test_a_damaged_file_is_told(tmp_path, folder):
    store = stored(tmp_path, make_run(detectors=["alpha"], n=3), said)
    next((store.root / folder).rglob("*.parquet")).write_bytes(b"PAR1 cut off")
    with pytest.raises(InputError, match=r"is damaged .*run the same command again"):
        store.read()


def test_a_folder_without_a_run_is_told(tmp_path):
    with pytest.raises(InputError, match=r"holds no run \(manifest.json is missing\); give a folder that `lineup run`"):
        Store(tmp_path).read()


OLD = {
    "protocol": "cross_generator",
    "title": "Cross-generator: train on one generator (rows), test on each (columns)",
    "view": {"rows": "train", "columns": "test"},
    "data": {"title": "photographs", "kind": "folder", "version": "", "digest": "d", "images": 4},
    "setting": "embedded",
    "seeds": [0],
    "detectors": {"alpha": {"key": "alpha.1.embedded", "card": {"version": 1}}},
    "runtime": {"device": "cpu", "precision": "float32"},
    "cells": [{"key": "k", "detector": "alpha", "train": "a", "test": "a", "status": "scored", "reason": ""}],
}


@pytest.mark.parametrize(
    ("whole", "sentence"),
    [
        (OLD, r"an older version of Lineup \(schema 1, this one reads 2\); run the same command again$"),
        ({"schema": SCHEMA + 1}, r"a newer version of Lineup \(schema 3, this one reads 2\); update Lineup$"),
        ({"schema": "two"}, r"is damaged \(schema: 'two' is no whole number\); run the same command again$"),
        ({"schema": True}, r"is damaged \(schema: True is no whole number\)"),
        ([1], r"is damaged \(no JSON object\); run the same command again$"),
        ({"schema": SCHEMA, "setting": "small"}, r"is damaged \(protocol: Field required\); run the same command"),
    ],
)
def test_a_manifest_of_another_schema_or_a_damaged_one_is_refused(tmp_path, whole, sentence):
    (tmp_path / "manifest.json").write_text(json.dumps(whole))
    with pytest.raises(InputError, match=sentence):
        Store(tmp_path).read()


def test_a_manifest_that_was_cut_off_is_refused(tmp_path):
    store = stored(tmp_path, make_run(detectors=["alpha"], n=3))
    path = store.root / "manifest.json"
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(InputError, match=r"is damaged .*; run the same command again"):
        store.read()


def test_cells_that_lack_an_axis_are_refused(tmp_path):
    store = stored(tmp_path, make_run(detectors=["alpha"], n=3))
    whole = json.loads((store.root / "manifest.json").read_text())
    del whole["cells"][3]["train_size"]
    store.write("manifest.json", json.dumps(whole).encode())
    with pytest.raises(InputError, match="a cell has no train_size"):
        store.read()
    whole["cells"] = []
    store.write("manifest.json", json.dumps(whole).encode())
    with pytest.raises(InputError, match="lists no cells"):
        store.read()


def test_a_manifest_keeps_everything_through_its_file():
    run = make_run(degraded=True)
    run = with_manifest(run, further={"photographs": replace(run.manifest.data, limit=3)})
    found, beside = read_manifest(run.manifest.to_json(cells=[1]), "here")
    assert found == run.manifest
    assert beside == {"cells": [1]}


def test_a_base_degradation_has_the_name_of_the_schema_in_the_file():
    run = make_run(degraded=True)
    data = replace(run.manifest.data, base_degradation="jpeg:65")
    manifest = replace(run.manifest, data=data, further={"photographs": data})
    whole = json.loads(manifest.to_json())
    assert [whole["data"]["arm"], whole["further"]["photographs"]["arm"]] == ["jpeg:65", "jpeg:65"]
    assert read_manifest(manifest.to_json(), "here")[0] == manifest


def test_a_table_for_readers_may_hold_numbers_and_texts(tmp_path):
    Store.at(tmp_path).write_frame("t.parquet", pd.DataFrame({"size": [10, "all"], "n": [1, 2]}))
    found = pd.read_parquet(tmp_path / "t.parquet")
    assert found["size"].tolist() == ["10", "all"]
    assert found["n"].tolist() == [1, 2]


def test_files_whose_texts_are_large_strings_are_read_as_ours(tmp_path):
    run = make_run(detectors=["alpha"], n=3)
    store = stored(tmp_path, run)
    before = store.read().scores
    path = next((store.root / "scores").glob("*.parquet"))
    table = pq.read_table(path)
    texts = [name for name in table.column_names if pa.types.is_string(table.schema.field(name).type)]
    assert texts
    fields = [field.with_type(pa.large_string()) if field.name in texts else field for field in table.schema]
    pq.write_table(table.cast(pa.schema(fields, table.schema.metadata)), path)
    (store.root / CHECKSUMS).unlink()  # as in a folder of before, whose scores pandas wrote
    pd.testing.assert_frame_equal(store.read().scores, before)


def test_a_score_that_is_no_number_is_damage(tmp_path):
    run = make_run(detectors=["alpha"], n=3)
    key, frame = next(iter(run.scores.groupby("key", sort=False)))
    scores = frame["score"].to_numpy().copy()
    scores[0] = np.nan
    store = Store.at(tmp_path / "run")
    store.record([(key, FakeImages(frame[["name", "source", "label"]]), Answer(scores, {}))])
    store.finish(run.manifest, run.cells[run.cells["key"].eq(key)])
    with pytest.raises(InputError, match="a row has no score"):
        store.read()


def test_scores_without_a_column_are_damaged(tmp_path):
    store = stored(tmp_path, make_run(detectors=["alpha"], n=3))
    path = next((store.root / "scores").glob("*.parquet"))
    pq.write_table(pq.read_table(path).drop_columns(["score"]), path)
    (store.root / CHECKSUMS).unlink()
    with pytest.raises(InputError, match=r"is damaged .*run the same command again"):
        store.read()
