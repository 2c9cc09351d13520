"""Where fitted networks look: the maps of the analysis, of the best detectors, and why there are none."""

from collections import Counter
from dataclasses import replace
from shutil import copytree

import numpy as np
import pandas as pd
import pytest

from bench.analyses.images import run_analyses
from bench.analyses.images.run_analyses import SaliencyRequest
from bench.analyses.images.run_images import Workplace
from bench.report.figures.findings import Findings
from bench.report.figures.images import saliency
from bench.report.figures.images.saliency import saliency_content
from bench.report.figures.opened_images import NoImages, open_images
from bench.report.ranking_columns import percent
from tests.support.drawings import named, outside
from tests.support.synthetic_runs import make_run


@pytest.fixture(scope="module")
def findings(kept_run, silent):
    out, cache = kept_run
    (found,) = Findings.read([out], lambda folder: open_images(folder, Workplace(cache, 1, silent)))
    return found


@pytest.fixture(scope="module")
def content(findings):
    return saliency_content(findings)


def test_four_images_of_each_detector_are_drawn_one_of_each_generator_first(content):
    maps, _ = content.charts
    assert maps.description == "Fitted: npr-even-0."
    assert [part.title for part in maps.parts] == ["npr-even-0"] * 4
    lines = [one.text for one in named(maps, "text", "faint")]
    assert Counter(line.partition(",")[0] for line in lines) == {"even": 1, "faint": 1, "odd": 1, "real": 1}
    odds = {f"{row.generator}, log odds {row.log_odds:+.1f}" for row in content.rows.itertuples()}
    assert set(lines) <= odds
    assert outside(maps) == []


def test_numbers_and_means_are_those_of_every_image(content):
    rows = content.rows
    assert rows["generator"].value_counts().to_dict() == {"even": 4, "faint": 4, "odd": 4, "real": 4}
    table = {column.header: column.texts for column in content.tables[0].columns}
    assert table["detector"] == ("npr-even-0",)
    assert table["Gini"] == (f"{rows['gini'].mean():.2f}",)
    assert table["in the centre"] == (percent(rows["centre_share"].mean()),)


def test_the_line_is_the_share_of_power_at_each_frequency(findings, content):
    found = findings.images.found
    kept = run_analyses.kept_detectors(found.folder, saliency.Runtime("cpu"), ["npr"])
    table = run_analyses.saliency_of_run(found, kept, SaliencyRequest(4), 1).tables["gradient_spectra"]
    means = table.groupby("frequency")["power_share"].mean()
    frequencies = content.charts[1]
    (line,) = named(frequencies, "path", "curve")
    assert line.tip == "npr-even-0"
    assert frequencies.description == f"Most power, in cycles per pixel: npr-even-0 at {means.idxmax():.2f}."
    for pixels, values in zip(np.array(line.points).T, (means.index.to_numpy(), means.to_numpy()), strict=True):
        scale, start = np.polyfit(values, pixels, 1)
        assert np.abs(scale * values + start - pixels).max() < 0.11
    assert outside(frequencies) == []


def test_the_best_come_first_and_the_note_names_the_limit(findings, monkeypatch):
    """Two trainings of the best stand behind the first of each other one."""
    kept = run_analyses.kept_detectors(findings.images.found.folder, saliency.Runtime("cpu"))
    (able,) = (one for one in kept if one.name == "npr-even-0")
    other = next(one for one in kept if one.name != "npr-even-0")
    asked = []

    def made(found, detectors, request, workers):
        asked.extend(one.name for one in detectors)
        return run_analyses.saliency_of_run(found, detectors[:1], request, workers)

    several = [other, *(replace(able, name=f"npr-{place}") for place in range(8))]
    monkeypatch.setattr(saliency, "kept_detectors", lambda *_: several)
    monkeypatch.setattr(saliency, "saliency_of_run", made)
    content = saliency_content(findings)
    assert asked == [f"npr-{place}" for place in range(6)]
    assert "6 of 8 fitted detectors, the best first." in content.charts[0].note


def test_gradients_that_are_0_everywhere_have_a_map_and_no_line(findings, monkeypatch):
    real = run_analyses.saliency_of_run

    def made(*asked):
        found = real(*asked)
        return replace(found, tables={**found.tables, "gradient_spectra": found.tables["gradient_spectra"].head(0)})

    monkeypatch.setattr(saliency, "saliency_of_run", made)
    assert len(saliency_content(findings).charts) == 1


def without_fitted(findings, folder, names=()):
    """The same run in a folder that keeps only the fitted detectors of some names."""
    copy = copytree(findings.images.found.folder, folder / "run")
    for path in (copy / "fitted").iterdir():
        if not path.name.startswith(tuple(names)):
            path.unlink()
    return replace(findings, images=replace(findings.images, found=replace(findings.images.found, folder=copy)))


def test_why_there_is_nothing(findings, tmp_path):
    assert saliency_content(replace(Findings.of(make_run(n=4)), images=NoImages("Gone."))).reason == "Gone."
    none_kept = saliency_content(without_fitted(findings, tmp_path))
    assert "keeps no fitted detector; run it again with --keep-fitted" in none_kept.reason
    no_network = saliency_content(without_fitted(findings, tmp_path / "heads", ["hog_svm"]))
    assert no_network.reason.startswith("hog_svm-even-0: its log odds have no gradient")
    assert not [*none_kept.charts, *no_network.charts, *no_network.tables]
    assert isinstance(none_kept.rows, pd.DataFrame | None)
