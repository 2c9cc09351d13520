"""Class generalisation: k classes in training, others in testing."""

from itertools import pairwise

import pytest

from protocols.api import Scope, Unanswerable
from protocols.transfer.class_generalisation import ClassGeneralisation
from tests.support.protocol_runs import CONTENTS, FakeImages, averages, fake_scope

MANY = tuple(f"n{number:02}" for number in range(16))


def trains(protocol, contents=MANY):
    return list(dict.fromkeys(cell.train.contents for cell in protocol.cells(fake_scope(contents=contents))))


def test_fewer_classes_are_among_more_and_unseen_ones_are_in_no_train_set():
    protocol = ClassGeneralisation()
    found = trains(protocol)
    assert list(map(len, found)) == [1, 2, 4, 8]
    assert all(set(less) < set(more) for less, more in pairwise(found))
    cells = protocol.cells(fake_scope(contents=MANY))
    unseen = {cell.test.contents for cell in cells if protocol.axes["tested"].value(cell) == "unseen"}
    assert len(unseen) == 1
    assert set(*unseen) == set(MANY) - set(found[-1])
    seen = [cell for cell in cells if protocol.axes["tested"].value(cell) == "seen"]
    assert all(cell.train.contents == cell.test.contents for cell in seen)


def test_the_order_of_the_classes_is_drawn_from_their_names():
    first, other = (trains(ClassGeneralisation(draw=draw)) for draw in (0, 1))
    assert first != other
    assert trains(ClassGeneralisation(), tuple(reversed(MANY))) == first


def test_train_sets_are_of_one_size_unless_asked_otherwise():
    sizes = {cell.train.size for cell in ClassGeneralisation().cells(fake_scope(contents=MANY))}
    whole = {cell.train.size for cell in ClassGeneralisation(same_size=False).cells(fake_scope(contents=MANY))}
    assert (sizes, whole) == ({100}, {None})


def test_classes_without_training_images_do_not_shrink_the_others():
    class Gapped(FakeImages):
        def largest_size(self, subset):
            return 0 if len(subset.contents) == 1 else 30 * len(subset.contents)

    cells = ClassGeneralisation(k=(1, 2, 3)).cells(Scope(Gapped(), ["d"]))
    assert {cell.train.size for cell in cells} == {60}


@pytest.mark.parametrize("k", [(4,), (2, 5)])
def test_a_class_at_least_is_unseen(k):
    with pytest.raises(Unanswerable, match=r"are not all from 1 to 3: the data has 4 content classes"):
        ClassGeneralisation(k=k).cells(fake_scope())
    with pytest.raises(ValueError, match="k has 0"):
        ClassGeneralisation(k=(0,))


def test_unseen_classes_are_away():
    assert averages(ClassGeneralisation(k=(1, 3)), fake_scope()) == {
        "seen classes": ("home", 2),
        "unseen classes": ("away", 2),
        "unseen, trained on 1": (None, 1),
        "unseen, trained on 3": (None, 1),
    }


def test_a_run_has_a_row_for_each_number_of_classes(run_on_kinds):
    done = run_on_kinds("class_generalisation", k="1,2")
    found = done.matrix()
    assert (list(found.index), list(found.columns)) == ([1, 2], ["seen", "unseen"])
    assert set(done.cells["train_size"]) == {8}  # of one class of two generators
    assert done.cells.set_index(["classes", "tested"])["n"].to_dict() == {
        (1, "seen"): 16, (1, "unseen"): 32, (2, "seen"): 32, (2, "unseen"): 32,
    }  # fmt: skip
    assert done.ranking.away == "unseen classes"
    assert set(done.run.manifest.data.families) == {"even", "odd"}
    assert {one for text in done.cells["test_contents"] for one in text.split("+")} == set(CONTENTS)
