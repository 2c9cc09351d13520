import os
import subprocess
import sys

import pytest

from tests.support.miniature import write_folder


@pytest.fixture(scope="session")
def data(tmp_path_factory):
    """The miniature data set."""
    return write_folder(tmp_path_factory.mktemp("miniature") / "data")


@pytest.fixture(scope="session")
def lineup(tmp_path_factory):
    """Run the command line in a process of its own, with a cache of the session's own.

    Runs leave the baselines out, for speed, unless a test asks for them.
    """
    cache = tmp_path_factory.mktemp("cache")

    def run(*arguments, **environment):
        if arguments[0] == "run" and "--baselines" not in arguments:
            arguments = (*arguments, "--no-baselines")
        return subprocess.run(
            [sys.executable, "-m", "bench", *map(str, arguments)],
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "LINEUP_CACHE": str(cache), "COLUMNS": "120", **environment},
        )

    return run


@pytest.fixture(scope="session")
def finished(lineup, data, tmp_path_factory):
    """A finished run of both protocols: folder by protocol, and what was printed."""
    root = tmp_path_factory.mktemp("runs")
    done = {}
    for protocol in ("cross_generator", "degradation"):
        out = root / protocol
        done[protocol] = lineup(
            "run", "--protocol", protocol, "--data", data, "--detectors", "checkerboard,hog_svm", "--out", out
        )
        assert done[protocol].returncode == 0, done[protocol].stderr
    return root, done
