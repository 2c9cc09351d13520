"""Mixed training: one train set of several generators, accuracy on each."""

import pytest

from protocols.subsets import ALL
from protocols.training.mixed import Mixed
from tests.support.protocol_runs import averages, fake_scope


def test_one_train_set_of_all_generators_that_have_training_images():
    cells = Mixed().cells(fake_scope(("d", "e"), (0, 1), untrained=("b",)))
    assert len(cells) == len(set(cells)) == 2 * 2 * 3
    assert {(cell.train.generators, cell.train.name, cell.train.split) for cell in cells} == {
        (("a", "c"), ALL, "train")
    }
    assert [cell.test.generators for cell in cells[:3]] == [("a",), ("b",), ("c",)]


def test_named_generators_are_one_train_set_and_the_others_are_away():
    protocol = Mixed(train_on=("a+b", "a"))
    assert {cell.train.name for cell in protocol.cells(fake_scope())} == {"a+b"}
    assert averages(protocol, fake_scope()) == {"trained on": ("home", 2), "not trained on": ("away", 1)}
    assert averages(Mixed(), fake_scope()) == {"trained on": ("home", 3)}


def test_released_rows_are_tested_without_training_images():
    cells = Mixed().cells(fake_scope(("x",), checkpoints=("x",), untrained=("a", "b", "c")))
    assert [(cell.checkpoint, cell.test.name) for cell in cells] == [("x.pth", name) for name in "abc"]


def test_a_run_shows_the_accuracy_on_each_generator(run_on_miniature):
    done = run_on_miniature("mixed")
    found = done.matrix()
    assert (list(found.index), sorted(found.columns)) == ([ALL], ["even", "faint", "odd"])
    assert found.loc[ALL, "even"] == 1  # the strongest checkerboard
    assert done.ranking.ranked_by == "trained on"
    assert done.ranking.rows[0].means["trained on"].value == pytest.approx(found.loc[ALL].mean())
