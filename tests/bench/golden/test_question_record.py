"""A golden record as a folder: it reads back whole, and what is wrong with it is one line."""

import hashlib
import io
import json
import re
from contextlib import suppress

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.golden.golden_record import golden_from
from bench.golden.question_record import CONTENTS, RECORD, QuestionRecord, foreign_files, read_record, write_record
from bench.golden.recorded_images import RECORDED, RecordedImages
from bench.platform.errors import InputError
from tests.support.mutated_files import changed_bytes, changed_values
from tests.support.synthetic_runs import make_run

FEW, MANY = 8, 500


def rows(count=3):
    values = {name: [""] * count for name in RECORDED}
    values |= {"name": [f"{number}.png" for number in range(count)], "label": [0, 1, 1][:count]}
    return pd.DataFrame(values | {"sha256": [f"{number:064x}" for number in range(count)]})


@pytest.fixture(scope="module")
def made():
    images = RecordedImages(rows().astype({"label": "int8"}), {"mine": "real"}, drawn_splits=True)
    return QuestionRecord("faces", 'protocol = "released"\n', golden_from([make_run(n=4)]), images, {})


@pytest.fixture
def folder(made, tmp_path):
    write_record(made, {}, tmp_path / "record")
    return tmp_path / "record"


def test_a_record_reads_back_whole(made, folder):
    found = read_record(folder)
    assert (found.name, found.question, found.fits) == (made.name, made.question, {})
    assert (found.images.pools, found.images.drawn_splits) == (made.images.pools, True)
    pd.testing.assert_frame_equal(found.images.table, made.images.table, check_dtype=False)
    assert len(found.run.scores) == len(made.run.scores)
    assert foreign_files(folder) == []
    (folder / "notes.txt").touch()
    assert foreign_files(folder) == ["notes.txt"]


@pytest.mark.parametrize(
    "file", ["question.toml", "contents.parquet", "manifest.json", "cells.parquet", "fitted/manifest.json", "fitted"]
)
def test_a_file_that_is_missing_or_another_is_told(made, file, tmp_path):
    folder = tmp_path / "record"
    write_record(made, {"hog_svm-mine-0.safetensors": b"a fit"}, folder)
    if file != "fitted":
        whole = (folder / file).read_bytes()
        (folder / file).write_bytes(whole + b" ")
        with pytest.raises(InputError, match=r"damaged \(.*; restore it, or make "):
            read_record(folder)
    (folder / file).rename(tmp_path / "gone")  # as a pattern of .gitignore may take it away
    lost = "fitted/manifest.json" if file == "fitted" else file
    with pytest.raises(InputError, match=re.escape(f"damaged ({lost} is missing); restore it, or make it anew with")):
        read_record(folder)


@pytest.mark.parametrize(
    "harm",
    [
        {"label": [0, 1, 7]},
        {"label": ["a", "b", "c"]},
        {"name": ["a", "a", "b"]},
        {"sha256": ["a", None, "b"]},
        {"split": [1.5, 2.5, float("nan")]},
    ],
)
def test_a_table_of_images_that_says_nonsense_is_one_line(folder, harm):
    file = io.BytesIO()
    rows().assign(**harm).to_parquet(file)
    (folder / CONTENTS).write_bytes(file.getvalue())
    header = json.loads((folder / RECORD).read_text())
    header["files"][CONTENTS] = hashlib.sha256(file.getvalue()).hexdigest()
    (folder / RECORD).write_text(json.dumps(header))
    with pytest.raises(InputError, match="damaged") as raised:
        read_record(folder)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("count", [FEW, pytest.param(MANY, marks=pytest.mark.slow)])
def test_whatever_is_wrong_with_its_header_is_told(folder, count):
    whole = (folder / RECORD).read_bytes()
    mutants = changed_bytes(whole) | changed_values(json.loads(whole)).map(str.encode)

    def check(data):
        (folder / RECORD).write_bytes(data)
        with suppress(InputError):  # any other error is a fault
            read_record(folder)

    settings(derandomize=True, max_examples=count, database=None)(given(st.one_of(mutants))(check))()
