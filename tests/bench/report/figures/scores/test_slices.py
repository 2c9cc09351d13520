"""Accuracy on parts of the images: the slices of the analysis, in maps and tables, and why there are none."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from bench.analyses.scores.slices import binned, slice_accuracies
from bench.charts.numbers import percent_text
from bench.report.figures.findings import Findings
from bench.report.figures.opened_images import NoImages
from bench.report.figures.scores.slices import slices_content
from bench.report.ranking_columns import interval_text, percent
from tests.support.drawings import named, outside
from tests.support.synthetic_runs import make_run, without


def skill(detector, *_):
    return {"alpha": 0.6, "beta": 0.9}[detector]


def attributes(run, contents=("leaves", "shells", "")):
    """Contents and sizes in turn, generators and a pool of real images, for every image of a run."""
    names = pd.Index(sorted(set(run.scores["name"])))
    numbers = names.str.extract(r"(\d+)\.jpg$", expand=False).astype(int)
    folders = names.str.split("/").str[1]
    return pd.DataFrame(
        {
            "content": np.array(contents, object)[numbers % len(contents)],
            "origin": np.where(folders == "nature", "real, nature", folders),
            "longer_side": np.array([100.0, 300.0])[numbers % 2],
        },
        index=names,
    )


def findings_of(run, table=None):
    opened = SimpleNamespace(attributes=attributes(run) if table is None else table)
    return replace(Findings.of(run), images=opened)


@pytest.fixture(scope="module")
def findings():
    return findings_of(make_run(skill, n=30))


@pytest.fixture(scope="module")
def content(findings):
    return slices_content(findings)


def test_maps_have_the_slices_of_the_analysis(findings, content):
    (chart,) = content.charts
    table = findings.images.attributes
    assert [part.title for part in chart.parts] == [
        "by content",
        "by generator, and pool of real images",
        "by longer side in pixels",
    ]
    sources = (table["content"], table["origin"], binned(table["longer_side"]))
    for part, values in zip(chart.parts, sources, strict=True):
        expected = slice_accuracies(findings.measured, values, "off-diagonal").set_index(["detector", "slice"])
        rows = [one.text for one in named(part, "text") if one.given.get("text-anchor") == "end" and not one.slants]
        across = [one.text for one in named(part, "text") if one.slants]
        assert rows == ["beta", "alpha"]
        shown = [one.text for one in named(part, "text") if {"number", "tiny"} & set(one.classes)]
        keys = [(row, "" if name == "not stated" else name) for row in rows for name in across]
        assert shown == [percent_text(expected.loc[key, "ranked_accuracy"]) for key in keys]
    assert outside(chart) == []


def test_real_pools_stand_behind_the_generators(content):
    part = content.charts[0].parts[1]
    across = [one for one in named(part, "text") if one.slants]
    assert [one.text for one in across] == ["ember", "fog", "haze", "kiln", "real, nature"]
    gaps = np.diff([one.origin[0] for one in across])
    assert gaps[-1] > gaps[0]


def test_the_lowest_is_said_and_tables_are_of_the_best_detector(findings, content):
    rows = content.rows
    own = rows[rows["attribute"].eq("content")]
    lowest = rows.loc[rows["ranked_accuracy"].idxmin()]
    name = lowest["slice"] or "not stated"
    said = f"The lowest: {lowest['detector']} on {name}, {percent(lowest['ranked_accuracy'])} %."
    assert content.charts[0].description == said
    assert content.tables[0].title == "beta, by content"
    best = own[own["detector"].eq("beta")]
    slices, accuracies, real, generated, few = (column.texts for column in content.tables[0].columns)
    assert slices == ("leaves", "shells", "not stated")
    ends = zip(best["ranked_accuracy"], best["ranked_accuracy_low"], best["ranked_accuracy_high"], strict=True)
    assert accuracies == tuple(f"{percent(value)} {interval_text(low, high)}" for value, low, high in ends)
    assert (real, generated) == (("10",) * 3, ("40",) * 3)
    assert few == ("",) * 3


def test_few_images_are_marked():
    found = slices_content(findings_of(make_run(n=6)))
    marks = [column.texts for table in found.tables for column in table.columns if column.header == "few images"]
    assert set(marks[0]) == {"yes"}


def test_the_best_sixteen_are_shown_and_the_note_says_so():
    names = [f"d{place:02}" for place in range(17)]
    found = findings_of(make_run(lambda detector, *_: 0.95 - 0.02 * names.index(detector), names, n=6))
    content = slices_content(found)
    assert "The first 16 of 17 rows." in content.charts[0].note
    assert set(content.rows["detector"]) == set(found.best(16))


def test_a_detector_without_every_cell_is_in_the_numbers_and_no_table():
    run = make_run(skill, n=10)
    found = findings_of(without(run, run.cells["detector"].eq("beta") & run.cells["test"].eq("kiln")))
    content = slices_content(found)
    gone = content.rows[content.rows["detector"].eq("beta")]
    assert len(gone)
    assert gone["ranked_accuracy"].isna().all()
    assert gone["missing"].str.len().gt(0).all()
    assert {table.title.partition(",")[0] for table in content.tables} == {"alpha"}
    assert content.charts[0].description.startswith("The lowest: alpha on ")


def test_too_many_parts_are_left_out_and_named():
    run = make_run(n=50)
    content = slices_content(findings_of(run, attributes(run, [f"thing {place}" for place in range(45)])))
    assert "Left out: by content, 45 parts." in content.charts[0].note
    assert "by content" not in {part.title for part in content.charts[0].parts}


def alike():
    run = make_run(n=6)
    return findings_of(run, attributes(run, ("leaves",)).assign(origin="one", longer_side=100.0))


def missing():
    run = make_run(n=6)
    return findings_of(without(run, run.cells["test"].eq("kiln")))


def too_many():
    run = make_run(n=50)
    table = attributes(run, [f"thing {place}" for place in range(45)])
    return findings_of(run, table.assign(origin="one", longer_side=100.0))


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda: Findings.of(make_run(n=6)), "The images were not asked for."),
        (lambda: replace(Findings.of(make_run(n=6)), images=NoImages("They are gone.")), "They are gone."),
        (alike, "No detector is measured on two parts of the images."),
        (missing, "No detector is measured on two parts of the images."),
        (too_many, "More than 40 parts are no map: by content, 45 parts."),
    ],
    ids=["not asked for", "gone", "all alike", "missing cells", "too many"],
)
def test_where_there_is_nothing_to_show_there_is_a_reason(make, reason):
    content = slices_content(make())
    assert content.reason == reason
    assert (list(content.charts), list(content.tables)) == ([], [])
