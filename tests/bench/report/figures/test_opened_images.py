"""The images of a run, as figures open them: what is known of each, spectra of the first degradations, and refusals."""

from dataclasses import replace
from shutil import copytree

import pytest

from bench.analyses.images.run_images import Workplace
from bench.records.store import Store
from bench.report.figures.opened_images import NoImages, OpenedImages, open_images


@pytest.fixture(scope="module")
def workplace(kept_run, silent):
    return Workplace(kept_run[1], 1, silent)


def test_attributes_are_of_every_image_of_the_run(kept_run, workplace):
    opened = open_images(kept_run[0], workplace)
    assert isinstance(opened, OpenedImages)
    assert list(opened.attributes.index) == opened.found.images.names
    assert set(opened.attributes["longer_side"]) == {40.0}
    assert set(opened.attributes["origin"]) >= {"even", "odd", "faint"}


def test_spectra_are_of_clean_images_and_the_first_three_degradations(kept_run, workplace, monkeypatch):
    asked = []
    monkeypatch.setattr("bench.report.figures.opened_images.spectra_of_run", lambda *given: asked.append(given))
    opened = open_images(kept_run[0], workplace)
    _ = opened.spectra, opened.spectra  # computed once
    (given,) = asked
    assert given[1].degradations == ("none", "jpeg:65", "blur:1")
    cells = Store(kept_run[0]).outline()[1]
    more = cells.assign(degradation=[f"jpeg:{30 + place}" for place in range(len(cells))])
    monkeypatch.setattr(Store, "outline", lambda _: (None, more))
    _ = replace(opened).spectra
    assert asked[1][1].degradations == ("none", "jpeg:30", "jpeg:31", "jpeg:32")


def test_images_that_are_gone_and_a_wrong_place_are_a_reason(kept_run, workplace, tmp_path):
    other = copytree(kept_run[0], tmp_path / "other")
    (other / "settings.toml").unlink()
    gone = open_images(other, workplace)
    assert isinstance(gone, NoImages)
    assert "does not say where its images lie" in gone.reason
    nowhere = open_images(other, workplace, str(tmp_path / "nowhere"))
    assert isinstance(nowhere, NoImages)
    assert "nowhere does not exist" in nowhere.reason
