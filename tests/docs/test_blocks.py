"""Every block of the written pages is carried out as it stands, page by page."""

import pandas as pd
import pytest

from tests.support.documents import blocks, written_pages
from tests.support.page_reader import PageReader
from tests.support.stand_in_trees import write_trees

PAGES = [page for page in written_pages() if any(one.language != "{toctree}" for one in blocks(page))]
# pages of a second or two; of the others `test_pages` reads the commands and their options all the same
QUICK = [page for page in PAGES if page.name in {"CONTRIBUTING.md", "your-layout.md"}]


@pytest.fixture(scope="session")
def trees(tmp_path_factory):
    """The stand-ins of the data and weights that pages name."""
    return write_trees(tmp_path_factory.mktemp("trees"))


@pytest.fixture(autouse=True)
def _without_timing_and_pictures(monkeypatch):
    """They take most of so small a run."""
    monkeypatch.setattr("bench.request.execution.time_detectors", lambda *_: pd.DataFrame())
    monkeypatch.setattr("bench.report.run_report._write_pictures", lambda *_, **__: None)


@pytest.mark.parametrize("page", QUICK, ids=lambda page: page.name)
def test_a_page_can_be_followed(page, trees, tmp_path, monkeypatch):
    PageReader(trees, tmp_path, monkeypatch, slow=False).follow(page)


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_can_be_followed_as_it_stands(page, trees, tmp_path, monkeypatch):
    PageReader(trees, tmp_path, monkeypatch, slow=True).follow(page)
