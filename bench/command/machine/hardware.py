"""What computes here: processor, memory, cards, and the libraries that compute networks."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from bench.command.machine.findings import MachineFinding
from bench.command.machine.trials import Trial, largest_change, reason, torch_devices
from bench.platform.installed import ABSENT, installed_version
from bench.platform.processor import cpu_features, cpu_name

TOPIC, BACKENDS = "Devices", "Backends"
FEATURES = ("avx2", "fma", "avx512f", "avx512_bf16", "amx_bf16", "asimd", "bf16")  # that change speed or rounding
LIBRARIES = ("torch", "onnxruntime", "openvino")
LITTLE = 4.0  # GB of memory, below which a run with the usual workers may end for want of it
SAME = 1e-3  # largest change of outputs that rounding explains
NVIDIA = Path("/proc/driver/nvidia/version")


def trials() -> dict[str, Trial]:
    """What is tried of devices and backends."""
    installed = [name for name in LIBRARIES if installed_version(name) != ABSENT]
    return {"devices": (torch_devices, ()), **{f"backend {name}": (largest_change, (name,)) for name in installed}}


def examine_devices(answers: Mapping[str, Any]) -> Iterator[MachineFinding]:
    """The processor, the memory and the cards. `answers` are those of `trials`."""
    features = ", ".join(name for name in FEATURES if name in cpu_features()) or "features are not known"
    yield MachineFinding(TOPIC, "processor", "ok", f"{cpu_name()}; {features}")
    allowed, cores = _allowed_cores(), os.cpu_count() or 1
    if allowed < cores:
        advice = f"give --workers {allowed}, for it is taken from the number of cores"
        yield MachineFinding(TOPIC, "cores", "note", f"{allowed} of {cores} may be used", advice)
    yield _memory()
    found = answers["devices"]
    if isinstance(found, BaseException):
        yield MachineFinding(TOPIC, "cards", "problem", f"torch does not say ({reason(found)})", "repair torch")
        return
    yield _cuda(found)
    mps = "there, and not used: networks are computed on the processor" if found["mps"] else "none"
    yield MachineFinding(TOPIC, "mps", "ok", mps)


def examine_backends(answers: Mapping[str, Any]) -> Iterator[MachineFinding]:
    """Whether each library that computes networks does, and gives what torch gives."""
    for name in LIBRARIES:
        answer = answers.get(f"backend {name}")
        if answer is None:
            yield MachineFinding(
                BACKENDS, name, "note", "not installed", f"pip install 'lineup-bench[{name}]', if wanted"
            )
        elif isinstance(answer, BaseException):
            advice = f"repair {name}, or choose another one with --backend"
            yield MachineFinding(BACKENDS, name, "problem", f"fails ({reason(answer)})", advice)
        elif not answer <= SAME:
            text = f"its outputs differ from torch's by {answer:.2g} of the largest"
            yield MachineFinding(BACKENDS, name, "problem", text, f"install another version of {name}")
        else:
            yield MachineFinding(
                BACKENDS, name, "ok", f"{installed_version(name)} computes a small network as torch does"
            )


def _cuda(found: Mapping[str, Any]) -> MachineFinding:
    if found["cuda"]:
        text = f"{', '.join(found['cuda'])} (torch is built for CUDA {found['built for']})"
        return MachineFinding(TOPIC, "cuda", "ok", text)
    if NVIDIA.exists():
        built = f"is built for CUDA {found['built for']}" if found["built for"] else "is built without CUDA"
        advice = "install a build of torch for the CUDA version of the driver, or go on with --device cpu"
        return MachineFinding(
            TOPIC, "cuda", "note", f"there is an NVIDIA driver, but torch {built} and sees no card", advice
        )
    return MachineFinding(TOPIC, "cuda", "ok", "none: networks are computed on the processor")


def _allowed_cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _memory() -> MachineFinding:
    try:
        size, pages = os.sysconf("SC_PAGE_SIZE"), os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError):
        return MachineFinding(TOPIC, "memory", "note", "the system does not say how much there is")
    total = size * pages / 1e9
    if total < LITTLE:
        return MachineFinding(
            TOPIC, "memory", "note", f"{total:.1f} GB", "give fewer --workers and a smaller --batch-size"
        )
    return MachineFinding(TOPIC, "memory", "ok", f"{total:.1f} GB")
