"""The plug-in's protocol: cells over training sizes, and their averages."""

from types import SimpleNamespace

import pytest
from lineup_training_size import TrainingSize

from bench.request import protocol_catalogue
from protocols.api import AXES, Scope, Unanswerable

IMAGES = SimpleNamespace(
    generators=("a", "b"),
    families={},
    contents=(),
    held_out="val",
    short_side=512,
    generators_in=lambda split: ("a", "b"),
    largest_size=lambda subset: {"a": 100, "b": 80}["+".join(subset.generators)],
)
SCOPE = Scope(IMAGES, ["d", "e"], [0, 1])


def sizes(protocol):
    return sorted({cell.train.size for cell in protocol.cells(SCOPE)})


def test_it_is_installed_by_its_entry_point_alone():
    assert "training_size" in protocol_catalogue.names()
    assert protocol_catalogue.protocol_class("training_size") is TrainingSize
    assert protocol_catalogue.make_protocol("training_size", {"sizes": "4,2"}) == TrainingSize(sizes=(4, 2))


def test_one_cell_for_each_detector_seed_train_set_and_size():
    cells = TrainingSize(sizes=(40, 20)).cells(SCOPE)
    assert len(cells) == len(set(cells)) == 2 * 2 * 2 * 2
    assert all(cell.train.generators == cell.test.generators for cell in cells)
    assert {cell.test.split for cell in cells} == {"val"}
    assert {cell.test.size for cell in cells} == {None}
    assert [AXES[TrainingSize.view.columns].value(cell) for cell in cells[:2]] == [20, 40]
    assert {cell.train.generators for cell in TrainingSize(train_on=("b",)).cells(SCOPE)} == {("b",)}


def test_sizes_halve_from_what_every_train_set_has():
    assert sizes(TrainingSize()) == [10, 20, 40, 80]
    assert sizes(TrainingSize(train_on=("a",))) == [12, 25, 50, 100]
    few = SimpleNamespace(**{**vars(IMAGES), "largest_size": lambda subset: 2})
    assert sorted({cell.train.size for cell in TrainingSize().cells(Scope(few, ["d"]))}) == [1, 2]


@pytest.mark.parametrize("asked", [(81,), (0, 5), (-1,)])
def test_sizes_that_are_not_there_are_refused(asked):
    with pytest.raises(Unanswerable, match="are not all from 1 to 80"):
        TrainingSize(sizes=asked).cells(SCOPE)


def test_the_largest_size_is_home_and_the_smaller_ones_are_away():
    protocol = TrainingSize(sizes=(10, 20, 40))
    cells = protocol.cells(SCOPE)
    groups = protocol.groups(cells, SCOPE)
    assert [(group.name, group.role, len(group.cells)) for group in groups] == [
        ("40 images", "home", 8), ("fewer images", "away", 16), ("20 images", None, 8), ("10 images", None, 8),
    ]  # fmt: skip
    assert groups[1].cells == groups[2].cells | groups[3].cells
    (home, away) = TrainingSize(sizes=(5,)).groups(TrainingSize(sizes=(5,)).cells(SCOPE), SCOPE)
    assert (home.role, away.role, away.cells) == ("home", "away", frozenset())
