"""Training size: accuracy against the number of training images."""

import pytest

from protocols.api import Scope, Unanswerable
from protocols.training.training_size import TrainingSize
from tests.support.protocol_runs import FakeImages, averages, fake_scope


def sizes(protocol, **images):
    return [cell.train.size for cell in protocol.cells(fake_scope(**images))]


def test_sizes_halve_down_from_all_and_are_of_all_generators_together():
    assert sizes(TrainingSize()) == [3, 6, 12, 25, 50, 100]
    (cell, *_) = TrainingSize().cells(fake_scope())
    assert (cell.train.generators, cell.test.generators, cell.test.size) == (("a", "b", "c"), ("a", "b", "c"), None)


def test_generators_can_be_rows_of_their_own():
    cells = TrainingSize(sizes=(40, 20), train_on=("a", "b+c")).cells(fake_scope(("d", "e"), (0, 1)))
    assert len(cells) == len(set(cells)) == 2 * 2 * 2 * 2
    assert [(cell.train.name, cell.train.size, cell.test.name) for cell in cells[:4]] == [
        ("a", 20, "a"), ("a", 40, "a"), ("b+c", 20, "b+c"), ("b+c", 40, "b+c"),
    ]  # fmt: skip


def test_sizes_that_are_not_there_are_refused():
    with pytest.raises(Unanswerable, match="are not all from 1 to 100"):
        TrainingSize(sizes=(101,)).cells(fake_scope())


@pytest.mark.parametrize("asked", [(0, 5), (-1,)])
def test_a_size_below_1_is_refused_before_the_data_is_read(asked):
    with pytest.raises(ValueError, match="give whole numbers from 1 on"):
        TrainingSize(sizes=asked)


def test_the_largest_size_is_home_and_the_smaller_ones_are_away():
    assert averages(TrainingSize(sizes=(10, 20, 40)), fake_scope()) == {
        "40 images": ("home", 1), "fewer images": ("away", 2), "20 images": (None, 1), "10 images": (None, 1),
    }  # fmt: skip
    assert averages(TrainingSize(sizes=(5,)), fake_scope()) == {"5 images": ("home", 1), "fewer images": ("away", 0)}


def test_a_run_shows_a_column_for_each_size(run_on_miniature):
    done = run_on_miniature("training_size", train_on="even", sizes="2,8")
    found = done.matrix()
    assert (list(found.index), list(found.columns)) == (["even"], [2, 8])
    assert (done.cells["train_size"].tolist(), done.fits) == ([2, 8], 2)
    assert run_on_miniature("training_size", train_on="even", sizes="2,4,8").count("fits made") == 1


def test_a_single_image_of_each_class_is_asked_only_where_a_user_asks():
    class Few(FakeImages):
        def largest_size(self, subset):
            return 20

    few = Scope(Few(), ("d",))
    assert [cell.train.size for cell in TrainingSize().cells(few)] == [2, 5, 10, 20]
    assert [cell.train.size for cell in TrainingSize(sizes=(1, 5)).cells(few)] == [1, 5]


def test_a_released_row_alone_is_asked_what_it_is_asked_beside_trained_ones():
    protocol = TrainingSize(sizes=(4,), train_on=("a", "b+c"))
    alone, beside = (
        [cell.test for cell in protocol.cells(fake_scope(names, checkpoints=("x",))) if cell.checkpoint]
        for names in (("x",), ("d", "x"))
    )
    assert [test.generators for test in alone] == [("a",), ("b", "c")]
    assert alone == beside


def test_steps_of_one_quantity_are_drawn_as_curves_and_others_are_not(run_on_miniature):
    assert (run_on_miniature("training_size", train_on="even", sizes="2,8").folder / "curves.png").is_file()
    assert not (run_on_miniature("cross_generator").folder / "curves.png").exists()
