import hashlib

import numpy as np
import pytest
from PIL import Image

from bench.analyses.images.degraded_pass import REAL, drawn_by_content
from bench.analyses.images.residuals import decibels, power, residual
from bench.analyses.images.spectra import (
    BLOCKS,
    SPECTRA,
    SpectraRequest,
    average_spectra,
    left_out_table,
    spectrum_table,
)
from bench.platform.errors import InputError
from protocols.degradations import parse_degradation
from tests.bench.analyses.images.conftest import inspect, write_planted

ASKED = SpectraRequest(("none", "jpeg:65"), 12)


@pytest.fixture(scope="module")
def spectra(planted):
    return average_spectra(planted, ASKED, 1)


def test_a_planted_wave_stands_out_in_its_generator_alone(spectra):
    for degradation in ASKED.degradations:
        differences = spectra.differences(degradation)
        assert list(differences) == ["noisy", "plain", "wave"]
        places = {name: np.unravel_index(np.argmax(one), one.shape) for name, one in differences.items()}
        assert places["wave"] in {(32 - 5, 32 + 12), (32 + 5, 32 - 12)}
        at_wave = {name: one[27, 44] for name, one in differences.items()}
        assert at_wave["wave"] > 8 + max(at_wave["noisy"], at_wave["plain"])


def test_spectra_are_those_of_a_loop_over_images(planted, spectra):
    for generator, rows in drawn_by_content(planted, ASKED.count).items():
        for degradation in ASKED.degradations:
            found = spectra.under(degradation)[generator]
            samples = [parse_degradation(degradation)(planted.images[int(row)]) for row in rows]
            residuals = [residual(sample.pixels, 64) for sample in samples]
            assert found.images == len(rows)
            assert found.log_power == pytest.approx(np.mean([decibels(power(one)) for one in residuals], axis=0))
            assert found.power == pytest.approx(np.mean([power(one) for one in residuals], axis=0))
            assert found.fingerprint == pytest.approx(np.mean(residuals, axis=0), abs=1e-12)
            assert found.blocks[3] == pytest.approx(np.sum(residuals[3::BLOCKS], axis=0), abs=1e-12)


def test_nothing_depends_on_names_or_workers(planted_folder, spectra, tmp_path):
    renamed = write_planted(tmp_path / "data", names=lambda seed: hashlib.sha256(seed.encode()).hexdigest()[:12])
    again = average_spectra(inspect(renamed, tmp_path / "cache"), ASKED, 3)
    for one, other in zip(spectra.spectra, again.spectra, strict=True):
        assert (one.generator, one.degradation) == (other.generator, other.degradation)
        assert (one.log_power == other.log_power).all()
        assert (one.blocks == other.blocks).all()


def test_small_images_are_named_and_left_out(planted_folder, tmp_path):
    folder = write_planted(tmp_path / "data")
    small = folder / "wave" / "val" / "ai" / "waveai3.png"
    Image.fromarray(np.full((40, 90, 3), 7, np.uint8)).save(small)
    spectra = average_spectra(inspect(folder, tmp_path / "cache"), SpectraRequest(), 1)
    (left_out,) = spectra.left_out
    assert left_out.name == "wave/val/ai/waveai3.png"
    assert left_out_table(spectra.left_out)["reason"].tolist() == [
        "it has 90x40 pixels, and a crop of 64x64 is asked for"
    ]
    assert {one.generator: one.images for one in spectra.spectra} == {"noisy": 16, "plain": 16, "wave": 15, REAL: 48}


def test_a_degradation_that_shrinks_has_a_side_of_its_own(planted):
    spectra = average_spectra(planted, SpectraRequest(("none", "scale:0.5"), 3), 1)
    assert {one.degradation: one.side for one in spectra.spectra} == {"none": 64, "scale:0.5": 32}
    assert not spectra.left_out


def test_the_table_has_a_row_per_frequency(spectra):
    table = spectrum_table(spectra)
    assert tuple(table.columns) == SPECTRA
    assert len(table) == 4 * 2 * 33
    real = table[table["generator"] == REAL]
    assert (real["difference_db"] == 0).all()
    noisy = table[(table["generator"] == "noisy") & (table["degradation"] == "none")].set_index("frequency")
    assert noisy.loc[0.5, "difference_db"] > 2  # noise of 8 grey levels


@pytest.mark.parametrize(
    ("request_", "told"),
    [
        ({"count": 0}, "spectra of 0 images of each generator were asked for; give 1 or more"),
        ({"side": 33}, "spectra of crops of 33 pixels were asked for; give an even side from 16 on"),
    ],
)
def test_what_cannot_be_asked_for_is_one_line(request_, told):
    with pytest.raises(InputError, match=told):
        SpectraRequest(**request_)
