"""The plug-in's protocol: cells over shares of the training images, and their averages."""

from types import SimpleNamespace

import pytest
from lineup_training_share import TrainingShare

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
    assert protocol_catalogue.protocol_class("training_share") is TrainingShare
    assert protocol_catalogue.make_protocol("training_share", {"shares": "1,.5"}) == TrainingShare(shares=(1, 0.5))


def test_one_cell_for_each_detector_seed_train_set_and_share():
    cells = TrainingShare(shares=(0.5, 0.25)).cells(SCOPE)
    assert len(cells) == len(set(cells)) == 2 * 2 * 2 * 2
    assert all(cell.train.generators == cell.test.generators for cell in cells)
    assert {cell.test.split for cell in cells} == {"val"}
    assert [AXES[TrainingShare.view.columns].value(cell) for cell in cells[:2]] == [20, 40]
    assert {cell.train.generators for cell in TrainingShare(train_on=("b",)).cells(SCOPE)} == {("b",)}


def test_shares_are_of_what_every_train_set_has():
    assert sizes(TrainingShare()) == [20, 40, 80]
    assert sizes(TrainingShare(train_on=("a",))) == [25, 50, 100]
    assert sizes(TrainingShare(shares=(0.001, 0.002))) == [1]


@pytest.mark.parametrize("asked", [(1.1,), (0, 0.5), (-1,), ()])
def test_shares_that_are_none_are_refused(asked):
    with pytest.raises(Unanswerable, match="are not all above 0 and at most 1"):
        TrainingShare(shares=asked).cells(SCOPE)


def test_the_largest_share_is_home_and_the_smaller_ones_are_away():
    protocol = TrainingShare()
    groups = protocol.groups(protocol.cells(SCOPE), SCOPE)
    assert [(group.name, group.role, len(group.cells)) for group in groups] == [
        ("largest share", "home", 8), ("smaller shares", "away", 16),
    ]  # fmt: skip
