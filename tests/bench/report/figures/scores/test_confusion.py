"""The figure of an attribution: shares of each row, the best detector first, numbers where there is room."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from bench.charts.numbers import percent_text
from bench.charts.raster import to_png
from bench.evaluation.cells import evaluate
from bench.evaluation.leaderboard import rankings_of
from bench.records import columns
from bench.records.store import Store
from bench.report.figures.findings import Findings
from bench.report.figures.scores.confusion import confusion_content
from bench.report.run_report import write_files
from bench.report.sections.attribution import confusions
from tests.bench.report.sections.test_attribution import attributed
from tests.support.drawings import named, outside, texts
from tests.support.open_protocols import Naming
from tests.support.synthetic_runs import FAMILIES, GENERATORS, falling, make_run, run_of

NAMES = (*GENERATORS, "real")


def drawn(run):
    (chart,) = confusion_content(Findings.of(run)).charts
    return chart


def several():
    """Two detectors that name the generators of all images."""
    run = run_of(Naming(), falling(home=0.9), ["alpha", "beta"])
    told = run.scores[["key", "name", "label"]].merge(run.cells[["key", "detector"]], on="key")
    made = np.where(told["label"] == 1, told["name"].str.split("/").str[1], "")
    wrong = np.where(told["detector"].eq("alpha") & (made == "kiln"), "ember", made)  # beta is always right
    names = told[["key", "name"]].assign(**{columns.GENERATOR: made, columns.PREDICTED: wrong})
    return replace(run, diagnostics=names)


def test_rows_are_shares_of_their_images_and_real_ones_stand_last():
    run = attributed(lambda made: {"fog": "haze"}.get(made, made))
    (found,), chart = confusions(run), drawn(run)
    rows = [one for one in named(chart, "text") if not one.slants and one.text.partition("  ")[0] in NAMES]
    rows = [one for one in rows if "  " in one.text]
    labels = [one.text.partition("  ")[0] for one in rows]
    assert labels[-1] == "real"
    counts = {one.text.partition("  ")[0]: int(one.text.partition("  ")[2].replace(",", "")) for one in rows}
    assert counts == {name: found.counts[name] for name in labels}
    assert sum(counts.values()) == run.scores["name"].nunique()
    family = [FAMILIES.get(name, name) for name in labels]
    steps = np.diff([one.origin[1] for one in rows])
    assert (steps > steps.min() + 1).tolist() == [before != after for before, after in pairwise(family)]
    shares = found.shares.to_numpy()
    assert shares.sum(axis=1) == pytest.approx(1)
    shown = [one for one in texts(chart) if one in {"100"} or one.isdigit()]
    assert sorted(shown) == sorted(percent_text(share) for share in shares.ravel() if round(100 * share))


def test_the_best_detector_stands_first():
    run = several()
    measured = evaluate(run)
    ranked = rankings_of(run, measured)
    order = [row.detector for ranking in ranked for row in ranking.rows]
    assert order[0] == "beta"

    def titles(rankings):
        (chart,) = confusion_content(Findings(run, measured, rankings)).charts
        return [text for text in texts(chart) if text in {"alpha", "beta"}]

    assert titles(ranked) == order
    assert titles([replace(one, rows=one.rows[::-1]) for one in ranked]) == order[::-1]


def test_measures_stand_above_and_no_text_leaves_the_drawing():
    chart = drawn(several())
    assert "accuracy 100.0, macro F1 100.0" in texts(chart)
    assert "names 100.0 % of the images rightly" in chart.description
    assert outside(chart) == []


def test_the_picture_is_written_beside_the_table_and_goes_with_it(tmp_path):
    store, run = Store.at(tmp_path), attributed(lambda made: made)
    measured = evaluate(run)
    write_files(run, measured, rankings_of(run, measured), [], store)
    path = tmp_path / "confusion.png"
    assert path.read_bytes() == to_png(drawn(run))
    other = make_run()
    write_files(other, evaluate(other), rankings_of(other, evaluate(other)), [], store)
    assert not path.exists()
    assert confusion_content(Findings.of(other)).charts == ()
