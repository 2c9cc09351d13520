"""The pages hold together: links, lengths, what is generated, what they say of commands, messages and tables."""

import importlib.util
import re
import shlex
import shutil
import subprocess
import sys
from functools import cache
from html import unescape
from itertools import takewhile
from pathlib import Path

import pytest

from bench.command.menu.lazy_group import whole_commands
from bench.report.embedded_results import results_as_markdown
from bench.request import protocol_catalogue
from detectors import catalogue
from protocols.api import option_help
from tests.support.documents import (
    DOCS,
    ROOT,
    blocks,
    broken,
    inline_commands,
    is_generated,
    links,
    pages,
    prose,
    written_pages,
)
from tests.support.page_reader import make_would_run

MOST_WORDS = 1200
KINDS = {"", "file", "replace", "only checked"}
LANGUAGES = {"sh", "python", "toml", "text", "yaml", "r", "latex"}
BASH = shutil.which("bash") or "bash"
CARRIES_OUT = {"sbatch", "bash", ".venv/bin/python"}  # a script that a page writes
READ = {"lineup", "make"}  # by the parser
OF_EXAMPLES = {"--sigmas"}  # options of what a page writes
REFERENCES = "references"


@cache
def references():
    """The module that writes the pages of reference."""
    spec = importlib.util.spec_from_file_location(REFERENCES, DOCS / "references.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@cache
def commands():
    """Every command by the words that call it, to the flags that it takes; those of every protocol are of `run`."""
    found, kinds = {}, map(protocol_catalogue.protocol_class, protocol_catalogue.names())

    def walk(words, command):
        flags = {flag for one in command.params for flag in (*one.opts, *one.secondary_opts)} | {"--help"}
        found[words] = flags
        for name, below in getattr(command, "commands", {}).items():
            walk((*words, name), below)

    for name, command in whole_commands().items():
        walk((name,), command)
    found[()] = {*whole_commands()}
    found["run",] |= {f"--{option.replace('_', '-')}" for kind in kinds for option in option_help(kind)}
    return found


def unknown_words(words):
    """What of the words behind `lineup` no command or option is called."""
    path = max((path for path in commands() if path == tuple(words[: len(path)])), key=len)
    if not path and words[0] not in commands()[()]:
        return words[:1]
    known = commands()[path] | OF_EXAMPLES
    return [word for word in words if word.startswith("--") and word.partition("=")[0] not in known]


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page):
    assert [target for target in links(page) if broken(page, target)] == []


def test_a_link_that_leads_nowhere_is_seen():
    page = DOCS / "index.md"
    assert not broken(page, "tutorial.md#2-read-it-two-minutes")
    assert not broken(page, "../README.md")
    assert all(broken(page, one) for one in ("gone.md", "tutorial.md#gone", "#gone", "../../etc", "conf.py#a"))


def test_pages_are_short():
    words = {page.relative_to(ROOT).as_posix(): len(prose(page).split()) for page in written_pages()}
    assert {name: count for name, count in words.items() if count > MOST_WORDS} == {}


def test_every_page_stands_in_a_list_of_pages():
    listed = {page for page in pages() if page.parent == ROOT} | {DOCS / "index.md"}
    for page in pages():
        for block in (one for one in blocks(page) if one.language == "{toctree}"):
            names = [line for line in block.text.splitlines() if line and not line.startswith(":")]
            listed |= {(page.parent / f"{name}.md").resolve() for name in names}
    assert listed == set(pages())


def test_pages_of_reference_are_those_of_the_code():
    module = references()
    written = {path.name: path.read_text() for path in module.FOLDER.glob("*.md") if is_generated(path)}
    assert sorted(written) == sorted(module.PAGES)
    assert [name for name, text in written.items() if text != module.page_text(name)] == [], "run `make readme`"


def test_every_kind_of_block_is_known():
    found = [block for page in written_pages() for block in blocks(page) if not block.language.startswith("{")]
    assert {block.place: block.kind for block in found if block.kind not in KINDS} == {}
    assert {block.place: block.language for block in found if block.language not in LANGUAGES} == {}
    assert [block.place for block in found if block.kind == "only checked" and not block.about] == []
    alone = {block.page.name for block in found if block.language == "text" and not block.kind}
    assert alone == {"CONTRIBUTING.md"}  # of others nothing would notice that they are wrong


def test_the_tree_of_the_house_has_folders_that_are_there():
    (tree,) = (one for one in blocks(ROOT / "CONTRIBUTING.md") if one.language == "text")
    top, gone = ROOT, []
    for line in tree.text.splitlines():
        if not line.startswith(" "):
            top = ROOT / line.split("/")[0]
        names = set(re.findall(r"(?<![\w/])(\w+)/", line)) - {top.name}
        gone += [name for name in names if not (top / name).is_dir() and not next(top.rglob(name), None)]
    assert gone == []


def test_commands_and_their_options_exist():
    found = [(page.name, words) for page in written_pages() for words in inline_commands(page)]
    for page in written_pages():
        shell = [one for one in blocks(page) if one.language == "sh"]
        called = [(one.place, words) for one in shell for words in one.commands if "lineup" in words]
        found += [(place, words[words.index("lineup") :]) for place, words in called]
    assert len(found) > 100
    assert {(place, *unknown) for place, words in found if (unknown := unknown_words(words[1:]))} == set()


def test_a_command_that_does_not_exist_is_seen():
    assert unknown_words(["ran", "--data"]) == ["ran"]
    assert unknown_words(["run", "--dta", "x", "--kind=blur"]) == ["--dta"]
    assert unknown_words(["cache", "prune", "--keep", "1GB", "--data"]) == ["--data"]


def parsed(words):
    """Let the parser of a command read its words, and run nothing."""
    command, used = whole_commands()[words[0]], 1
    while words[used : used + 1] and words[used] in getattr(command, "commands", {}):
        command, used = command.commands[words[used]], used + 1
    if "--help" not in words:
        command.make_context(words[used - 1], words[used:])


def test_what_is_not_run_is_read_by_the_parser(monkeypatch, tmp_path):
    """What needs a GPU, a store, the network or minutes; make says which command it would call."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))  # where the copy of a place on a store would be
    monkeypatch.setattr("bench.interface.surroundings.fetched_folder", Path)
    found = [one for page in written_pages() for one in blocks(page) if one.language == "sh"]
    found = [one for one in found if one.kind == "only checked"]
    asked = [words for block in found for words in block.commands if words[0] in READ]
    for program, *words in asked:
        lines = [shlex.split(line)[1:] for line in make_would_run(words)] if program == "make" else [words]
        assert lines, words
        for line in lines:
            parsed(list(takewhile(lambda word: word not in {"|", ">"}, line)))
    assert len(asked) > 25


def test_scripts_that_pages_start_are_those_that_they_write():
    asked = [
        (page.name, words[1], {one.about for one in blocks(page) if one.kind == "file"})
        for page in written_pages()
        for block in blocks(page)
        if block.language == "sh" and block.kind == "only checked"
        for words in block.commands
        if words[0] in CARRIES_OUT
    ]
    assert [(page, name) for page, name, written in asked if name not in written] == []
    assert len(asked) > 4


def test_scripts_of_shell_can_be_read_by_it():
    scripts = [one for page in written_pages() for one in blocks(page) if one.language == "sh" and one.kind == "file"]
    assert len(scripts) > 2
    for one in scripts:
        done = subprocess.run([BASH, "-n"], input=one.text, capture_output=True, text=True, check=False)
        assert done.returncode == 0, (one.place, done.stderr)


def test_what_make_is_asked_for_exists():
    text = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"^([a-z-]+):.*## ", text, re.MULTILINE))
    variables = set(re.findall(r"^([A-Z_]+) \?=", text, re.MULTILINE))
    for page in written_pages():
        inline = [one.split() for one in re.findall(r"`(make [^`]+)`", prose(page))]
        shell = [words for one in blocks(page) if one.language == "sh" for words in one.commands if words[0] == "make"]
        for words in inline + shell:
            asked = [word for word in words[1:] if word[0].isalpha()]
            names = {word for word in asked if "=" not in word}
            assert names <= targets | {"make"}, (page.name, words)
            assert {word.partition("=")[0] for word in asked if "=" in word} <= variables, (page.name, words)


@cache
def sources():
    """The text of the code, and of the Makefile, which checks what it needs."""
    folders = ("bench", "detectors", "protocols", "lineup_bench")
    files = [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]
    return "\0".join(path.read_text() for path in (ROOT / "Makefile", *files))


def test_messages_stand_in_the_code():
    headings = re.findall(r"^### (.*)", (DOCS / "troubleshooting.md").read_text(), re.MULTILINE)
    quoted = [text for heading in headings for text in re.findall(r"`([^`]+)`", heading)]
    assert len(quoted) > 25
    parts = [part.strip() for text in quoted for part in text.split("...") if part.strip()]
    assert [part for part in parts if part not in sources()] == []


def test_every_question_that_ships_is_on_its_page():
    text = (DOCS / "questions.md").read_text()
    kinds = {name: protocol_catalogue.protocol_class(name) for name in protocol_catalogue.names()}
    own = [name for name, kind in kinds.items() if kind.__module__.startswith("protocols.")]
    assert sorted(re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE)) == sorted(own)
    assert len(own) == 18, "pages speak of eighteen"


def test_tables_of_results_are_those_of_the_committed_one():
    measured = {line.split("|")[1].strip(): line for line in results_as_markdown()}
    rows = re.findall(r"^\| `\w+` \|.*", (DOCS / "tutorial.md").read_text(), re.MULTILINE)
    assert len(rows) == 4
    assert [row for row in rows if not measured[row.split("|")[1].strip()].startswith(row.rstrip("|").rstrip())] == []


def test_the_number_of_detectors_is_that_of_the_cards():
    own = [name for name in catalogue.names() if not catalogue.distribution(catalogue.recipe(name))]
    for page in ("README.md", "docs/choosing.md"):
        assert set(re.findall(r"(?:all|of the) (\d+)", (ROOT / page).read_text())) <= {str(len(own))}, page


@pytest.mark.slow
def test_the_site_is_built_without_a_warning_and_its_links_lead_somewhere(tmp_path):
    pytest.importorskip("sphinx", reason="the extra docs is not installed; `make docs` installs it")
    build = ["-m", "sphinx", "--quiet", "--fail-on-warning", "--keep-going", "--builder", "html", DOCS, tmp_path]
    done = subprocess.run([sys.executable, *build], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    html = {path.resolve(): path.read_text() for path in tmp_path.rglob("*.html")}
    ids = {path: set(re.findall(r'id="([^"]+)"', text)) for path, text in html.items()}
    loaded = [one for text in html.values() for one in re.findall(r'(?:src|<link[^>]*href)="(\w+:)?//[^"]*"', text)]
    assert loaded == []  # read without a network
    gone = []
    for path, text in html.items():
        for target in re.findall(r'href="([^"]+)"', text):
            file, _, anchor = unescape(target).partition("#")
            found = (path.parent / file.partition("?")[0]).resolve() if file else path
            outside = re.match(r"[a-z]+:", target)
            if not outside and (not found.exists() or (anchor and anchor not in ids.get(found, {anchor}))):
                gone.append((path.name, target))
    assert gone == []
