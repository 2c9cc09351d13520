"""Lineup: which detector of AI-generated images works, on which generator, after which degradation.

    import lineup_bench as lineup

    finished = lineup.run("cross_generator", data=lineup.open_data("my_images"), detectors=["hog_svm", "residual"])
    finished.leaderboard()

What `__all__` names is all that is public, but for the contracts that detectors and protocols of one's own are written
against: `detectors.api` and `protocols.api`. Nothing is imported before it is asked for.
"""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bench.interface.catalogue import degradations, detectors, profiles, protocols, register_detector
    from bench.interface.data import DataSet, open_data
    from bench.interface.detectors import LoadedDetector, load_detector
    from bench.interface.finished import FinishedRun, RunFigure, open_run
    from bench.interface.runs import RunPlan, plan, run
    from bench.platform.errors import InputError

DISTRIBUTION = "lineup-bench"
__version__ = version(DISTRIBUTION)
__all__ = [
    "DataSet",
    "FinishedRun",
    "InputError",
    "LoadedDetector",
    "RunFigure",
    "RunPlan",
    "degradations",
    "detectors",
    "load_detector",
    "open_data",
    "open_run",
    "plan",
    "profiles",
    "protocols",
    "register_detector",
    "run",
]
_HOMES = {
    "bench.interface.catalogue": ("degradations", "detectors", "profiles", "protocols", "register_detector"),
    "bench.interface.data": ("DataSet", "open_data"),
    "bench.interface.detectors": ("LoadedDetector", "load_detector"),
    "bench.interface.finished": ("FinishedRun", "RunFigure", "open_run"),
    "bench.interface.runs": ("RunPlan", "plan", "run"),
    "bench.platform.errors": ("InputError",),
}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - whatever it is
    """A public name, imported now. Raises `ImportError` where another package stands in the way of Lineup's own."""
    home = next((home for home, names in _HOMES.items() if name in names), None)
    if home is None:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    from lineup_bench.start import collision

    if line := collision():
        raise ImportError(line)
    found = globals()[name] = getattr(import_module(home), name)
    return found


def __dir__() -> list[str]:
    """The public names."""
    return [*__all__, "__version__"]
