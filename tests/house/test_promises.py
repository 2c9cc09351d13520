"""What docs/security.md promises. Each promise there names the tests that hold it; those of several rooms are here."""

import ast
import csv
import io
import os
import re
import socket
import subprocess
import sys
import zipfile
from functools import cache
from pathlib import Path

import pandas as pd
import pytest
from rich.text import Text

from bench.evaluation.cells import evaluate
from bench.evaluation.leaderboard import rankings_of
from bench.exchange.score_tables import read_score_table
from bench.images.files.archives import open_archive
from bench.platform.outside.console import PlainConsole
from bench.platform.outside.spreadsheets import spreadsheet_csv
from bench.records.store import Store
from bench.report.formats import section_as_markdown
from bench.report.ranking_columns import TableColumn, TitledTable
from bench.report.run_report import write_files
from bench.report.sections.catalogue import sections_of
from detectors.weight_file import WrongWeights, hashed_file
from detectors.weights.reading import read as read_weights
from tests.support.command_line import call
from tests.support.miniature import write_folder
from tests.support.synthetic_runs import make_run, with_data

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "security.md"
LINK = "[x](http://example.invalid) ![x](http://example.invalid/a.png)"
HOSTILE = ("=1+1", "<img src=x onerror=alert(1)>", LINK, "\x1b[31mred\x9b1m", "\\input{/etc/passwd} a|b\nc `d`")


@cache
def functions_of(path):
    return {node.name for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.FunctionDef)}


def test_every_promise_names_tests_that_there_are():
    text = PAGE.read_text()
    promises = re.findall(
        r"^- \*\*.+?(?=\n- |\n\n|\Z)", text.partition("## What Lineup promises")[2].partition("\n## ")[0], re.M | re.S
    )
    assert len(promises) >= 10
    for promise in promises:
        named = re.findall(r"`(test_\w+)`[^`]*\(`(tests/[\w/]+\.py)`\)", promise)
        assert named, promise
        assert [name for name, file in named if name not in functions_of(ROOT / file)] == []
    assert len(text.split()) <= 1200


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """The files of a run whose detectors and data have hostile names."""
    run = with_data(make_run(detectors=HOSTILE), title=HOSTILE[-1], warnings=HOSTILE)
    measured, store = evaluate(run), Store.at(tmp_path_factory.mktemp("run"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("bench.report.run_report._write_pictures", lambda *_: None)
        write_files(run, measured, rankings_of(run, measured), sections_of(measured), store)
    return store.root


def test_no_table_of_a_run_holds_a_formula(written):
    cells = []
    for path in written.glob("*.csv"):
        with path.open(newline="", encoding="utf-8") as file:
            cells += [cell for row in csv.reader(file) for cell in row]
    assert "'=1+1" in cells
    assert [cell for cell in cells if re.match(r"[=@\t\r]|[+-](?![\d.]*(e-?\d+)?$)", cell)] == []


def test_no_markdown_of_a_run_holds_html_links_or_pictures(written):
    texts = [path.read_text(encoding="utf-8") for path in written.glob("*.md")]
    assert any("&lt;img src=x" in text for text in texts)
    for text in texts:
        assert "<img" not in text
        assert "](http" not in text
        assert "\x1b" not in text
        assert "\x9b" not in text
    block = section_as_markdown(
        [TitledTable("t", (TableColumn("h", ("a|b\nc", "d")), TableColumn("i", ("1", "2"))))], ""
    )
    assert len({len(re.findall(r"(?<!\\)\|", line)) for line in block.splitlines() if line.startswith("|")}) == 1


def test_no_latex_of_a_run_reads_a_file(written):
    text = (written / "leaderboard.tex").read_text(encoding="utf-8")
    assert "input" in text
    assert r"\input" not in text.replace(r"\textbackslash{}input", "")


def test_a_terminal_obeys_nothing_that_others_wrote():
    console = PlainConsole()
    with console.capture() as capture:
        console.print("[red]a[/red] \x1b[31m", Text("\x9b2J"), "\x1b]0;title", sep="\n")
    assert capture.get().splitlines() == ["[red]a[/red] \\x1b[31m", "\\x9b2J", "\\x1b]0;title"]


def test_archives_that_unpack_to_many_times_their_size_are_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "x.zip", "w", zipfile.ZIP_DEFLATED, compresslevel=1) as made:
        made.writestr("a.png", b"\0" * (2**25 + 1))
        made.writestr("b.png", b"\0" * 2**20)
    tree = open_archive(tmp_path / "x.zip")
    with pytest.raises(OSError, match=r"unpacks to \d+ times its size, as no image does; do not trust x\.zip"):
        tree.read("a.png")
    assert len(tree.read("b.png")) == 2**20
    (tmp_path / "x.zip").rename(tmp_path / "x.pth")
    with pytest.raises(WrongWeights, match="as no file of weights packs so well: do not trust it"):
        read_weights(hashed_file(tmp_path / "x.pth"))


@pytest.fixture
def no_network(monkeypatch):
    """Every attempt to reach another machine, which fails."""
    tried = []

    def refuse(_, address):
        tried.append(address)
        raise OSError(101, "no network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", lambda *given, **_: refuse(None, given[:2]))
    return tried


@pytest.mark.parametrize("detectors", ["", pytest.param("checkerboard,dino_probe,npr", marks=pytest.mark.slow)])
def test_nothing_asks_the_network_unless_it_is_told_to(no_network, tmp_path, detectors):
    data, environment = write_folder(tmp_path / "data"), {"LINEUP_CACHE": str(tmp_path / "cache")}
    run = ("run", "--data", data, "--detectors", detectors, "--setting", "small", "--out", tmp_path / "out")
    commands = [("list",), ("show", "clip_probe"), ("weights", "list"), ("data", data), *([run] if detectors else [])]
    assert [(command, done.stderr) for command in commands if (done := call(environment, *command)).returncode] == []
    assert no_network == []


@pytest.mark.slow
def test_no_file_is_written_outside_the_cache_and_what_was_named(tmp_path):
    data = write_folder(tmp_path / "data")
    home, work, out = (tmp_path / name for name in ("home", "work", "out"))
    home.mkdir()
    work.mkdir()
    given = {
        name: value for name, value in os.environ.items() if not name.startswith(("XDG_", "LINEUP", "HF_", "TORCH"))
    }
    environment = given | {"HOME": str(home), "LINEUP_CACHE": str(tmp_path / "cache"), "PYTHONDONTWRITEBYTECODE": "1"}
    before = sorted(data.rglob("*"))
    environment |= {"TMPDIR": str(tmp_path / "tmp")}
    (tmp_path / "tmp").mkdir()
    for command in (
        (
            "run",
            "--data",
            data,
            "--detectors",
            "checkerboard,npr,clip_probe",
            "--setting",
            "small",
            "--keep-fitted",
            "--out",
            out,
        ),
        ("report", out, "--out", out / "report.html"),
        ("figure", out, "spectra", "--out", out / "a.png"),
        ("data", data, "--audit"),
    ):
        done = subprocess.run(
            [sys.executable, "-m", "lineup_bench", *map(str, command)], cwd=work, env=environment, capture_output=True,
            text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
    assert [*home.rglob("*"), *work.rglob("*")] == []  # what is in "tmp" is of libraries, and may be deleted
    assert sorted(data.rglob("*")) == before
    assert {path.name for path in tmp_path.iterdir()} == {"data", "home", "work", "out", "cache", "tmp"}


def test_scores_as_csv_are_read_back_by_their_names(tmp_path):
    (tmp_path / "scores.csv").write_text(
        spreadsheet_csv(pd.DataFrame({"name": ["=1.png", "'=2.png"], "score": [0.1, 0.2]}))
    )
    assert list(csv.reader(io.StringIO((tmp_path / "scores.csv").read_text())))[1][0] == "'=1.png"
    assert read_score_table(tmp_path / "scores.csv").values("name") == ["=1.png", "'=2.png"]
