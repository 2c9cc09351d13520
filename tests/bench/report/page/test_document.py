"""The page: well-formed, complete, escaped, private, and with the numbers of the run."""

import getpass
import re
import socket
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from bench.evaluation.cells import matrices
from bench.report.conclusions import conclusions
from bench.report.figures.boards.matrices import matrix_labels
from bench.report.figures.findings import Findings
from bench.report.page.document import page
from bench.report.ranking_columns import ranking_columns
from tests.support.pages import HOSTILE, conditions_run, hostile_run, numbers_of, page_of, read
from tests.support.synthetic_runs import falling, make_run, with_data, with_detector, with_manifest, without

HASH = re.compile(r"url\(\s*['\"]?(?!data:)")


def failing():
    run = make_run(falling(away=0.7), ["alpha", "beta", "gamma"])
    return without(run, run.cells["detector"].eq("beta") & run.cells["test"].eq("kiln"), "failed", "OSError: no room")


@pytest.fixture(scope="module")
def findings():
    return Findings.of(conditions_run())


@pytest.fixture(scope="module")
def text(findings):
    return page([findings])


@pytest.fixture(scope="module")
def root(text):
    return read(text)


@pytest.fixture(scope="module", params=["plain", "hostile", "failing", "several"])
def any_root(request):
    runs = {
        "plain": [make_run()],
        "hostile": [hostile_run()],
        "failing": [failing()],
        "several": [make_run(), make_run(degraded=True), with_data(make_run(), digest="other", title="other images")],
    }
    return read(page_of(*runs[request.param]))


def test_how_to_repeat_a_run_says_the_threads_of_trainings_that_follow_them():
    run = make_run()
    assert "trained with" not in page_of(run)
    assert "workers: 2, trained with 6 threads." in page_of(
        with_manifest(run, runtime=replace(run.manifest.runtime, training_threads=6))
    )


def test_ids_are_unique_and_every_link_has_a_target(any_root):
    ids = [one.given["id"] for one in any_root.all() if "id" in one.given]
    assert len(set(ids)) == len(ids)
    links = [one.given["href"] for one in any_root.all("a")]
    assert links
    assert all(link.startswith("#") and link[1:] in ids for link in links)
    for tools in any_root.all("div", "tools"):
        assert tools.given.get("data-for", ids[0]) in ids


def test_nothing_is_loaded_from_anywhere(any_root):
    for one in any_root.all():
        for name in ("src", "href", "action", "data", "poster", "srcset", "xlink:href"):
            assert (one.given.get(name) or "#").startswith(("#", "data:"))
        assert not {name for name in one.given if name.startswith("on")}
        assert not HASH.search(one.given.get("style") or "")
    assert one.tag not in {"link", "iframe", "object", "embed", "base"}
    for style in any_root.all("style"):
        assert not HASH.search(style.text)
        assert "@import" not in style.text


def test_a_policy_forbids_to_load_anything(root):
    head = root.all("head")[0]
    (policy,) = [one for one in head.all("meta") if one.given.get("http-equiv") == "Content-Security-Policy"]
    rules = dict(rule.strip().split(" ", 1) for rule in policy.given["content"].split(";"))
    assert rules["default-src"] == "'none'"
    assert not [rule for rule in rules.values() if "*" in rule or "http" in rule]
    assert head.all("meta").index(policy) < 3  # before anything that it is about
    assert [one.given["charset"] for one in head.all("meta") if "charset" in one.given] == ["utf-8"]


def test_headings_go_down_one_by_one_and_every_picture_has_words(any_root):
    levels = [int(one.tag[1]) for one in any_root.all() if re.fullmatch(r"h\d", one.tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(later - sooner <= 1 for sooner, later in pairwise(levels))
    for picture in any_root.all("svg"):
        assert picture.given.get("aria-hidden") == "true" or (picture.given["role"], bool(picture.given["aria-label"]))


def test_names_of_others_are_texts_in_every_place():
    text = page_of(hostile_run())
    root = read(text)
    assert "alert(" not in "".join(one.text for one in root.all("script") if not one.given.get("type"))
    assert len([one for one in root.all("script") if not one.given.get("type")]) == 1
    assert text.count("<script>alert") == 0
    (numbers,) = numbers_of(root)
    assert HOSTILE in numbers["titles"]
    cells = [one.text for one in root.all("td")]
    assert HOSTILE in cells
    families = {row.given.get("data-family") for row in root.all("tr")}
    assert HOSTILE in families
    assert HOSTILE in [one.text for one in root.all("option")]
    assert any(HOSTILE in one.text for one in root.all("div", "warned"))


def test_numbers_behind_the_matrices_are_those_of_the_cells(findings, root):
    (numbers,) = numbers_of(root)
    table, protocol = findings.measured.table, findings.manifest.protocol
    assert numbers["conditions"][1:] == ["none", "jpeg:65", "blur:1"]
    assert numbers["titles"] == list(findings.matrices)
    tables = [table, *(table[table["degradation"].eq(name)] for name in numbers["conditions"][1:])]
    for values, own in zip(numbers["values"], tables, strict=True):
        expected = matrices(own, protocol)
        for detector, found, labels in zip(numbers["titles"], values, numbers["labels"], strict=True):
            rows, across = matrix_labels(findings, detector, expected[detector])
            assert [list(one) for one in labels] == [rows, across]
            shares = [expected[detector].loc[row, column] for row in rows for column in across]
            assert [value / 1e6 for value in found] == pytest.approx(shares, abs=1.001e-6)
    cell = table[table["detector"].eq("beta") & table["degradation"].eq("jpeg:65")].iloc[5]
    rows, across = numbers["labels"][numbers["titles"].index("beta")]
    place = rows.index(cell["train"]) * len(across) + across.index(cell["test"])
    panel = numbers["titles"].index("beta")
    found = [numbers[name][2][panel][place] for name in ("low", "high", "n")]
    assert found == [round(1e6 * cell["accuracy_low"]), round(1e6 * cell["accuracy_high"]), cell["n"]]
    assert set(numbers["low"][0][panel]) == {-1}  # a mean of intervals is none


def test_missing_cells_are_missing_in_the_numbers_too():
    root = read(page_of(failing()))
    (numbers,) = numbers_of(root)
    panel = numbers["titles"].index("beta")
    rows, across = numbers["labels"][panel]
    missing = [
        (rows[place // len(across)], across[place % len(across)])
        for place, value in enumerate(numbers["values"][0][panel])
        if value < 0
    ]
    assert missing == [(row, "kiln") for row in rows]


def test_the_board_has_the_texts_of_the_terminal(findings, root):
    (ranking,) = findings.rankings
    board = root.all("table", "board")[0]
    assert [one.text for one in board.all("thead")[0].all("th")] == [one.header for one in ranking_columns(ranking)]
    for place, column in enumerate(ranking_columns(ranking)):
        shown = [row.all("td")[place].text for row in board.all("tbody")[0].all("tr")]
        assert shown == list(column.texts)


def test_conclusions_are_those_of_the_terminal(findings, root):
    (ranking,) = findings.rankings
    said = [one.text for one in root.all("div", "said")[0].all("p")]
    assert said[1:] == conclusions(ranking)
    assert said[0].startswith(f"{ranking.rows[0].detector} has the highest {ranking.ranked_by}")


def test_failed_cells_are_said_before_any_number():
    text = page_of(failing())
    root = read(text)
    warned = root.all("div", "warned")[0]
    assert "Cells are missing for beta" in warned.text
    assert (
        text.index("Cells are missing for beta") < text.index('<table class="board')
        if '<table class="board' in text
        else 1
    )
    assert "OSError: no room" in root.text
    assert "failed 4 of 16 cells" in root.text


def test_a_baseline_and_what_is_at_chance_are_marked_on_the_board():
    run = make_run(lambda detector, *_: {"alpha": 0.5, "beta": 0.8}[detector])
    root = read(page_of(with_detector(run, "beta", shortcut="the names of the files")))
    names = [one.text for one in root.all("td", "first")]
    assert names == ["beta (baseline)", "alpha †"]


def test_runs_have_chapters_of_their_own():
    root = read(page_of(make_run(), make_run(degraded=True)))
    assert len(root.all("h2")) == 3  # the words have one too
    assert len(root.all("table", "board")) == 2
    assert len(numbers_of(root)) == 2
    assert len(root.all("h1")) == 1


def test_the_page_knows_nothing_of_machine_and_user(text):
    words = {str(Path.home()), str(Path(__file__).parents[4]), socket.gethostname()}
    words |= {f"/home/{getpass.getuser()}", f"/Users/{getpass.getuser()}"}
    assert {word for word in words if len(word) > 3 and word in text} == set()
    assert "/tmp/" not in text  # noqa: S108 - to be sure that it is not there


@pytest.mark.slow
def test_equal_runs_give_equal_pages(text):
    assert page_of(conditions_run()) == text


def test_a_run_without_any_score_has_a_page():
    run = make_run()
    root = read(page_of(without(run, run.cells["seed"].eq(0), "failed", "no room")))
    assert "No cell was scored." in root.text
