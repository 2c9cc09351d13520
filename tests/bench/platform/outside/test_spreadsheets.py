"""CSV that people open in a spreadsheet: nothing that others wrote is a formula there."""

import io

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.platform.outside.spreadsheets import spreadsheet_csv, unguarded

FORMULAS = ("=1+1", "@SUM(A1)", "+cmd|' /C calc'!A0", "-2+3", "\t=1", "\r=1", "-", "'=1", "''=1")


def read(text, **options):
    return pd.read_csv(io.StringIO(text, newline=""), keep_default_na=False, **options)


@pytest.mark.parametrize("text", [one for one in FORMULAS if one != "-"])
def test_a_formula_is_a_text_in_values_names_and_the_index(text):
    written = spreadsheet_csv(pd.DataFrame({text: [text]}, index=[text]), index=True)
    found = read(written, index_col=0)
    assert [*found.columns, *found.index, *found[f"'{text}"]] == [f"'{text}"] * 3


def test_numbers_and_other_texts_stay_as_they_are():
    table = pd.DataFrame({
        "n": [-1.5, 2.0], "t": ["-", "+2.5"], "s": ["a-b", "it's"], "whole": pd.array([1, None], "Int64"),
        "b": [True, False],
    })  # fmt: skip
    assert spreadsheet_csv(table) == table.to_csv(index=False, lineterminator="\n")
    assert spreadsheet_csv(table.iloc[:0]) == "n,t,s,whole,b\n"


@given(st.text(alphabet="'=+-@\t\r1.a", max_size=6))
def test_what_was_written_is_read_back(text):
    found = read(spreadsheet_csv(pd.DataFrame({"x": [text, "end"]})), dtype=str)
    assert unguarded(found["x"][0]) == text
