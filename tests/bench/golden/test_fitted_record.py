import numpy as np
import pytest

from bench.golden.fitted_record import read_fitted, write_fitted
from bench.platform.errors import InputError
from bench.platform.shipped_results import shipped_results
from bench.records.saved_detector import SavedDetector, to_bytes

STATE = {"weights": np.arange(6, dtype=np.float32).reshape(2, 3)}


@pytest.fixture
def folder(tmp_path):
    saved = SavedDetector("hog_svm", 1, "small", {}, "fog", 0, "made up")
    write_fitted({"hog_svm-fog-0.safetensors": to_bytes(saved, STATE)}, tmp_path / "fitted")
    return tmp_path / "fitted"


def test_fits_read_back_to_the_last_bit(folder):
    ((name, (saved, state)),) = read_fitted(folder).items()
    assert (name, saved.detector, saved.train) == ("hog_svm-fog-0.safetensors", "hog_svm", "fog")
    assert np.array_equal(state["weights"], STATE["weights"])


def test_a_record_without_fits_has_none(tmp_path):
    assert read_fitted(tmp_path / "fitted") == {}


def test_one_flipped_bit_is_told_with_the_file(folder):
    path = folder / "hog_svm-fog-0.safetensors"
    data = bytearray(path.read_bytes())
    data[-3] ^= 4
    path.write_bytes(bytes(data))
    with pytest.raises(InputError, match=r"hog_svm-fog-0.safetensors is not the fitted detector"):
        read_fitted(folder)


@pytest.mark.parametrize("harm", ["lost", "strange", "no list", "damaged list"])
def test_lost_strange_and_unlisted_files_are_told(folder, harm):
    name = folder / "hog_svm-fog-0.safetensors"
    if harm == "lost":
        name.unlink()
    elif harm == "strange":
        (folder / "other.safetensors").write_bytes(name.read_bytes())
    elif harm == "no list":
        (folder / "manifest.json").unlink()
    else:
        (folder / "manifest.json").write_text("{")
    with pytest.raises(InputError, match="restore"):
        read_fitted(folder)


def test_the_committed_fits_are_few_and_those_that_the_gate_scores():
    folder = shipped_results() / "golden" / "fitted"
    fits = read_fitted(folder)
    assert {(saved.train, saved.seed) for saved, _ in fits.values()} == {("ldm_a", 0), ("gan_ps", 0)}
    assert sum(path.stat().st_size for path in folder.iterdir()) < 5_000_000
