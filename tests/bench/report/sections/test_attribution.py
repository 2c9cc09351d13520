"""The section on attribution: measures of named generators, and the confusion matrix."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import f1_score

from bench.evaluation.cells import evaluate
from bench.records import columns
from bench.report.sections.attribution import attribution_content, macro_f1
from tests.support.open_protocols import Naming
from tests.support.synthetic_runs import FAMILIES, falling, make_run, run_of


@pytest.mark.parametrize("seed", range(5))
def test_macro_f1_is_that_of_scikit_learn(seed):
    draw = np.random.default_rng(seed)
    true, named = (pd.Series(draw.choice(list(names), 40)) for names in ("abc", "abcd"))
    assert macro_f1(true, named) == pytest.approx(f1_score(true, named, average="macro", zero_division=0))


def attributed(name):
    """A run in which `name`, given label and true generator, says who made an image."""
    run = run_of(Naming(), falling(home=0.9), ["alpha"])
    told = run.scores[["key", "name", "label"]]
    made = np.where(told["label"] == 1, told["name"].str.split("/").str[1], "")
    predicted = [name(one) for one in made]
    told = told.drop(columns="label").assign(**{columns.GENERATOR: made, columns.PREDICTED: predicted})
    return replace(run, diagnostics=told)


def texts(run):
    measures, confusion = attribution_content(evaluate(run)).tables
    shown = {column.header: column.texts[0] for column in measures.columns}
    matrix = {
        column.header: dict(zip(confusion.columns[0].texts, column.texts, strict=True)) for column in confusion.columns
    }
    return shown, matrix


def test_a_detector_that_names_all_right_is_at_100():
    shown, matrix = texts(attributed(lambda made: made))
    assert [shown[name] for name in ("accuracy", "macro F1", "families", "real or generated")] == ["100.0"] * 4
    assert all(matrix[name][name] == "100.0" for name in ("fog", "haze", "kiln", "ember", "real"))


def test_a_generator_taken_for_its_family_costs_accuracy_alone():
    other = {"fog": "haze"}
    assert FAMILIES["fog"] == FAMILIES["haze"]
    shown, matrix = texts(attributed(lambda made: other.get(made, made)))
    assert (shown["families"], shown["real or generated"]) == ("100.0", "100.0")
    assert float(shown["accuracy"]) < 100
    assert (matrix["fog"]["fog"], matrix["haze"]["fog"], matrix["fog"]["haze"]) == ("0.0", "100.0", "0.0")


def test_generated_images_called_real_are_half_of_the_decision():
    shown, matrix = texts(attributed(lambda made: ""))
    assert shown["real or generated"] == "50.0"
    assert set(matrix["real"].values()) == {"100.0"}


def test_real_images_that_stand_against_several_generators_count_once():
    run = attributed(lambda made: made)
    rows = attribution_content(evaluate(run)).rows
    real = run.scores.loc[run.scores["label"] == 0, "name"].nunique()
    assert rows.loc[rows["true"] == "real", "images"].sum() == real


def test_a_run_of_real_against_generated_has_no_such_section():
    assert attribution_content(evaluate(make_run())).tables == []
