"""Explanations as text and as Markdown."""

from bench.explanations import registry, texts
from bench.metrics.metric import Metric


def test_markdown_has_a_row_of_five_cells_for_each_explanation():
    lines = list(texts.as_markdown())
    rows = [line for line in lines if line.startswith("| `")]
    assert len(rows) == len(registry.explanations())
    assert {row.count("|") for row in rows} == {6}
    headings = [line for line in lines if line.startswith("### ")]
    assert len(headings) == len(registry.by_table(registry.explanations()))


def test_markdown_leaves_metrics_of_other_packages_out(monkeypatch):
    extra = Metric("alarms", lambda *_: 0.0, about="Real images called generated.")
    monkeypatch.setattr(registry, "known_metrics", lambda: (extra,))
    monkeypatch.setattr(texts, "installed_metrics", lambda: (extra,))
    registry.explanations.cache_clear()
    assert "means: Real images called generated. Measured" in " ".join(" ".join(texts.explain("alarms")).split())
    assert not any("`alarms`" in line for line in texts.as_markdown())
    registry.explanations.cache_clear()


def test_lists_fit_the_terminal():
    assert max(map(len, texts.list_names())) <= 100
