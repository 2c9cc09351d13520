"""Pages of runs that stress them: 44 generators, failed and skipped cells, two data sets."""

import shutil
import subprocess

import pytest

from tests.support.large_runs import (
    FAILED,
    FURTHER,
    FURTHER_DATA,
    GENERATORS,
    KINDS,
    SKIPPED,
    UNREAD,
    large_run,
    released_run,
)
from tests.support.pages import numbers_of, page_of, read

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
MOST_BYTES = 3_000_000  # of a page without small copies of images

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def large():
    return page_of(large_run())


@pytest.fixture(scope="module")
def released():
    return page_of(released_run())


@pytest.fixture(scope="module", params=["large", "released"])
def any_page(request):
    return request.getfixturevalue(request.param)


def section(root, name):
    (found,) = [one for one in root.all("section") if one.given.get("id") == name]
    return found


def panels(root):
    """The panels of the matrices by the detectors that they name."""
    drawn = [one for one in section(root, "matrix-1").all("svg") if one.all("g", "cells")]
    return {one.given["aria-label"].partition(".")[0].split()[-1]: one for one in drawn}


def labels(panel):
    return [one.text for one in panel.all("text")]


def test_failed_detectors_are_named_before_any_number(any_page):
    text = read(any_page).text
    names = ("beta", "gamma") if "beta@two" not in text else ("beta@two", "gamma@three")
    said = f"Cells are missing for {', '.join(names)}"
    assert said in text
    assert any_page.index(said) < any_page.index("<table") < any_page.index("<figure")


def test_every_reason_stands_with_the_number_of_its_cells(large, released):
    text = read(large).text
    assert f"beta: failed 44 of 1936 cells: {UNREAD}" in text
    assert f"gamma: skipped 1936 of 1936 cells: {SKIPPED}" in text
    text = read(released).text
    assert f"beta@two: failed 20 of 88 cells: {FAILED}" in text
    assert f"gamma@three: skipped 88 of 88 cells: {SKIPPED}" in text


def test_every_generator_is_a_row_and_a_column_of_each_matrix(large):
    found = panels(read(large))
    assert list(found) == ["alpha", "beta"]
    for panel in found.values():
        names = [name for name in labels(panel) if name in set(GENERATORS)]
        assert sorted(names) == sorted([*GENERATORS, *GENERATORS])
        assert set(KINDS) <= set(labels(panel))
    assert len(found["alpha"].all("rect", "missing")) == 0
    assert len(found["beta"].all("rect", "missing")) == len(GENERATORS)


def test_a_detector_without_a_score_has_no_empty_matrix_and_is_named(large):
    root = read(large)
    assert "No cell was scored of gamma." in section(root, "matrix-1").text
    (numbers,) = numbers_of(root)
    assert numbers["titles"] == ["alpha", "beta"]
    assert [len(rows) for rows, _ in numbers["labels"]] == [44, 44]


def test_generators_of_a_further_data_set_stand_by_their_families(released):
    root = read(released)
    for panel in panels(root).values():
        named = labels(panel)
        assert set(KINDS) <= set(named)
        assert {f"{FURTHER_DATA}: {kind}" for kind in KINDS} <= set(named)
        assert {f"{FURTHER_DATA}:{name}" for name in FURTHER} <= set(named)
    assert "photographs of the wild" in section(root, "data-1").text


def test_both_data_sets_are_named_where_nothing_is_trained(released):
    root = read(released)
    (board,) = [one for one in root.all("section") if one.given["id"].startswith("board")]
    both = "rendered scenes, tiny generators, photographs of the wild"
    assert both in board.text
    assert both in section(root, "matrix-1").text


def test_what_is_wide_scrolls_for_itself(any_page):
    root = read(any_page)
    wide = [one for one in (*root.all("svg"), *root.all("table")) if "dot" not in (one.given.get("class") or "")]
    assert wide
    for one in wide:
        above = one.parent
        while above is not None and "scroll" not in (above.given.get("class") or "").split():
            above = above.parent
        assert above is not None
        assert above.given["tabindex"] == "0"
        assert above.given["aria-label"]


def test_the_page_stays_small(any_page):
    assert len(any_page.encode()) < MOST_BYTES


def test_counts_of_detectors_agree_with_their_nouns(any_page):
    assert " 1 detectors" not in read(any_page).text.replace("of 1 detectors", "")
    assert "cells cells" not in any_page


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed (Debian: chromium)")
@pytest.mark.parametrize("width", [390, 1280])
def test_the_page_itself_does_not_scroll_sideways(any_page, width, tmp_path):
    measure = "<script>document.title = [innerWidth, document.documentElement.scrollWidth].join(' ')</script></body>"
    file = tmp_path / "page.html"
    file.write_text(measure.join(any_page.rsplit("</body>", 1)))
    fixed = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--dump-dom"]
    folder = f"--user-data-dir={tmp_path / 'browser'}"
    command = [CHROMIUM, *fixed, folder, f"--window-size={width},900", file.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=90)
    inside, whole = map(int, read_title(done.stdout).split())
    assert inside <= max(width, 500)  # some browsers have no narrower window
    assert whole <= inside


def read_title(dom):
    return dom.partition("<title>")[2].partition("</title>")[0]
