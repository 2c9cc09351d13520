from functools import partial

import pytest

from tests.support.command_line import call, start


@pytest.fixture(autouse=True)
def _no_pictures(monkeypatch):
    """Pictures are a third of the work of so small a run: `finished` has them, and tests of the report draw them."""
    monkeypatch.setattr("bench.report.run_report._write_pictures", lambda *_: None)


@pytest.fixture(scope="session")
def data(miniature):
    """The miniature data set."""
    return miniature


@pytest.fixture(scope="session")
def environment(tmp_path_factory):
    """A cache of the session's own, and lines of one width."""
    return {"LINEUP_CACHE": str(tmp_path_factory.mktemp("cache")), "COLUMNS": "120"}


@pytest.fixture(scope="session")
def lineup(environment):
    """Run the command line in this process, where the libraries are loaded."""
    return partial(call, environment)


@pytest.fixture(scope="session")
def lineup_process(environment):
    """Run the command line in a process of its own, for what only that shows."""
    return partial(start, environment)


@pytest.fixture(scope="session")
def finished(lineup, lineup_process, data, tmp_path_factory):
    """A finished run of both protocols, the first as a user starts it: folder by protocol, and what was printed."""
    root = tmp_path_factory.mktemp("runs")
    done = {}
    for protocol, ran in (("cross_generator", lineup_process), ("degradation", lineup)):
        out = root / protocol
        done[protocol] = ran(
            "run", "--protocol", protocol, "--data", data, "--detectors", "checkerboard,hog_svm", "--out", out
        )
        assert done[protocol].returncode == 0, done[protocol].stderr
    return root, done
