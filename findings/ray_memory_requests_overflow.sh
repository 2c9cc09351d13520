#!/usr/bin/env bash
# Ray 2.60.0: a task that asks for more memory than any node has waits, and a task that asks for a hundred times more was expected to
# wait as well, or to be refused. It runs at once: somewhere above 900 TB the request, which Ray keeps in ten-thousandths of a
# byte, is too large for its 64 bits. A size that was multiplied once too often is so granted on every node.
set -euo pipefail
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT
python3 -m venv "$here/venv"
"$here/venv/bin/pip" install --quiet --disable-pip-version-check ray==2.60.0
RAY_USAGE_STATS_ENABLED=0 RAY_AUTH_MODE=disabled "$here/venv/bin/python" - "$here/ray" <<'PY'
import sys

import ray

ray.init("local", num_cpus=1, include_dashboard=False, logging_level="ERROR", log_to_driver=False, _temp_dir=sys.argv[1])


@ray.remote
def answer():
    return 1


def runs(memory):
    """Whether a task that asks for so much memory ends within some seconds."""
    return bool(ray.wait([answer.options(memory=memory).remote()], timeout=10)[0])


there = int(ray.cluster_resources()["memory"])
found = {amount: runs(amount) for amount in (there // 2, 10**13, 10**15)}
print(f"ray {ray.__version__}, a node with {there:,} bytes of memory")
for amount, ran in found.items():
    print(f"a task that asks for {amount:,} bytes {'runs' if ran else 'waits'}")
ray.shutdown()
sys.exit(list(found.values()) != [True, False, True])
PY
