"""A small run that is not kept: it begins from nothing, whatever the cache holds, and leaves nothing."""

import tempfile

import pytest

from bench.platform.errors import InputError
from bench.records import columns
from bench.rehearsal.trial_run import run_trial
from tests.support.protocol_runs import ProtocolRunner


@pytest.fixture
def request_of(miniature, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    return lambda *detectors: ProtocolRunner(miniature, tmp_path / "runs").request("cross_generator", detectors)


def test_it_fits_anew_every_time_and_leaves_nothing(request_of, quiet, tmp_path):
    request = request_of("checkerboard")
    for _ in range(2):
        run, timings = run_trial(request, quiet)
        assert set(run.cells[columns.STATUS]) == {"scored"}
        assert timings.cells == len(run.cells)
        assert len(timings.fits) == 3
    assert list((tmp_path / "temporary").iterdir()) == []
    assert not request.out.exists()


def test_what_cannot_be_used_is_refused_first(request_of, quiet):
    from dataclasses import replace

    with pytest.raises(InputError, match="huge"):
        run_trial(replace(request_of("checkerboard"), setting="huge"), quiet)
