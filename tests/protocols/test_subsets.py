"""Subsets and cells that several protocols share."""

import pytest

from protocols.api import Subset, Unanswerable
from protocols.subsets import (
    ALL,
    all_together,
    cells_of,
    halves,
    mixed_subsets,
    require_at_least,
    require_contents,
    trained_cells,
)
from tests.support.protocol_runs import FakeImages, fake_scope

TRAIN, TEST = Subset(("a",), "train"), Subset(("b",), "val")


def test_names_are_joined_in_the_order_of_the_user():
    assert all_together(FakeImages(), ("c", "a+b", "a")) == ("c", "a", "b")
    assert all_together(FakeImages(untrained=("b",)), ()) == ("a", "c")


def test_what_is_tested_is_what_was_trained_on_as_far_as_it_is_held_out():
    class Partly(FakeImages):
        def generators_in(self, split):
            return ("a", "b") if split == "train" else ("b", "c")

    scope = fake_scope()
    train, test = mixed_subsets(scope, ())
    assert (train.generators, test.generators, train.name, test.name) == (("a", "b", "c"), ("a", "b", "c"), ALL, ALL)
    partly = type(scope)(Partly(), ["d"])
    train, test = mixed_subsets(partly, ())
    assert (train.generators, test.generators) == (("a", "b"), ("b",))
    with pytest.raises(Unanswerable, match="none of the generators a has images in the val split"):
        mixed_subsets(partly, ("a",))


def test_released_rows_need_nothing_to_train_on():
    _, test = mixed_subsets(fake_scope(("x",), checkpoints=("x",), untrained=("a", "b", "c")), ())
    assert test.generators == ("a", "b", "c")


def test_released_rows_alone_are_asked_what_they_are_asked_beside_trained_ones():
    for names in (("b",), ("c", "a"), ("a+c",)):
        alone = mixed_subsets(fake_scope(("x",), checkpoints=("x",)), names)
        assert alone == mixed_subsets(fake_scope(("d", "x"), checkpoints=("x",)), names)
    _, test = mixed_subsets(fake_scope(("x",), checkpoints=("x",), untrained=("b",)), ("b",))
    assert test.generators == ("b",)  # which nobody trains on here
    with pytest.raises(Unanswerable, match="'z' is not in the data's val split, which has a, b, c"):
        mixed_subsets(fake_scope(("x",), checkpoints=("x",)), ("z",))


def test_a_released_row_is_asked_once_for_every_subset_that_is_tested():
    scope = fake_scope(("d", "x"), (0, 1), ("x",))
    cells = cells_of(scope, [(TRAIN, TEST), (Subset(("c",), "train"), TEST)])
    assert [(cell.detector, cell.seed, cell.test) for cell in cells if cell.train is None] == [("x", 0, TEST)]
    assert [train.generators for _, train in trained_cells(cells)] == [("a",), ("c",)] * 2


def test_halves_are_at_least_one_and_each_once():
    assert halves(200, 4) == [25, 50, 100, 200]
    assert halves(3, 6) == [1, 3]


def test_halves_end_at_the_least_one():
    assert halves(20, 6, least=2) == [2, 5, 10, 20]
    assert halves(1, 6, least=2) == [1]


def test_one_kind_of_content_is_none_to_tell_apart():
    with pytest.raises(Unanswerable, match="the data states 1 kinds of content, and at least 2"):
        require_contents(FakeImages(contents=("leaves",)), ())


def test_a_number_that_is_too_low_is_named():
    require_at_least(0, shots=(0, 3), images=[])
    with pytest.raises(ValueError, match="sizes has 0; give whole numbers from 1 on"):
        require_at_least(1, sizes=(5, 0))
