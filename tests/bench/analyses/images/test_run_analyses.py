import pytest

from bench.analyses.images.run_analyses import (
    SaliencyRequest,
    kept_detectors,
    saliency_of_run,
    spectra_of_run,
    thumbnails_of_run,
)
from bench.analyses.images.run_images import Workplace, images_of_run
from bench.analyses.images.spectra import SpectraRequest
from bench.analyses.images.thumbnails import ThumbnailRequest
from bench.platform.errors import InputError
from detectors.api import Runtime


@pytest.fixture
def run(kept_run, quiet):
    out, cache = kept_run
    return images_of_run(out, Workplace(cache, 1, quiet))


def test_spectra_of_a_run_as_tables(run):
    found = spectra_of_run(run, SpectraRequest(("none", "jpeg:65")), 1)
    assert set(found.tables) == {"spectra", "fingerprints", "fingerprint_correlations", "spectra_left_out"}
    prints = found.tables["fingerprints"]
    assert prints["generator"].tolist() == ["even", "faint", "odd", "real"] * 2
    clean = prints[prints["degradation"] == "none"].set_index("generator")
    # a pixel in four is brighter: waves of period 2, which the others have more faintly
    assert clean.loc["even", "peak_to_noise"] > 10
    assert {abs(clean.loc["even", name]) for name in ("peak_frequency_y", "peak_frequency_x")} <= {0.0, 0.5}
    assert clean.loc["real", "peak_p"] > 0.05
    related = found.tables["fingerprint_correlations"].set_index(["degradation", "generator", "other"])
    assert related.loc[("none", "even", "even"), "p"] < 0.02
    # the same pattern, one pixel further in both directions
    assert related.loc[("jpeg:65", "even", "odd"), "correlation"] < -0.5
    assert related.loc[("none", "even", "even"), "correlation"] > related.loc[("none", "even", "real"), "correlation"]


def test_thumbnails_of_a_run(run):
    found = thumbnails_of_run(run, run.images.names[:3], ThumbnailRequest(degradations=("none", "jpeg:65")), 1)
    assert len(found.tables["thumbnails"]) == 6
    assert found.tables["thumbnails_left_out"].empty
    assert found.thumbnails.thumbnails[0].name == run.images.names[0]


def test_saliency_of_a_run(kept_run, run):
    detectors = kept_detectors(kept_run[0], Runtime())
    assert [one.name for one in detectors] == ["hog_svm-even-0", "npr-even-0"]
    found = saliency_of_run(run, detectors, SaliencyRequest(2), 1)
    table = found.tables["saliency"]
    assert set(table["detector"]) == {"npr-even-0"}
    assert table["generator"].value_counts().to_dict() == {"even": 2, "faint": 2, "odd": 2, "real": 2}
    assert {name.split("/")[1] for name in table["name"]} == {"val"}
    assert found.tables["saliency_without"]["detector"].tolist() == ["hog_svm-even-0"]
    named = saliency_of_run(run, detectors, SaliencyRequest(names=tuple(run.images.names[5:7])), 1)
    assert named.tables["saliency"]["name"].tolist() == run.images.names[5:7]


def test_log_odds_are_those_that_the_run_recorded(kept_run, run):
    from bench.records.store import Store

    stored = Store(kept_run[0]).read()
    cells = stored.cells[stored.cells["degradation"].eq("none") & stored.cells["detector"].eq("npr")]
    keys = cells.loc[cells["test"].eq("odd"), "key"]
    scores = stored.scores[stored.scores["key"].isin(keys)].set_index("name")["log_odds"]
    names = tuple(scores.index[:4])
    found = saliency_of_run(run, kept_detectors(kept_run[0], Runtime(), ["npr"]), SaliencyRequest(names=names), 1)
    assert [one.log_odds for one in found.saliency.maps] == pytest.approx(
        scores[list(names)].tolist(), rel=1e-3, abs=1e-3
    )


def test_detectors_that_are_not_there_are_one_line(kept_run, tmp_path):
    with pytest.raises(InputError, match=r"keeps no fitted cnnspot; it has hog_svm-even-0, npr-even-0"):
        kept_detectors(kept_run[0], Runtime(), ["cnnspot"])
    with pytest.raises(InputError, match=r"keeps no fitted detector; run it again with --keep-fitted"):
        kept_detectors(tmp_path, Runtime())
