"""What a Data Package says of columns."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from bench.exchange.data_package.columns import (
    NOT_EXPLAINED,
    arrow_table,
    described_column,
    type_of_arrow,
    type_of_texts,
)


@pytest.mark.parametrize(
    ("name", "texts", "kind"),
    [
        ("train", ["2023", "2024"], "string"),
        ("seed", ["0", "12"], "integer"),
        ("test_size", ["10", "all"], "string"),
        ("test_size", ["10", "20"], "integer"),
        ("ap", ["0.5", "", "1e-05"], "number"),
        ("at_chance", ["True", "False", ""], "boolean"),
        ("ap", ["", ""], "any"),
        ("reasons", ["its weights are not here"], "string"),
        ("ap", ["1_000"], "string"),
        ("ap", ["inf"], "string"),
    ],
)
def test_types_follow_from_what_stands_there(name, texts, kind):
    assert type_of_texts(name, texts) == kind


def test_types_of_arrow_have_their_names():
    kinds = {"boolean": pa.bool_(), "integer": pa.int8(), "number": pa.float32(), "array": pa.list_(pa.string())}
    kinds |= {"any": pa.null(), "string": pa.large_string()}
    assert {type_of_arrow(kind): name for name, kind in kinds.items()} == {name: name for name in kinds}
    assert type_of_arrow(pa.dictionary(pa.int8(), pa.string())) == "string"


def test_units_are_those_of_files():
    assert described_column("leaderboard.csv", "drop")["unit"] == "-1 to 1"
    assert described_column("leaderboard.csv", "off-diagonal low")["unit"] == "share, 0 to 1"
    assert described_column("cells.parquet", "roc_auc")["unit"] == "share, 0 to 1"
    assert "unit" not in described_column("leaderboard.csv", "detector")


def test_columns_are_found_in_their_own_table():
    assert "axis" in described_column("matrix", "train", first=True)["description"]
    assert "second axis" in described_column("matrix", "fog")["description"]
    assert described_column("matrix", "'=1+1")["description"] == described_column("matrix", "fog")["description"]
    assert described_column("diagnostics", "their own")["description"] == NOT_EXPLAINED


def test_rows_become_typed_columns_that_say_what_they_mean():
    rows = pd.DataFrame(
        {
            "rank": pd.Series([1, None], dtype=object),
            "detector": ["a", "b"],
            "drop": pd.Series([0, 0.5], dtype=object),
            "seeds": pd.Series([10, "all"], dtype=object),
            "across_generators_low": pd.Series([None, None], dtype=object),
            "checkpoint": pd.Series([None, None], dtype=object),
            "flips": np.float32([np.nan, 1]),
        }
    )
    table = arrow_table(rows, "leaderboard.csv")
    assert [str(kind) for kind in table.schema.types] == [
        *("int64", "string", "double", "string", "double", "string", "float")
    ]
    assert table["rank"].null_count == table["flips"].null_count == 1
    assert table.schema.field("drop").metadata[b"unit"] == b"-1 to 1"
    assert all(field.metadata[b"description"] for field in table.schema)
