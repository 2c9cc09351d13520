"""Files of tables: every form gives the same values, and nothing but plain values is read."""

import json

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bench.exchange import score_tables
from bench.exchange.score_tables import read_score_table
from bench.platform.errors import InputError
from tests.support.score_tables import score_table, written


@pytest.mark.parametrize("form", ["csv", "tsv", "json", "jsonl", "parquet"])
def test_every_form_gives_the_same_values(tmp_path, form):
    table = score_table()
    records = read_score_table(written(tmp_path, table, f"t.{form}"))
    assert list(records.columns) == list(table.columns)
    assert list(records.values("path")) == table["path"].tolist()
    assert [float(value) for value in records.values("score")] == pytest.approx(table["score"].tolist())


def test_answers_that_score_nests_in_json_are_rows(tmp_path):
    image = {
        "name": "a.png",
        "answers": [{"detector": "d", "score": 0.5}, {"detector": "e", "score": None}],
        "overall": {},
    }
    path = tmp_path / "t.json"
    path.write_text(json.dumps({"threshold_source": "own", "not_read": {}, "images": [image]}))
    records = read_score_table(path)
    assert list(records.columns) == ["name", "detector", "score"]
    assert list(records.values("name")) == ["a.png", "a.png"]
    assert list(records.values("score")) == [0.5, None]


def test_columns_of_parquet_that_are_no_plain_values_are_left_out(tmp_path):
    table = pa.table({"path": ["a"], "bytes": [b"x"], "box": [[1, 2]], "score": [0.5]})
    pq.write_table(table, tmp_path / "t.parquet")
    assert list(read_score_table(tmp_path / "t.parquet").columns) == ["path", "score"]
    categories = pd.DataFrame({"path": pd.Categorical(["a", "b", "a"]), "score": [0.1, 0.2, 0.3]})
    assert list(read_score_table(written(tmp_path, categories, "c.parquet")).values("path")) == ["a", "b", "a"]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("t.pkl", b"\x80\x04.", "none of the forms"),
        ("t.csv", b"path,score\na,0.5,7\n", "line 2: 3 fields for 2 columns"),
        ("t.csv", b"path,score\n", "holds no rows"),
        ("t.csv", b"path,score\n\xff,0.5\n", "cannot be read as UTF-8"),
        ("t.csv", b"score,score\n1,2\n", "the column 'score' comes twice"),
        ("t.json", b"[1, 2]", "holds no rows"),
        ("t.json", b"{", "is not JSON"),
        ("t.jsonl", b'{"path": "a"}\nnot\n', "line 2"),
        ("t.parquet", b"PAR1", "cannot be read as Parquet"),
    ],
)
def test_files_that_cannot_be_read_are_one_line(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=message) as refused:
        read_score_table(tmp_path / name)
    assert "\n" not in str(refused.value)


def test_tables_that_are_too_large_are_refused_before_they_are_read(tmp_path, monkeypatch):
    monkeypatch.setattr(score_tables, "MAX_ROWS", 20)
    monkeypatch.setattr(score_tables, "MAX_TEXT_BYTES", 100)
    for name, message in (("t.csv", "write it as Parquet"), ("t.parquet", "36 rows, at most 20")):
        with pytest.raises(InputError, match=message):
            read_score_table(written(tmp_path, score_table(), name))
