#!/usr/bin/env bash
# Ray 2.60.0: a task that calls `sys.exit(3)` was expected to raise where its result is asked for, once, as one that raises does: an
# exception is no fault of a worker. It is taken for one: the task runs four times and ends as `WorkerCrashedError`, without
# the 3. One that raises `KeyboardInterrupt` runs once, and ends as a `TaskCancelledError`, though nobody cancelled it.
set -euo pipefail
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT
python3 -m venv "$here/venv"
"$here/venv/bin/pip" install --quiet --disable-pip-version-check ray==2.60.0
RAY_USAGE_STATS_ENABLED=0 RAY_AUTH_MODE=disabled "$here/venv/bin/python" - "$here" <<'PY'
import sys
from pathlib import Path

import ray

here = Path(sys.argv[1])
ray.init("local", num_cpus=1, include_dashboard=False, logging_level="ERROR", log_to_driver=False, _temp_dir=str(here / "ray"))


@ray.remote
def ends(how, marks):
    with open(marks, "a") as file:
        file.write("x")
    if how == "value":
        raise ValueError(how)
    if how == "interrupt":
        raise KeyboardInterrupt
    sys.exit(3)


found = {}
for how in ("value", "exit", "interrupt"):
    marks = here / how
    try:
        ray.get(ends.remote(how, str(marks)))
    except Exception as error:
        found[how] = type(error).__name__, len(marks.read_text())
print("ray", ray.__version__)
for how, (kind, times) in found.items():
    print(f"{how}: {kind}, run {times} times")
ray.shutdown()
expected = ("RayTaskError(ValueError)", 1), ("WorkerCrashedError", 4), ("RayTaskError(TaskCancelledError)", 1)
sys.exit(tuple(found.values()) != expected)
PY
