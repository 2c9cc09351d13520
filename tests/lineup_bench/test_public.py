"""What the package gives to programs and notebooks: a frozen list of names and signatures, imported when asked for."""

import json
import subprocess
import sys
from inspect import isclass, signature

import pytest

import lineup_bench
from bench.platform.errors import InputError

RUN = (
    "(protocol: 'str | Path' = 'cross_generator', *, data: 'DataSet | str | Path | Sequence[str | Path]' = 'embedded', "
    "detectors: 'Sequence[Row] | str | None' = None, "
    "detector_options: 'Mapping[str, Mapping[str, Any]] | None' = None, baselines: 'bool' = True, "
    "seeds: 'Sequence[int] | int' = (0,), protocol_options: 'Mapping[str, Any] | None' = None, "
    "setting: 'str' = 'auto', limit: 'int | None' = None, validation: 'float' = 0.0, base_degradation: 'str' = 'none', "
    "device: 'str' = 'auto', precision: 'str' = 'float32', backend: 'str' = 'auto', degrade_on: 'str' = 'cpu', "
    "batch_size: 'int' = 50, workers: 'int' = CORES, cluster: 'str' = '', timeout: 'float | None' = None, "
    "weights_dir: 'str | Path | None' = None, out: 'str | Path | None' = None, "
    "replace: 'bool' = False, keep_fitted: 'bool' = False, progress: 'bool' = True)"
)
FUNCTIONS = {
    "degradations": "() -> 'pd.DataFrame'",
    "detectors": "() -> 'pd.DataFrame'",
    "load_detector": "(detector: 'str | Path', *, setting: 'str | None' = None, device: 'str' = 'auto', "
    "precision: 'str' = 'float32', backend: 'str' = 'auto', batch_size: 'int' = 50, workers: 'int' = CORES, "
    "weights_dir: 'str | Path | None' = None, max_pixels: 'int' = 67108864) -> 'LoadedDetector'",
    "open_data": "(place: 'str | Path | Sequence[str | Path]' = 'embedded', *, real: 'str | Path' = '', "
    "name: 'str' = '', classes: 'Mapping[str, str] | None' = None, columns: 'Mapping[str, str] | None' = None, "
    "levels: 'Sequence[str] | str' = (), group: 'str' = '', follow: 'bool' = True, limit: 'int | None' = None, "
    "max_unreadable: 'float' = 0.01, max_pixels: 'int' = 67108864) -> 'DataSet'",
    "open_run": "(folder: 'str | Path') -> 'FinishedRun'",
    "plan": f"{RUN} -> 'RunPlan'",
    "profiles": "() -> 'pd.DataFrame'",
    "protocols": "() -> 'pd.DataFrame'",
    "register_detector": "(recipe: 'OwnRecipe') -> 'OwnRecipe'",
    "run": f"{RUN} -> 'FinishedRun'",
}
CLASSES = {
    "DataSet": {
        "audit": "(self, *, progress: 'bool' = True) -> 'pd.DataFrame'",
        "census": "(self, *, progress: 'bool' = True) -> 'pd.DataFrame'",
    },
    "FinishedRun": {
        "cells": "(self) -> 'pd.DataFrame'",
        "compare": "(self, first: 'str', second: 'str') -> 'pd.DataFrame'",
        "detector": "(self, name: 'str', *, train: 'str | None' = None, seed: 'int | None' = None, "
        "device: 'str' = 'auto') -> 'LoadedDetector'",
        "failed": None,
        "figure": "(self, name: 'str', *, data: 'str | Path' = '') -> 'RunFigure'",
        "leaderboard": "(self, metrics: 'Sequence[str]' = (), rank_by: 'str' = 'accuracy') -> 'pd.DataFrame'",
        "scores": "(self) -> 'pd.DataFrame'",
    },
    "InputError": {},
    "LoadedDetector": {
        "score": "(self, images: 'Scorable | Sequence[Scorable]', *, progress: 'bool' = False) -> 'pd.DataFrame'",
    },
    "RunFigure": {"rows": None, "save": "(self, path: 'str | Path', *, dark: 'bool' = False) -> 'list[Path]'"},
    "RunPlan": {
        "amounts": None,
        "measure": "(self, *, progress: 'bool' = True) -> 'RunPlan'",
        "seconds": None,
    },
}


def written(function):
    """The signature of a function, the same on every machine."""
    return str(signature(function)).replace(
        f"workers: 'int' = {lineup_bench.run.__kwdefaults__['workers']}", "workers: 'int' = CORES"
    )


def members(kind):
    """The methods and properties of a class, with their signatures; its fields are in its docstring."""
    fields = getattr(kind, "__dataclass_fields__", {})
    own = {name: value for name, value in vars(kind).items() if not name.startswith("_") and name not in fields}
    return {name: written(value) if callable(value) else None for name, value in own.items()}


def test_what_is_public_is_this_and_no_more():
    public = {name: getattr(lineup_bench, name) for name in lineup_bench.__all__}
    assert {name: written(value) for name, value in public.items() if not isclass(value)} == FUNCTIONS
    assert {name: members(value) for name, value in public.items() if isclass(value)} == CLASSES
    assert set(dir(lineup_bench)) == {*public, "__version__"}
    assert public["InputError"] is InputError


def test_every_public_name_says_what_it_is():
    undocumented = [
        f"{name}.{member}"
        for name in lineup_bench.__all__
        for member in ("__doc__", *CLASSES.get(name, ()))
        if not (
            getattr(lineup_bench, name) if member == "__doc__" else getattr(getattr(lineup_bench, name), member)
        ).__doc__
    ]
    assert undocumented == []


def test_any_other_name_is_none():
    with pytest.raises(AttributeError, match="has no attribute 'leaderboard'"):
        _ = lineup_bench.leaderboard


PROGRAM = """
import json, sys
import lineup_bench as lineup
first = sorted(sys.modules)
lineup.run, lineup.plan, lineup.open_data
print(json.dumps([first, sorted(sys.modules)]))
"""


def test_nothing_heavy_is_imported_before_it_is_used():
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    first, then = map(set, json.loads(done.stdout))
    assert not first & {"bench", "detectors", "protocols", "numpy", "pandas", "rich", "typer"}
    assert not then & {"torch", "pandas", "pyarrow", "scipy", "sklearn", "skimage", "typer"}
