"""The picture of an attribution: shares of each row, the best detector first, numbers where there is room."""

import io
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from bench.report.confusion_maps import confusion_maps
from bench.report.heat_maps import HeatMaps, Panel
from bench.report.matrix_style import share_colour
from PIL import Image

from bench.evaluation.cells import evaluate
from bench.evaluation.leaderboard import rankings_of
from bench.records import columns
from bench.records.store import Store
from bench.report import picture
from bench.report.run_report import write_files
from tests.bench.report.sections.test_attribution import attributed
from tests.support.open_protocols import Naming
from tests.support.synthetic_runs import FAMILIES, falling, make_run, run_of


def square(size):
    """A panel of so many classes, each named right three times in four, else as the next one."""
    names = [f"generator {number}" for number in range(size)]
    values = {(row, column): 0.0 for row in names for column in names}
    for place, name in enumerate(names):
        values[name, name], values[name, names[place - 1]] = 0.75, 0.25
    places = {name: float(place) for place, name in enumerate(names)}
    return Panel("one", "", values, places, places, dict.fromkeys(names, 120))


def drawn(size, panels=1):
    return picture._figure(HeatMaps("Attribution", "", "Shares.", (square(size),) * panels, shares=True))


def texts(axes):
    """The numbers in the cells."""
    return [text.get_text() for text in axes.texts if text.get_text().isdigit()]


def test_rows_are_shares_of_their_images_and_real_ones_stand_last():
    run = attributed(lambda made: {"fog": "haze"}.get(made, made))
    (panel,) = confusion_maps(run, []).panels
    assert list(panel.rows) == list(panel.columns)
    assert list(panel.rows)[-1] == "real"
    assert (panel.values["fog", "haze"], panel.values["fog", "fog"], panel.values["haze", "haze"]) == (1.0, 0.0, 1.0)
    for row in panel.rows:
        assert sum(panel.values[row, column] for column in panel.columns) == pytest.approx(1)
    assert sum(panel.counts.values()) == run.scores["name"].nunique()
    family = [FAMILIES.get(name, name) for name in panel.rows]
    apart = np.diff(list(panel.rows.values())) > 1
    assert apart.tolist() == [before != after for before, after in pairwise(family)]


def test_the_best_detector_stands_first():
    run = run_of(Naming(), falling(home=0.9), ["alpha", "beta"])
    told = run.scores[["key", "name", "label"]].merge(run.cells[["key", "detector"]], on="key")
    made = np.where(told["label"] == 1, told["name"].str.split("/").str[1], "")
    names = told[["key", "name"]].assign(**{columns.GENERATOR: made, columns.PREDICTED: made})
    run = replace(run, diagnostics=names)
    measured = evaluate(run)
    ranked = rankings_of(run, measured)
    order = [row.detector for ranking in ranked for row in ranking.rows]
    assert [panel.title for panel in confusion_maps(run, ranked).panels] == order
    backwards = [replace(one, rows=one.rows[::-1]) for one in ranked]
    assert [panel.title for panel in confusion_maps(run, backwards).panels] == order[::-1]


def test_shares_that_round_to_nothing_stay_empty_and_the_count_stands_beside_the_row():
    axes, scale = drawn(5).axes
    assert sorted(texts(axes)) == ["25"] * 5 + ["75"] * 5
    assert axes.get_yticklabels()[0].get_text() == "generator 0  120"
    assert "50 %" in [label.get_text() for label in scale.get_xticklabels()]


@pytest.mark.parametrize(("size", "panels", "numbers"), [(16, 3, True), (27, 1, True), (45, 1, False)])
def test_numbers_fit_their_cells_or_are_left_out(size, panels, numbers):
    figure = drawn(size, panels=panels)
    figure.draw_without_rendering()
    axes = figure.axes[0]
    assert bool(texts(axes)) is numbers
    width = axes.get_window_extent().width / size
    assert all(text.get_window_extent().width < width for text in axes.texts if text.get_text().isdigit())
    labels = axes.get_yticklabels()
    heights = [label.get_window_extent() for label in labels]
    assert all(above.y0 > below.y1 - 1 for above, below in pairwise(heights))  # none overlap
    assert all(one.x0 >= 0 for one in heights)
    assert figure.get_figwidth() < 26
    note = next(text.get_text() for text in figure.texts if text.get_text().startswith("Shares."))
    assert note == ("Shares. Empty: less than half a percent." if numbers else "Shares. There is no room for numbers.")


def test_a_larger_share_is_darker_and_a_small_one_is_seen():
    light = [sum(share_colour(share)) for share in np.linspace(0, 1, 21)]
    assert (np.diff(light) < 0).all()
    assert light[0] - light[1] > 20


def test_the_picture_is_written_beside_the_table_and_goes_with_it(tmp_path):
    store = Store.at(tmp_path)
    run = attributed(lambda made: made)
    measured = evaluate(run)
    write_files(run, measured, rankings_of(run, measured), [], store)
    path = tmp_path / "confusion.png"
    with Image.open(io.BytesIO(path.read_bytes())) as image:
        assert image.info["Comment"] == confusion_maps(run, rankings_of(run, measured)).digest
    other = make_run()
    write_files(other, evaluate(other), [], [], store)
    assert not path.exists()
    assert confusion_maps(other, []) is None
