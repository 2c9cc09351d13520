"""The detectors of tests/hostile as if their distribution were installed, for commands in processes of their own."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pandas as pd

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "tests/hostile/lineup_hostile.py"


def hostile_module():
    """The module itself, for its names."""
    spec = importlib.util.spec_from_file_location("lineup_hostile", SOURCE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def install(folder, names, source=None):
    """A folder for PYTHONPATH in which a distribution has these detectors."""
    (folder / "lineup_hostile.py").write_text(SOURCE.read_text() if source is None else source)
    about = folder / "lineup_hostile-1.0.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: lineup-hostile\nVersion: 1.0\n")
    lines = [f"{name} = lineup_hostile:{name}" for name in names]
    (about / "entry_points.txt").write_text("\n".join(["[lineup.detectors]", *lines, ""]))
    return folder


def lineup(*arguments, plugins=None, cache=None, seconds=120, **options):
    """Run the command as a user does; gives code, output and messages."""
    path = os.pathsep.join(filter(None, [plugins and str(plugins), str(ROOT)]))
    environment = {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"}
    if cache is not None:
        environment["LINEUP_CACHE"] = str(cache)
    return subprocess.run(
        [sys.executable, "-m", "lineup_bench", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        timeout=seconds,
        env=environment,
        cwd=ROOT,
        **options,
    )


def scores_of(out, detectors):
    """Scores of some detectors, by detector, cell and image."""
    import json

    cells = {cell["key"]: cell for cell in json.loads((out / "manifest.json").read_text())["cells"]}
    whole = pd.concat([pd.read_parquet(path) for path in sorted((out / "scores").glob("*.parquet"))])
    return {
        (cells[row.key]["detector"], row.key, row.name): (row.score, row.log_odds)
        for row in whole.itertuples(index=False)
        if cells.get(row.key, {}).get("detector") in detectors
    }
