"""Rows of scores: long and wide tables, degradations, seeds, and numbers that are none."""

import numpy as np
import pytest

from bench.exchange.score_columns import find_score_columns, parse_score_columns
from bench.exchange.score_rows import score_rows
from bench.images.annotations.records import TextRecords
from bench.platform.errors import InputError


def rows_of(columns, stated="", detector=""):
    records = TextRecords("folder/theirs.v2.csv", columns)
    return score_rows(records, find_score_columns(records, parse_score_columns(stated)), detector)


def test_one_detector_is_called_as_asked_or_after_the_file():
    table = {"path": ["a", "b"], "score": [0.1, "0.9"]}
    rows = rows_of(table)
    assert rows["detector"].tolist() == ["theirs.v2"] * 2
    assert rows["score"].tolist() == [0.1, 0.9]
    assert (rows["degradation"].unique(), rows["seed"].unique(), rows["train"].unique()) == (["none"], [0], [""])
    assert rows_of(table, detector="Theirs")["detector"].unique() == ["Theirs"]


def test_a_wide_table_has_a_detector_per_column_of_scores():
    rows = rows_of({"path": ["a", "b"], "x": [0.1, 0.2], "y": [0.3, 0.4]}, "score=x,score=y")
    assert rows["detector"].tolist() == ["x", "x", "y", "y"]
    assert rows["score"].tolist() == [0.1, 0.2, 0.3, 0.4]
    assert rows["row"].tolist() == [0, 1, 0, 1]


def test_several_detectors_are_renamed_together_and_not_by_one_name():
    table = {"path": ["a", "a"], "detector": ["x", "y"], "score": [0.1, 0.2]}
    assert rows_of(table, detector="their {}")["detector"].tolist() == ["their x", "their y"]
    with pytest.raises(InputError, match=r"is one name, and .* has scores of 2: x, y"):
        rows_of(table, detector="Theirs")


def test_degradations_are_spelt_as_lineup_does_where_it_knows_them():
    steps = ["", "clean", "none", "jpeg:65", "their fog"]
    rows = rows_of({"path": ["a"] * 5, "perturbation": steps, "score": [0.5] * 5})
    assert rows["degradation"].tolist() == ["none", "none", "none", "jpeg:65", "their fog"]


def test_numbers_that_are_not_there_are_nan_and_others_refused():
    rows = rows_of({"path": list("abcde"), "score": ["", None, "nan", "0.5", True]})
    assert np.isnan(rows["score"]).tolist() == [True, True, True, False, False]
    with pytest.raises(InputError, match=r"2 values of score are no numbers, such as 0,5, high"):
        rows_of({"path": ["a", "b"], "score": ["0,5", "high"]})


def test_what_cannot_be_a_name_or_a_seed_is_refused():
    with pytest.raises(InputError, match="1 rows name no image, such as row 2"):
        rows_of({"path": ["a", " "], "score": [0.1, 0.2]})
    with pytest.raises(InputError, match="1 seeds are no whole numbers, such as first"):
        rows_of({"path": ["a", "b"], "seed": ["1", "first"], "score": [0.1, 0.2]})
    with pytest.raises(InputError, match="1 detectors have no name"):
        rows_of({"path": ["a", "b"], "detector": ["x" * 101, "y"], "score": [0.1, 0.2]})


def test_names_are_escaped_for_a_terminal():
    rows = rows_of({"path": ["a"], "detector": ["red\x1b[31m"], "score": [0.1]})
    assert rows["detector"].tolist() == ["red\\x1b[31m"]
