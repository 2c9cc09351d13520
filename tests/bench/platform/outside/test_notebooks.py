"""A bar in a notebook: drawn in its place, and gone when its stage is done."""

import sys
from types import SimpleNamespace

import pytest

from bench.platform.outside import notebooks
from bench.platform.outside.notebooks import NotebookBar, in_notebook


@pytest.fixture
def drawn(monkeypatch):
    """What is drawn, in the place of IPython."""
    found = []
    handle = SimpleNamespace(update=lambda data, raw: found.append(data))

    def display(data, *, raw, display_id):
        assert raw
        assert display_id
        found.append(data)
        return handle

    ipython = SimpleNamespace(get_ipython=lambda: SimpleNamespace(kernel=1))
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    monkeypatch.setitem(sys.modules, "IPython.display", SimpleNamespace(display=display))
    return found


def test_a_bar_is_drawn_over_and_goes(drawn):
    bar = NotebookBar()
    bar.said("a line")
    assert drawn == []
    bar.stage_at("<fit>", 0, 4)
    bar._drawn = 0.0
    bar.stage_at("<fit>", 1, 4)
    bar.stage_at("<fit>", 2, 4)  # too soon to be drawn
    bar.stage_at("<fit>", 4, 4)
    assert [one["text/plain"].partition(",")[0] for one in drawn] == ["<fit>: 0 of 4", "<fit>: 1 of 4", ""]
    assert '<progress value="1" max="4"></progress> &lt;fit&gt;: 1 of 4, ' in drawn[1]["text/html"]


def test_the_time_left_of_a_long_stage_is_in_hours(drawn, monkeypatch):
    now = [0.0]
    monkeypatch.setattr(notebooks.time, "monotonic", lambda: now[0])
    bar = NotebookBar()
    bar.stage_at("fit", 0, 4)
    now[0] = 1200.0
    bar.stage_at("fit", 1, 4)
    assert drawn[-1]["text/plain"] == "fit: 1 of 4, 1 h 00 min left"


def test_a_stage_of_unknown_length_has_no_time_left(drawn):
    bar = NotebookBar()
    bar.stage_at("load", 5, 0)
    assert drawn[0]["text/plain"] == "load: 5"


def test_a_notebook_is_known_by_its_kernel(drawn, monkeypatch):
    assert in_notebook()
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=object))
    assert not in_notebook()
    monkeypatch.setitem(sys.modules, "IPython", None)
    assert not in_notebook()
