"""The page in a real browser: quiet, offline, sortable, readable by keyboard and by machines, in light and dark."""

import csv
import io
import shutil
from dataclasses import dataclass, field

import pytest

from bench.charts.numbers import MISSING, percent_text
from bench.evaluation.cells import matrices
from bench.report.figures.boards.matrices import matrix_labels
from bench.report.figures.findings import Findings
from bench.report.page.document import page as page_text
from tests.support.pages import conditions_run, hostile_run, page_of
from tests.support.synthetic_runs import make_run, without

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
MOST_NODES = 15_000
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed"),
]


@dataclass
class Watched:
    """A page and what it did while it was read."""

    page: object
    said: list = field(default_factory=list)
    asked: list = field(default_factory=list)

    def column(self, header, board="table.board"):
        """The texts of a column of a board, the rows that are shown, in their order."""
        return self.page.evaluate(
            """([board, header]) => {
                const table = document.querySelector(board);
                const heads = [...table.tHead.rows[0].cells].map((one) => one.textContent);
                return [...table.tBodies[0].rows].filter((row) => !row.hidden)
                    .map((row) => row.cells[heads.indexOf(header)].textContent);
            }""",
            [board, header],
        )


@pytest.fixture(scope="module")
def chromium():
    api = pytest.importorskip("playwright.sync_api", reason="the extra `browser` is not installed")
    with api.sync_playwright() as started:
        browser = started.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        )
        yield browser
        browser.close()


@pytest.fixture
def opened(chromium, tmp_path):
    """Open a page from its file, as a reader does; keyword arguments are those of a browser's context."""
    contexts = []

    def opening(text, **options):
        path = tmp_path / "report.html"
        path.write_text(text, encoding="utf-8")
        context = chromium.new_context(**{"viewport": {"width": 1280, "height": 900}, **options})
        contexts.append(context)
        watched = Watched(context.new_page())
        watched.page.on("console", lambda message: watched.said.append(message.text))
        watched.page.on("pageerror", lambda error: watched.said.append(str(error)))
        watched.page.on("request", lambda request: watched.asked.append(request.url))
        watched.page.goto(path.as_uri())
        return watched

    yield opening
    for context in contexts:
        context.close()


@pytest.fixture(scope="module")
def findings():
    run = conditions_run(n=100)  # of 200 images, so that many percentages are halves
    hole = run.cells["detector"].eq("gamma") & run.cells["test"].eq("kiln")
    return Findings.of(without(run, hole, "failed", "no room"))


@pytest.fixture(scope="module")
def text(findings):
    return page_text([findings])


def loaded(watched):
    """What was asked of any network; fonts and pictures are inside the page."""
    return [url for url in watched.asked if not url.startswith(("file:", "data:", "blob:"))]


@pytest.mark.parametrize("make", [conditions_run, hostile_run, make_run])
def test_a_page_is_quiet_and_asks_nothing_of_a_network(opened, make):
    shown = opened(page_of(make()))
    shown.page.wait_for_timeout(200)
    assert shown.said == []
    assert loaded(shown) == []
    assert [url for url in shown.asked if url.startswith("file:")] == [shown.page.url]
    assert shown.page.evaluate("document.fonts.check('12px \"IBM Plex Sans\"')")


def test_columns_are_sorted_as_numbers_with_missing_ones_last(opened, text):
    shown = opened(text)
    for header in ("AP", "off-diagonal", "cells"):
        before = shown.column(header)
        for direction, name in ((-1, "descending"), (1, "ascending")):
            head = shown.page.locator("table.board thead th").filter(has=shown.page.get_by_text(header, exact=True))
            head.locator("button").click()
            assert head.get_attribute("aria-sort") == name
            found = shown.column(header)
            assert sorted(found) == sorted(before)
            there = [float(one.split()[0].split("/")[0]) for one in found if one != MISSING]
            assert there == sorted(there, key=lambda one: direction * one)
            assert found[len(there) :] == [MISSING] * (len(found) - len(there))
    names = shown.page.locator("table.board thead th").filter(has=shown.page.get_by_text("detector", exact=True))
    names.locator("button").click()
    assert shown.column("detector") == sorted(shown.column("detector"))
    assert shown.page.locator("table.board th[aria-sort]").count() == 1


def test_search_and_family_leave_the_rows_that_fit(opened, text):
    shown = opened(text)
    search, family = shown.page.locator(".tools input").first, shown.page.locator(".tools[data-for] select").first
    search.fill("BETA")
    assert shown.column("detector") == ["beta"]
    assert shown.page.locator(".tools output").first.text_content() == "1 of 3"
    search.fill("nothing of the kind")
    assert shown.column("detector") == []
    search.fill("")
    assert len(shown.column("detector")) == 3
    family.select_option("frequency")
    assert sorted(shown.column("detector")) == ["alpha", "gamma"]
    family.select_option("")
    assert shown.page.locator(".tools output").first.text_content() == ""


def test_another_condition_is_written_into_the_cells(opened, text, findings):
    shown = opened(text)
    select = shown.page.locator("figure select").first
    table = findings.measured.table
    cells = """() => {
        const figure = document.querySelector("script.matrices").closest("figure");
        return [...figure.querySelectorAll("g.cells")].map((cells) => [
            [...cells.querySelectorAll("text")].map((one) => one.textContent),
            [...cells.querySelectorAll("rect")].map((one) => one.getAttribute("class"))]);
    }"""
    first = shown.page.evaluate(cells)
    for condition in ("jpeg:65", "none"):
        select.select_option(condition)
        own = matrices(table[table["degradation"].eq(condition)], findings.manifest.protocol)
        for detector, (texts, classes) in zip(findings.matrices, shown.page.evaluate(cells), strict=True):
            rows, across = matrix_labels(findings, detector, own[detector])
            shares = [float(own[detector].loc[row, column]) for row in rows for column in across]
            assert texts == [percent_text(share) for share in shares]
            assert [css == "missing" for css in classes] == [one == MISSING for one in texts]
    select.select_option(index=0)
    assert shown.page.evaluate(cells) == first


def test_numbers_are_saved_as_a_table_that_no_spreadsheet_runs(opened, findings):
    run = conditions_run(detectors=("=1+1", '"quoted", beta'))
    findings = Findings.of(run)
    shown = opened(page_text([findings]))
    with shown.page.expect_download() as download:
        shown.page.locator("button.save").first.click()
    lines = list(csv.reader(io.StringIO(download.value.path().read_text(encoding="utf-8"))))
    assert lines[0] == ["detector", "train", "test", "condition", "accuracy", "low", "high", "n"]
    assert len(lines) == 1 + 2 * 16 * 4
    assert {line[0] for line in lines[1:]} == {"'=1+1", '"quoted", beta'}
    table = findings.measured.table
    for line in lines[1:]:
        detector, train, test, condition = line[0].lstrip("'"), *line[1:4]
        if condition == "mean over conditions":
            continue
        mine = table[table["detector"].eq(detector) & table["train"].eq(train) & table["test"].eq(test)]
        (cell,) = mine[mine["degradation"].eq(condition)].itertuples()
        expected = (cell.accuracy, cell.accuracy_low, cell.accuracy_high)
        assert [float(one) for one in line[4:7]] == pytest.approx(expected, abs=1.001e-4)
        assert int(line[7]) == cell.n


def test_a_pointer_reads_a_cell_in_words(opened, text):
    shown = opened(text)
    shown.page.locator("g.cells rect").first.scroll_into_view_if_needed()
    shown.page.locator("g.cells rect").first.hover(position={"x": 2, "y": 2})
    assert "train" in shown.page.locator("#tip").text_content()
    assert "%" in shown.page.locator("#tip").text_content()
    shown.page.mouse.move(2, 2)
    assert shown.page.locator("#tip").is_hidden()


def test_the_keyboard_reaches_headers_and_sorts(opened, text):
    shown = opened(text)
    seen = []
    for _ in range(80):
        shown.page.keyboard.press("Tab")
        seen.append(
            shown.page.evaluate(
                "(() => { const one = document.activeElement; return [one.tagName, one.textContent]; })()"
            )
        )
        if seen[-1] == ["BUTTON", "AP"]:
            break
    assert seen[0] == ["A", "To the report"]
    assert seen[-1] == ["BUTTON", "AP"]
    assert shown.page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    shown.page.keyboard.press("Enter")
    assert shown.page.locator("table.board th[aria-sort=descending]").text_content() == "AP"


def test_dark_follows_the_reader_and_the_button(opened, text):
    ground = "getComputedStyle(document.body).backgroundColor"
    light, dark = "rgb(255, 255, 255)", "rgb(23, 23, 26)"
    shown = opened(text, color_scheme="dark")
    assert shown.page.evaluate(ground) == dark
    shown.page.locator("#ground").click()
    assert shown.page.evaluate(ground) == light
    shown.page.locator("#ground").click()
    assert shown.page.evaluate(ground) == dark
    shown.page.emulate_media(media="print", color_scheme="dark")
    assert shown.page.evaluate(ground) == light
    assert opened(text, color_scheme="light").page.evaluate(ground) == light


def test_on_paper_there_is_nothing_to_click(opened, text):
    shown = opened(text)
    shown.page.emulate_media(media="print")
    for hidden in ("nav", ".tools"):
        assert not any(one.is_visible() for one in shown.page.locator(hidden).all())
    assert shown.page.locator("table.board").first.is_visible()
    assert shown.page.locator("figure svg").first.is_visible()
    assert shown.page.pdf(format="A4").startswith(b"%PDF")


def test_without_scripts_pictures_and_tables_stand(opened, text, findings):
    shown = opened(text, java_script_enabled=False)
    assert shown.page.locator("table.board tbody tr").count() == 3
    assert shown.page.locator("figure svg").first.is_visible()
    boxes = [one.bounding_box() for one in shown.page.locator("figure svg").all()]
    assert len(boxes) > 3
    assert all(box is not None and box["height"] > 10 and box["width"] > 100 for box in boxes)
    assert not any(one.is_visible() for one in shown.page.locator(".tools").all())
    assert shown.page.locator("details").first.is_visible()


def test_a_phone_scrolls_tables_and_not_the_page(opened, text):
    shown = opened(text, viewport={"width": 390, "height": 844})
    assert shown.page.evaluate("document.documentElement.scrollWidth") <= 390


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_a_checker_of_accessibility_finds_nothing_serious(opened, text, scheme, width):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="the extra `browser` is not installed")
    shown = opened(text, color_scheme=scheme, viewport={"width": width, "height": 900}, bypass_csp=True)
    shown.page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    found = axe.Axe().run(shown.page).response["violations"]
    serious = [
        (one["id"], one["impact"], [node["html"][:160] for node in one["nodes"][:3]])
        for one in found
        if one["impact"] in {"serious", "critical"}
    ]
    assert serious == []


def test_a_large_board_has_few_nodes_and_is_drawn_soon(opened):
    names = [f"detector_{number:02}" for number in range(40)]
    text = page_of(conditions_run(names, n=10))
    shown = opened(text)
    assert shown.page.evaluate("document.getElementsByTagName('*').length") <= MOST_NODES
    times = shown.page.evaluate("performance.getEntriesByType('navigation')[0].loadEventEnd")
    assert times < 10_000  # milliseconds, on a machine that others use too
    assert len(text) < 3_000_000
