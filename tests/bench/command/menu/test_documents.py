"""`--json`: every command with a table has it, and prints one document and nothing else on standard output."""

import json
from dataclasses import dataclass
from pathlib import Path
from shutil import copytree

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from bench.command.menu.documents import print_document, print_table
from bench.command.menu.lazy_group import whole_commands
from bench.golden.golden_record import read_golden
from bench.platform.outside.json_text import json_parts
from bench.platform.shipped_results import shipped_results
from tests.support.command_line import call, one_line
from tests.support.result_folders import store_run

WITHOUT = {
    "completion": "prints a script",
    "export": "writes tables, which may be JSON",
    "golden make": "writes a record and says what it supports",
    "new detector": "writes a package and says which files",
    "new protocol": "writes a file or a package and says which",
    "report": "writes a page and says which",
    "runs name": "changes a name",
    "runs remove": "deletes files and says how many",
    "runs tag": "changes tags",
    "runs untag": "changes tags",
    "serve": "shows a page",
    "weights get": "says where each file is",
    "weights make": "writes files, and shows progress alone",
}


def leaves(commands, before=""):
    """Commands that do something, by what is typed for them."""
    for name, command in commands.items():
        title = f"{before}{name}"
        below = getattr(command, "commands", {})
        if not below or any("--json" in one.opts for one in command.params):
            yield title, command
        yield from leaves(below, f"{title} ")


def test_every_command_has_it_or_a_reason():
    has = {title: any("--json" in one.opts for one in command.params) for title, command in leaves(whole_commands())}
    assert {title for title, found in has.items() if not found} == set(WITHOUT)
    assert all(WITHOUT.values())


@dataclass(frozen=True)
class Answer:
    where: Path
    shares: tuple[float, ...]


def test_numbers_that_there_are_not_are_null_and_nothing_is_obeyed_by_a_terminal(capsys):
    frame = pd.DataFrame({"n": [1], "auc": [float("nan")]})
    numbers = {"array": np.array([1.5, np.inf]), "number": np.float32(0.5), "count": np.int64(3)}
    value = {"answer": Answer(Path("a/b"), (float("-inf"), 0.25)), "table": frame, **numbers, "text": "\x1b[31mé\u202e"}
    print_document(value)
    printed = capsys.readouterr().out
    assert "é" in printed
    assert printed.replace("\n", "").isprintable()
    assert json.loads(printed) == {
        "answer": {"where": "a/b", "shares": [None, 0.25]},
        "table": [{"n": 1, "auc": None}],
        "array": [1.5, None],
        "number": 0.5,
        "count": 3,
        "text": "\x1b[31mé\u202e",
    }


@pytest.mark.parametrize("value", [None, True, "", 3, [], {}, ()])
def test_what_json_has_stays_as_it_is(value):
    assert json_parts(value) == (list(value) if isinstance(value, tuple) else value)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    return store_run(read_golden(shipped_results() / "golden" / "degradation"), tmp_path_factory.mktemp("run"))


@pytest.mark.parametrize(
    ("arguments", "key"),
    [
        (("check", "RUN"), "faults"),
        pytest.param(("figure", "RUN"), "figures", marks=pytest.mark.slow),
        (("figure", "RUN", "averages"), "tables"),
        (("explain", "f1"), "columns"),
        (("weights", "list"), "checkpoints"),
    ],
)
def test_standard_output_is_one_document(finished, tmp_path, arguments, key):
    given = [finished if one == "RUN" else one for one in arguments]
    done = call({"LINEUP_CACHE": str(tmp_path / "cache")}, *given, "--json")
    assert done.returncode == 0, done.stderr
    assert key in json.loads(done.stdout)


def test_a_rescored_run_is_a_list_of_rankings(finished):
    (ranking,) = json.loads(call({}, "rescore", finished, "--threshold", "0.6", "--json").stdout)
    assert ranking["rows"]
    assert "0.6" in " ".join(ranking["applied"])


def test_a_damaged_folder_is_a_document_and_one_line_on_the_error_stream(finished, tmp_path):
    folder = copytree(finished, tmp_path / "run")
    with (folder / "manifest.json").open("a") as file:
        file.write(" ")
    done = call({}, "check", folder, "--json")
    assert "damaged or gone" in one_line(done)
    assert "manifest.json is damaged" in json.loads(done.stdout)["faults"][0]


def test_a_row_of_a_table_is_one_line_in_a_pipe(capsys, monkeypatch):
    monkeypatch.delenv("COLUMNS", raising=False)
    print_table(("name", "where"), [("a", "x" * 300), ("b", "y")])
    assert [len(line.split()) for line in capsys.readouterr().out.splitlines() if "x" in line] == [2]


def test_no_row_is_cut_on_a_narrow_terminal(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "20")
    print_table(("name", "where"), [("a", "x" * 50)])
    assert capsys.readouterr().out.count("x") == 50


def test_copies_of_images_are_told_as_a_document_and_notes_stay_on_the_error_stream(tmp_path):
    (tmp_path / "photos").mkdir()
    Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(tmp_path / "photos" / "a.png")
    given = (tmp_path / "photos", "--degradations", "jpeg:65", "--out", tmp_path / "copies", "--json")
    done = call({"LINEUP_CACHE": str(tmp_path / "cache")}, "degrade", *given)
    document = json.loads(done.stdout)
    assert document["copies"] == {"none": "clean", "jpeg:65": "jpeg_65"}
    assert (document["images"], document["left_out"]) == (1, {})
    assert "Note: the copies have no labels" in done.stderr
