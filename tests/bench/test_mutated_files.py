"""Whatever is wrong with a file of others, reading it gives what it says or one line on what is wrong with it."""

import json

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import save

from bench.engine.saved_detectors import restore_detector
from bench.images.data_sets import read
from bench.platform.errors import InputError
from bench.records.saved_detector import SavedDetector, read_saved, to_bytes
from bench.records.store import Store
from detectors.types import Runtime
from detectors.weight_file import HashedFile, WrongWeights
from detectors.weights.reading import read as read_weights
from tests.support.command_line import call
from tests.support.mutated_files import changed_bytes, changed_values
from tests.support.result_folders import store_run
from tests.support.small_data_sets import write_images
from tests.support.synthetic_runs import make_run

FEW, MANY = 8, 1000
IMAGES = [f"{name}/{kind}/{number}.png" for name in ("a", "b") for kind in ("ai", "nature") for number in (1, 2)]
SETTINGS = """data = "/nowhere"\nprotocol = "cross_generator"\nseed = "0"\ndetectors = "hog_svm"\nlimit = 4
baselines = false\ntrain_on = []\nvalidation = 0.0\n[options.cnnspot]\ntune = "top"\n"""
TOML = {
    "settings": (SETTINGS, ("run", "--dry-run", "--settings")),
    "protocol": (
        (
            'title = "x"\n[train]\ngenerators = "each"\n[test]\ndegradations = ["none", "jpeg:65"]\n[[groups]]\n'
            'name = "own"\nrole = "home"\nsame = ["test"]\n'
        ),
        ("run", "--dry-run", "--data", "/nowhere", "--protocol"),
    ),
    "profile": (
        'version = 1\nabout = "x"\nsource = "y"\ndegradations = ["none", "jpeg:65"]\n[score]\nauc = 0.5\n',
        ("run", "--dry-run", "--data", "/nowhere", "--protocol", "degradation", "--degradations"),
    ),
}
CARD = b"""---
configs:
- config_name: default
  data_files:
  - split: train
    path: a/*
dataset_info:
  features:
  - name: label
    dtype:
      class_label:
        names:
          '0': real
---
"""
HEADER = SavedDetector("hog_svm", 1, "small", {}, "a", 0, "data")
STATE = {"mean": np.zeros(3, np.float32), "coef": np.ones((1, 3), np.float32)}

sizes = pytest.mark.parametrize("count", [FEW, pytest.param(MANY, marks=pytest.mark.slow)])


def tried(count, mutants, check):
    """Check so many mutants, always the same ones."""
    settings(derandomize=True, max_examples=count, database=None)(given(mutants)(check))()


def one_line(error):
    assert "\n" not in str(error)
    assert len(str(error)) > 20
    assert "Exceeds the limit" not in str(error)


@sizes
@pytest.mark.parametrize("kind", TOML)
def test_toml_of_others(tmp_path, kind, count):
    text, command = TOML[kind]
    path = tmp_path / "x.toml"

    def check(data):
        path.write_bytes(data)
        done = call({"LINEUP_CACHE": str(tmp_path / "cache")}, *command, path)
        assert done.returncode == 2, done.stderr
        assert done.stderr.startswith("lineup: ")
        assert done.stderr.count("\n") == 1
        assert done.stderr.strip().isprintable()

    tried(count, changed_bytes(text.encode()), check)


def lines_of_facts():
    return [{"path": path, "label": int("/ai/" in path), "generator": path[0], "split": "train"} for path in IMAGES]


def data_set_texts():
    rows = lines_of_facts()
    table = "path,label,generator,split\n" + "".join(",".join(map(str, row.values())) + "\n" for row in rows)
    described = {"title": "x", "families": {"a": "gan"}, "root": "/data"}
    return {
        "manifest.csv": changed_bytes(table.encode()),
        "manifest.jsonl": changed_bytes("".join(json.dumps(row) + "\n" for row in rows).encode())
        | changed_values(rows).map(lambda text: "\n".join(map(json.dumps, json.loads(text))).encode()),
        "dataset.json": changed_bytes(json.dumps(described).encode()) | changed_values(described).map(str.encode),
        "metadata.csv": changed_bytes(table.replace("path", "file_name").encode()),
        "README.md": changed_bytes(CARD),
    }


@sizes
@pytest.mark.parametrize("name", data_set_texts())
def test_what_a_data_set_says_of_itself(tmp_path, name, count):
    write_images(tmp_path, *IMAGES)
    if name == "dataset.json":
        rows = lines_of_facts()
        (tmp_path / "manifest.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))

    def check(data):
        (tmp_path / name).write_bytes(data)
        try:
            images = read(str(tmp_path))
        except InputError as error:
            one_line(error)
            return
        images.table.to_csv(index=False).encode()  # nothing is in it that no file can hold
        json.dumps([images.title, *images.families.items(), *images.pools.items()], ensure_ascii=False).encode()

    tried(count, data_set_texts()[name], check)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A result folder of a made-up run."""
    return store_run(make_run(detectors=("alpha",)), tmp_path_factory.mktemp("run"))


def read_run(folder):
    try:
        run = Store(folder).read()
    except InputError as error:
        one_line(error)
        return
    run.cells.to_csv(index=False).encode()
    assert run.cells["detector"].isin(list(run.manifest.detectors)).all()


@sizes
def test_manifests_of_results(folder, count):
    path = folder / "manifest.json"
    whole = path.read_bytes()

    def check(data):
        path.write_bytes(data)
        read_run(folder)

    try:
        tried(count, changed_bytes(whole) | changed_values(json.loads(whole)).map(str.encode), check)
    finally:
        path.write_bytes(whole)


@sizes
def test_scores_of_results(folder, count):
    (path,) = (folder / "scores").glob("*.parquet")
    whole, table = path.read_bytes(), pq.read_table(path)
    cells = json.loads(table.schema.metadata[b"lineup.cells"])

    def check(mutant):
        if isinstance(mutant, bytes):
            path.write_bytes(mutant)
        else:
            metadata = {b"lineup.cells": mutant, b"lineup.diagnosed": "[]"}
            pq.write_table(table.replace_schema_metadata(metadata), path)
        read_run(folder)

    ends = st.integers(0, len(whole)).map(lambda end: whole[:end])
    texts = changed_values([cells]).map(lambda text: text[1:-1]) | st.sampled_from(
        ["", "[", "null", "9" * 5000, "\xff"]
    )
    try:
        tried(count, ends | texts, check)
    finally:
        path.write_bytes(whole)


@sizes
def test_fitted_detectors(tmp_path, count):
    path = tmp_path / "x.safetensors"
    whole = to_bytes(HEADER, STATE)

    def check(data):
        path.write_bytes(data)
        for reader in (read_saved, lambda file: restore_detector(file, Runtime())):
            try:
                reader(path)
            except InputError as error:
                one_line(error)

    tried(count, changed_bytes(whole), check)


@sizes
@pytest.mark.parametrize("kind", ["torch", "legacy", "safetensors"])
def test_checkpoints(tmp_path, kind, count):
    path, tensors = tmp_path / "x.pth", {"conv.weight": torch.ones(4, 3), "steps": torch.tensor(7)}
    content = {"epoch": 3, "model": tensors, "name": "x"}
    if kind == "safetensors":
        path.write_bytes(save(tensors))
    else:
        torch.save(content, path, _use_new_zipfile_serialization=kind == "torch")
    whole = path.read_bytes()

    def check(data):
        path.write_bytes(data)
        try:
            found = read_weights(HashedFile(path, "x"))
        except WrongWeights as error:
            one_line(error)
        else:
            assert all(isinstance(one, torch.Tensor) for one in found.values())

    tried(count, changed_bytes(whole), check)
