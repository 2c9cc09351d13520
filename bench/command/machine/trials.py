"""Things that are tried in a process of their own: a library that is broken may end the process that imports it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import TimeoutError as TookTooLong
from typing import Any

LONGEST = 120.0  # seconds for one trial

Trial = tuple[Callable[..., Any], tuple[Any, ...]]


def try_all(trials: Mapping[str, Trial]) -> dict[str, Any]:
    """The answer of each trial, by its name; in its place an `Exception` that says why there is none.

    Args:
        trials: By name, a function at module level and what it is given.
    """
    from bench.platform.processes.worker_processes import WorkerProcesses

    answers: dict[str, Any] = {}
    processes = WorkerProcesses(1)
    try:
        for name, (function, given) in trials.items():
            try:
                answers[name] = processes.submit(function, *given).result(LONGEST)
            except TookTooLong as error:
                answers[name] = error
                processes.close(at_once=True)
                processes = WorkerProcesses(1)
            except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever a library or a plug-in raises
                answers[name] = error
    finally:
        processes.close(at_once=True)
    return answers


def reason(answer: BaseException) -> str:
    """Why a trial has no answer, in one line."""
    if isinstance(answer, TookTooLong):
        return f"no answer within {LONGEST:.0f} s"
    return " ".join(f"{type(answer).__name__}: {answer}".split())


def import_library(module: str) -> str:
    """Import a library. Returns nothing."""
    from importlib import import_module

    import_module(module)
    return ""


def import_plug_in(group: str, name: str) -> str:
    """Import what an entry point names. Returns nothing."""
    from importlib.metadata import entry_points

    entry_points(group=group)[name].load()
    return ""


def torch_devices() -> dict[str, Any]:
    """What torch can compute on beside the processor."""
    import torch

    cuda = torch.cuda.is_available()
    return {
        "cuda": [torch.cuda.get_device_name(number) for number in range(torch.cuda.device_count())] if cuda else [],
        "built for": torch.version.cuda or "",
        "mps": torch.backends.mps.is_available(),
    }


def largest_change(backend: str) -> float:
    """How far a backend's outputs of a small network are from torch's, as a share of the largest one."""
    from pathlib import Path
    from tempfile import TemporaryDirectory

    import torch

    from bench.inference.backends import choose_backend

    torch.manual_seed(0)
    network = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.ReLU(), torch.nn.Flatten(1)).eval()
    images = torch.rand(2, 3, 8, 8)
    with TemporaryDirectory() as folder, torch.no_grad():
        chosen = choose_backend(backend, "cpu", "float32", Path(folder))
        expected = network(images)
        outputs = expected if chosen is None else chosen.compile(network, "convolutional")(images)
    return float((outputs - expected).abs().max() / expected.abs().max())
