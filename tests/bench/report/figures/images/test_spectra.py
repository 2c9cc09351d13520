"""Traces of generators: the spectra and fingerprints of the analysis, and why there are none."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from bench.analyses.images.fingerprints import correlations
from bench.analyses.images.run_images import Workplace
from bench.charts.numbers import correlation_text
from bench.images.quality.inspection import InspectedImages
from bench.report.figures.findings import Findings
from bench.report.figures.images.spectra import spectra_content
from bench.report.figures.opened_images import NoImages, open_images
from tests.support.drawings import meeting, named, outside
from tests.support.synthetic_runs import make_run


@pytest.fixture(scope="module")
def findings(kept_run, silent):
    out, cache = kept_run
    (found,) = Findings.read([out], lambda folder: open_images(folder, Workplace(cache, 1, silent)))
    return found


@pytest.fixture(scope="module")
def content(findings):
    return spectra_content(findings)


def test_every_generator_has_a_spectrum_under_every_degradation(findings, content):
    pictures = content.charts[0].parts
    spectra = findings.images.spectra.spectra
    assert [one.title for one in pictures] == [
        "even", "faint", "odd", "even jpeg:65", "faint jpeg:65", "odd jpeg:65",
        "even blur:1", "faint blur:1", "odd blur:1",
    ]  # fmt: skip
    strongest = spectra.differences("none")["even"].max()
    assert f"is {strongest:+.1f} dB, at" in pictures[0].description
    assert "to that of 26 real images" in content.charts[0].note
    assert "degradations." not in content.charts[0].note
    for chart in content.charts:
        assert outside(chart) == []
        assert meeting(chart) == []
        assert chart.description.endswith(".")


def test_profiles_are_differences_from_real_images(findings, content):
    spectra = findings.images.spectra.spectra
    profiles = content.charts[1]
    assert [part.title for part in profiles.parts] == ["clean", "jpeg:65", "blur:1"]
    for part, degradation in zip(profiles.parts, ("none", "jpeg:65", "blur:1"), strict=True):
        under = spectra.under(degradation)
        for line in named(part, "path", "curve"):
            expected = under[line.tip].radial - under["real"].radial
            pixels = np.array([down for _, down in line.points])
            scale, start = np.polyfit(expected, pixels, 1)
            assert scale < 0
            assert np.abs(scale * expected + start - pixels).max() < 0.11


def test_fingerprints_are_the_correlations_of_the_analysis(findings, content):
    spectra = findings.images.spectra.spectra
    for part, degradation in zip(content.charts[2].parts, ("none", "jpeg:65", "blur:1"), strict=True):
        found = correlations(spectra.under(degradation))
        shown = [one.text for one in named(part, "text") if {"number", "tiny"} & set(one.classes)]
        assert shown == [correlation_text(value) for value in found.values.ravel()]


def test_tables_and_numbers_are_those_of_the_analysis(findings, content):
    tables = findings.images.spectra.tables
    pd.testing.assert_frame_equal(content.rows, tables["spectra"])
    peaks = {column.header: column.texts for column in content.tables[0].columns}
    assert peaks["generator"] == tuple(tables["fingerprints"]["generator"])
    assert peaks["peak to noise"] == tuple(f"{value:.1f}" for value in tables["fingerprints"]["peak_to_noise"])


def test_degradations_beyond_the_first_three_are_counted(findings):
    run = findings.run
    names = {"jpeg:65": "jpeg:60", "blur:1": "blur:2"}
    more = run.cells.assign(degradation=run.cells["degradation"].replace(names), key=run.cells["key"] + "x")
    measured = replace(findings.measured, table=pd.concat([findings.measured.table, more], ignore_index=True))
    content = spectra_content(replace(findings, measured=measured))
    assert "Under 2 of 4 degradations." in content.charts[0].note


def test_one_class_alone_and_images_that_are_too_small_are_reasons(findings):
    opened = findings.images
    real, inspected = opened.found.images.table["label"].eq(0).to_numpy(), opened.found.inspected
    alone = InspectedImages(inspected.images.select(real), inspected.records[real].reset_index(drop=True))
    only = replace(opened.found, inspected=alone)
    assert spectra_content(replace(findings, images=replace(opened, found=only))).reason == (
        "There are no images of both classes of one size."
    )
    tiny = replace(inspected, records=inspected.records.assign(width=8, height=8))
    small = replace(findings, images=replace(opened, found=replace(opened.found, inspected=tiny)))
    assert "a spectrum needs 16" in spectra_content(small).reason


def test_without_images_the_reason_is_theirs():
    content = spectra_content(replace(Findings.of(make_run(n=4)), images=NoImages("They are gone.")))
    assert (content.reason, list(content.charts)) == ("They are gone.", [])
