import ctypes
import sys
from pathlib import Path

import pytest
import torch

from bench.platform.errors import InputError
from bench.request import devices
from bench.request.devices import runtime


@pytest.fixture
def machine(monkeypatch, tmp_path):
    """Let a machine have some drivers, and torch see so many devices."""

    def have(drivers, count):
        def load(name):
            if name not in drivers:
                raise OSError(name)

        amd = tmp_path / "kfd"
        if "amd" in drivers:
            amd.touch()
        monkeypatch.setattr(devices, "AMD_DRIVER", amd)
        monkeypatch.setattr(ctypes, "CDLL", load)
        monkeypatch.setattr(torch.cuda, "is_available", lambda: count > 0)
        monkeypatch.setattr(torch.cuda, "device_count", lambda: count)

    return have


def asked(device, precision):
    """The runtime for what a user names."""
    return runtime(device, precision, "auto", Path("cache"))


@pytest.mark.parametrize("driver", [devices.NVIDIA_DRIVER, "amd"])
def test_any_driver_of_a_device_is_enough(machine, driver):
    machine({driver}, 2)
    assert asked("auto", "float32").device == "cuda"


def test_a_driver_without_a_device_is_no_device(machine):
    machine({devices.NVIDIA_DRIVER, "amd"}, 0)
    assert asked("auto", "float32").device == "cpu"


def test_without_a_driver_torch_is_not_asked(machine, monkeypatch):
    machine(set(), 2)
    monkeypatch.setitem(sys.modules, "torch", None)  # importing it would fail
    assert asked("auto", "float32").device == "cpu"
    assert asked("cpu", "bfloat16").precision == "bfloat16"


def test_torch_is_asked_for_a_device_that_is_named(machine):
    machine(set(), 2)
    assert asked("cuda:1", "float32").device == "cuda:1"
    with pytest.raises(InputError, match=r"device 'cuda:2' was asked for, but torch sees 2 CUDA devices"):
        asked("cuda:2", "float32")
