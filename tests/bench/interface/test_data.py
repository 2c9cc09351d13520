"""Data sets as they are named: what is stated reaches the reading, and mistakes are told at once."""

import re
from pathlib import Path

import pytest

from bench.interface.data import open_data
from bench.platform.errors import InputError


def test_a_census_counts_what_there_is(miniature, own_cache):
    census = open_data(miniature, limit=4).census(progress=False)
    assert census.groupby("class")["images"].sum().to_dict() == {"generated": 24, "real": 24}
    assert set(census.attrs) == {"warnings", "notes", "excluded"}


def test_an_audit_names_what_tells_the_classes_apart(miniature, own_cache, capfd):
    audit = open_data(miniature).audit(progress=False)
    assert set(audit["generator"]) == {"even", "faint", "odd"}
    assert {"accuracy", "low", "high", "p", "verdict", "evidence"} <= set(audit.columns)
    assert capfd.readouterr() == ("", "")


def test_what_is_stated_is_as_the_command_line_reads_it(miniature):
    data = open_data(
        miniature, classes={"AI ": "Generated"}, columns={"generator": "model"}, levels=["Split", "class"], group="name"
    )
    assert dict(data.reading.classes) == {"ai": "generated"}
    assert dict(data.reading.columns) == {"generator": "model"}
    assert data.reading.levels == ("split", "class")
    assert open_data([miniature, "embedded"]).place == f"{miniature},embedded"
    assert open_data("~").place == str(Path.home())


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"place": "/nowhere"}, "data /nowhere does not exist"),
        ({"place": "genimag:/nowhere"}, "layout 'genimag' is not known"),
        ({"real": "/somewhere"}, "the embedded corpus has real images of its own"),
        ({"classes": {"0": "fake"}}, "--classes 0=fake is not understood"),
        ({"classes": {"a,b": "real"}}, "classes 'a,b': 'real' is empty or has a comma"),
        ({"columns": {"colour": "x"}}, "there is no colour"),
        ({"levels": ["colour"]}, "--levels colour: there is no colour"),
        ({"levels": "colour"}, "--levels colour: there is no colour"),
        ({"limit": 1}, "limit 1 is too small"),
        ({"max_unreadable": 2}, "max_unreadable 2 is no share"),
        ({"max_pixels": 0}, "is no number of pixels"),
    ],
)
def test_a_mistake_is_told_at_once(asked, message):
    with pytest.raises(InputError, match=re.escape(message)):
        open_data(**asked)
