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
OWN = 'version = 1\nabout = "a"\nsource = "b"\ndegradations = ["jpeg:050"]\n'
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
        (
            'title = "t"\n[test]\nsizes = [5, 0]',
            r"mine\.toml: test\.sizes has 0; a size is a number of images of each class",
        ),
        ('title = "t"\n[train]\nsizes = [-2]', r"train\.sizes has -2"),
        ('title = "t"\n[test]\ngenerators = []', r"test\.generators is an empty list; list what is asked"),
        ('title = "t"\n[test]\ndegradations = []', r"test\.degradations is an empty list"),
        ('title = "t"\n[[groups]]\nname = "g"\nwhere = { degradation = ["jpg:50"] }', "did you mean jpeg:50"),
        (
            'title = "t"\n[[groups]]\nname = "g"\ngenerators = "some"',
            r"groups\.0\.generators: input should be 'trained'",
        ),
        ('title = "t"\n[train]\nsizes = ["many"]', r"train\.sizes\.0: input should be a valid integer, found 'many'"),
    ],
)
def test_a_file_that_is_no_protocol_is_said_to_be_none(protocol_of, text, said):
    with pytest.raises(WrongProtocolFile, match=said):
        protocol_of(text)


def groups_of(protocol, scope):
    cells = protocol.cells(scope)
    return {
        group.name: [(cell.train.name, cell.test.name) for cell in cells if cell in group.cells]
        for group in protocol.groups(cells, scope)
    }


def test_generators_are_compared_as_sets_and_by_what_was_trained_on(protocol_of):
    protocol = protocol_of("""
title = "t"
[train]
generators = ["fog+haze"]
[test]
generators = ["fog", "haze+fog", "kiln", "haze+kiln"]
[[groups]]
name = "equal"
same = ["train", "test"]
[[groups]]
name = "listed"
where = { train = ["haze+fog"], test = ["kiln+haze"] }
[[groups]]
name = "trained"
generators = "trained"
[[groups]]
name = "unseen"
generators = "unseen"
""")()
    found = groups_of(protocol, Scope(Images(), ("alpha",)))
    assert {name: [test for _, test in cells] for name, cells in found.items()} == {
        "equal": ["haze+fog"], "listed": ["haze+kiln"], "trained": ["fog", "haze+fog"], "unseen": ["kiln"],
    }  # fmt: skip


def test_degradations_of_a_group_are_spelt_as_cells_have_them_and_profiles_stand_for_theirs(protocol_of):
    protocol = protocol_of("""
title = "t"
[train]
degradations = ["jpeg:050"]
[test]
generators = "trained"
degradations = ["none", "jpeg:050", "genimage"]
[[groups]]
name = "same quality"
where = { degradation = ["jpeg:050"], train_degradation = ["jpeg:50"] }
[[groups]]
name = "profile"
where = { degradation = ["genimage"] }
""")()
    scope = Scope(Images(), ("alpha",))
    assert {name: len(cells) for name, cells in groups_of(protocol, scope).items()} == {
        "same quality": len(GENERATORS), "profile": 6 * len(GENERATORS),
    }  # fmt: skip


def test_an_average_of_no_cell_is_refused_and_names_the_file(protocol_of):
    protocol = protocol_of('title = "t"\n[[groups]]\nname = "g"\nwhere = { degradation = ["jpeg:50"] }')()
    scope = Scope(Images(), ("alpha",))
    with pytest.raises(Unanswerable, match=r"no cell is in the average 'g' of protocol .*mine\.toml; mend its same"):
        protocol.groups(protocol.cells(scope), scope)


def test_what_is_listed_twice_is_asked_once(protocol_of):
    protocol = protocol_of("""
title = "t"
[train]
generators = ["fog+haze", "haze+fog"]
sizes = [5, 5]
[test]
generators = ["kiln", "kiln"]
contents = [["cat"], ["cat"]]
""")()
    assert len(protocol.cells(Scope(Images(), ("alpha",)))) == 1


def test_the_path_of_a_profile_begins_in_the_folder_of_the_file(protocol_of, tmp_path, monkeypatch):
    (tmp_path / "own.toml").write_text(OWN)
    (tmp_path / "away").mkdir()
    monkeypatch.chdir(tmp_path / "away")
    protocol = protocol_of('title = "t"\n[test]\ndegradations = ["own.toml", "genimage", "none"]')
    assert protocol.test.degradations[0] == "jpeg:50"
    assert protocol.profiles == (str(tmp_path / "own.toml"), "genimage")


def test_content_is_what_is_asked_and_not_how_the_file_is_written(protocol_of, tmp_path):
    (tmp_path / "own.toml").write_text(OWN)
    text = 'title = "t"\n[test]\ndegradations = ["own.toml"]\n'
    content = protocol_of(text).content
    assert protocol_of("# a remark\n" + text.replace('"t"', '"another title"')).content == content
    assert protocol_of(text + "sizes = [5]").content != content
    assert protocol_of(text + '[[groups]]\nname = "all"').content != content
    (tmp_path / "own.toml").write_text(OWN.replace("50", "40"))
    assert protocol_of(text).content != content
