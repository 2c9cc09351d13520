"""Protocols in TOML: their cells and averages, and what is wrong with a file."""

import pytest

from protocols.api import Cell, Scope, Subset, Unanswerable
from protocols.cross_generator import CrossGenerator
from protocols.file_protocol import WrongProtocolFile, protocol_from_file
from tests.support.synthetic_runs import GENERATORS, Images

CROSS = """
title = "Cross: rows, columns"
[[groups]]
name = "diagonal"
role = "home"
same = ["train", "test"]
[[groups]]
name = "off-diagonal"
role = "away"
differ = ["train", "test"]
[[groups]]
name = "on fog"
where = { test = ["fog"] }
"""
ALL_AXES = """
title = "t"
source = "s"
rows = "train_size"
columns = "degradation"
task = "generator"
[train]
generators = ["fog+haze", "kiln"]
sizes = [20, 10]
contents = [["cat"], ["dog", "cow"]]
degradations = ["jpeg:50"]
[test]
generators = "trained"
degradations = ["none", "genimage"]
contents = [["hen"]]
"""


@pytest.fixture
def protocol_of(tmp_path):
    def write(text):
        path = tmp_path / "mine.toml"
        path.write_text(text)
        return protocol_from_file(path)

    return write


def test_a_file_asks_what_the_protocol_in_code_does(protocol_of):
    scope = Scope(Images(), ("alpha", "beta"), (0, 1))
    mine, ours = protocol_of(CROSS)(), CrossGenerator()
    cells = mine.cells(scope)
    assert cells == ours.cells(scope)
    by_name = {group.name: group for group in ours.groups(cells, scope)}
    *same, on_fog = mine.groups(cells, scope)
    assert [by_name[group.name] for group in same] == same
    assert on_fog.cells == {cell for cell in cells if cell.test.name == "fog"}
    assert (mine.name, mine.title, mine.view.rows, mine.view.columns) == (
        "mine",
        "Cross: rows, columns",
        "train",
        "test",
    )


def test_every_combination_is_a_cell(protocol_of):
    cells = protocol_of(ALL_AXES)().cells(Scope(Images(), ("alpha",), (3,)))
    trains = [
        Subset(names, "train", contents, size, "jpeg:50")
        for names in (("fog", "haze"), ("kiln",))
        for contents in (("cat",), ("dog", "cow"))
        for size in (20, 10)
    ]
    steps = ("none", "lr:112", "lr:64", "jpeg:65", "jpeg:30", "blur:3", "blur:5")
    assert cells == [
        Cell("alpha", train, Subset((name,), "val", ("hen",), None, step), 3, "generator")
        for train in trains
        for name in train.generators
        for step in steps
    ]


def test_released_rows_are_tested_and_not_trained(protocol_of):
    scope = Scope(Images(), ("alpha@x",), checkpoints={"alpha@x": "/x.pth"})
    cells = protocol_of(CROSS)().cells(scope)
    assert [(cell.train, cell.test.name, cell.checkpoint) for cell in cells] == [
        (None, name, "/x.pth") for name in GENERATORS
    ]
    assert all(not group.cells for group in protocol_of(CROSS)().groups(cells, scope))


def test_generators_together_are_one_set(protocol_of):
    cells = (
        protocol_of('title = "t"\n[train]\ngenerators = "all"\n[test]\ngenerators = "all"')
        .__call__()
        .cells(Scope(Images(), ("alpha",)))
    )
    assert [(cell.train.generators, cell.test.generators) for cell in cells] == [(GENERATORS, GENERATORS)]


@pytest.mark.parametrize("part", ["train", "test"])
def test_a_generator_that_is_not_there_is_said_so(protocol_of, part):
    protocol = protocol_of(f'title = "t"\n[{part}]\ngenerators = ["fog", "snow"]')()
    with pytest.raises(Unanswerable, match="generator 'snow'"):
        protocol.cells(Scope(Images(), ("alpha",)))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("title = ", "cannot be read"),
        ("", "title: field required"),
        ('title = "t"\ncolour = 1', "colour: extra inputs are not permitted, found 1"),
        ('title = "t"\nrows = "size"', "axis 'size' is not known; there are train, "),
        ('title = "t"\n[[groups]]\nname = "g"\nsame = ["trian"]', "axis 'trian' is not known"),
        ('title = "t"\n[[groups]]\nname = "g"\nrole = "near"', r"groups\.0\.role: input should be 'home' or 'away'"),
        ('title = "t"\n[train]\ngenerators = "trained"', "'trained' is for test sets"),
        ('title = "t"\n[test]\ndegradations = ["jpg:50"]', "did you mean jpeg:50"),
        ('title = "t"\n[train]\nsizes = ["many"]', r"train\.sizes\.0: input should be a valid integer, found 'many'"),
    ],
)
def test_a_file_that_is_no_protocol_is_said_to_be_none(protocol_of, text, said):
    with pytest.raises(WrongProtocolFile, match=said):
        protocol_of(text)
