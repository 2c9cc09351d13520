"""What a process shares is set back, whoever changed it."""

import os
import random
import signal
import subprocess
import sys
import threading
import warnings

import numpy as np
import pytest
import torch
from PIL import Image, ImageFile

from detectors.isolation.process_state import SWITCHES, ProcessState, kept_state


def change_everything():
    os.chdir("/")
    os.environ["LINEUP_CHANGED"] = "1"
    os.environ.pop("PATH")
    warnings.simplefilter("ignore")
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    sys.setrecursionlimit(sys.getrecursionlimit() + 7)
    random.random()  # noqa: S311 - the same
    np.random.random()  # noqa: NPY002 - the generator of the whole process is what is meant
    np.seterr(all="ignore", under="raise")
    Image.MAX_IMAGE_PIXELS = 1
    ImageFile.LOAD_TRUNCATED_IMAGES = True
    torch.rand(1)
    torch.set_default_dtype(torch.float64)
    torch.set_default_device("meta")
    torch.set_num_threads(torch.get_num_threads() + 1)
    torch.set_grad_enabled(mode=False)
    torch.use_deterministic_algorithms(mode=True, warn_only=True)
    torch.set_float32_matmul_precision("medium")
    torch.set_flush_denormal(True)


def test_everything_that_changes_is_set_back(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    before = ProcessState.now()
    with kept_state():
        change_everything()
    assert ProcessState.now().restore() == []  # what is read now can be written
    assert before.restore() == []
    assert torch.rand(1).dtype == torch.float32


def test_each_change_is_seen():
    before = ProcessState.now()
    change_everything()
    changed = before.restore()
    assert set(changed) >= set(SWITCHES) - {"the locale", "OpenCV's threads", "the working folder"}
    assert before.restore() == []


def test_a_context_begins_in_the_given_state():
    with kept_state():
        given = ProcessState.now()
        torch.set_default_dtype(torch.float64)
        with kept_state(given):
            assert torch.get_default_dtype() == torch.float32
        assert torch.get_default_dtype() == torch.float64


def test_another_thread_sets_back_what_disturbs_nobody():
    given = ProcessState.now()

    def work():
        with kept_state(given):
            torch.set_default_dtype(torch.float64)
            ImageFile.LOAD_TRUNCATED_IMAGES = True

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert torch.get_default_dtype() == torch.float32
    assert not ImageFile.LOAD_TRUNCATED_IMAGES


FRESH = """
import sys
from detectors.isolation.process_state import ProcessState, kept_state
assert "torch" not in sys.modules
with kept_state():
    import torch
    usual = torch.get_num_threads()
    torch.set_default_dtype(torch.float64)
    torch.set_default_device("meta")
    torch.set_num_threads(usual + 1)
    torch.set_float32_matmul_precision("medium")
    torch.manual_seed(5)
print(torch.get_default_dtype(), torch.ones(1).device, torch.get_num_threads() - usual)
print(torch.get_float32_matmul_precision(), torch.backends.mkldnn.matmul.fp32_precision)
"""


@pytest.mark.slow
def test_a_torch_that_a_detector_imports_first_is_as_after_an_import():
    done = subprocess.run([sys.executable, "-c", FRESH], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["torch.float32", "cpu", "0", "highest", "none"]
