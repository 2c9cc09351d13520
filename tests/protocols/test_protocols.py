"""What the protocols ask."""

from dataclasses import dataclass, field

import pytest

from detectors.catalogue import find, installed
from protocols.api import Options, Unanswerable
from protocols.cross_generator import CrossGenerator
from protocols.degradation import Degraded


@dataclass
class Fake:
    generators: tuple[str, ...] = ("a", "b", "c")
    families: dict[str, str] = field(default_factory=lambda: {"a": "x", "b": "x", "c": "y"})
    short_side: int = 512
    held_out: str = "val"
    untrained: tuple[str, ...] = ()

    def having(self, split):
        return tuple(name for name in self.generators if split != "train" or name not in self.untrained)


def test_cross_generator_is_the_whole_square_for_each_detector_and_seed():
    cells = CrossGenerator().cells(Fake(), ["d", "e"], [0, 1], Options())
    assert len(cells) == len(set(cells)) == 2 * 2 * 9
    assert {(cell.train.name, cell.test.name) for cell in cells} == {(r, c) for r in "abc" for c in "abc"}
    assert {cell.train.split for cell in cells} == {"train"}
    assert {cell.test.split for cell in cells} == {"val"}


def test_cross_generator_rows_can_be_chosen():
    cells = CrossGenerator().cells(Fake(), ["d"], [0], Options(train_on=("c",)))
    assert [(cell.train.name, cell.test.name) for cell in cells] == [("c", "a"), ("c", "b"), ("c", "c")]


def test_degradation_prefers_what_genimage_trained_on():
    cells = Degraded().cells(Fake(generators=("ADM", "SDv1.4")), ["d"], [0], Options())
    assert {(cell.train.name, cell.test.name) for cell in cells} == {("SDv1.4", "SDv1.4")}
    assert [cell.degradation for cell in cells] == ["none", "lr:112", "lr:64", "jpeg:65", "jpeg:30", "blur:3", "blur:5"]


def test_degradation_trains_on_the_first_generator_otherwise_and_can_test_all():
    one = Degraded().cells(Fake(), ["d"], [0], Options())
    every = Degraded().cells(Fake(), ["d"], [0], Options(test_all=True))
    assert {(cell.train.name, cell.test.name) for cell in one} == {("a", "a")}
    assert {(cell.train.name, cell.test.name) for cell in every} == {("a", "a"), ("a", "b"), ("a", "c")}


def test_small_images_get_milder_steps_as_well():
    steps = {cell.degradation for cell in Degraded().cells(Fake(short_side=128), ["d"], [0], Options())}
    assert {"jpeg:85", "blur:0.5", "blur:1", "lr:96", "blur:5", "jpeg:30"} <= steps


def test_rows_are_generators_with_training_images_and_columns_those_held_out():
    images = Fake(held_out="test", untrained=("a", "c"))
    cells = CrossGenerator().cells(images, ["d"], [0], Options())
    assert [(cell.train.name, cell.test.name) for cell in cells] == [("b", "a"), ("b", "b"), ("b", "c")]
    assert {cell.test.split for cell in cells} == {"test"}
    with pytest.raises(Unanswerable, match="no training images"):
        CrossGenerator().cells(Fake(untrained=("a", "b", "c")), ["d"], [0], Options())


@pytest.mark.parametrize("name", installed("lineup.protocols"))
def test_a_generator_that_is_not_there_is_named_with_those_that_are(name):
    protocol = find("lineup.protocols", "protocol", name)()
    assert protocol.name == name
    with pytest.raises(Unanswerable, match=r"'z' is not in the data's train split, which has a, b, c"):
        protocol.cells(Fake(), ["d"], [0], Options(train_on=("z",)))


def test_degradations_can_be_chosen_and_are_spelled_one_way():
    cells = Degraded().cells(Fake(), ["d"], [0], Options(degradations=("none", "blur:1.0", "lr:64+jpeg:30")))
    assert [cell.degradation for cell in cells] == ["none", "blur:1", "lr:64+jpeg:30"]
