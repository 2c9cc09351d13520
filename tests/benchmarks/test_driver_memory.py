"""What the process that leads a run takes grows with its images and answers as it is known to, and no faster."""

import json
import subprocess
import sys

import pytest

from bench.rehearsal.cluster.text import ANSWER, IMAGE
from tests.support.documents import ROOT

FEW, MANY = 50_000, 150_000
DEGRADATIONS = ",".join(f"jpeg:{quality}" for quality in range(30, 90, 5))
CELLS_OF_AN_IMAGE = 8 / 2  # each fit scores it where it is tested, which half of the images are


def peak(*words):
    """Bytes of a run that is simulated in a process of its own, at most."""
    command = [sys.executable, "-m", "tests.benchmarks.driver_memory", "--stub", *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    return max(most for _, _, most in json.loads(done.stdout.splitlines()[-1])["stages"].values())


@pytest.mark.slow
def test_memory_grows_as_a_rehearsal_says():
    few, many, degraded = peak(FEW), peak(MANY), peak(MANY, "--degradations", DEGRADATIONS)
    assert (many - few) / (MANY - FEW) < 1.5 * (IMAGE + CELLS_OF_AN_IMAGE * ANSWER)
    answers = CELLS_OF_AN_IMAGE * MANY * len(DEGRADATIONS.split(","))
    assert (degraded - many) / answers < 1.5 * ANSWER
