#!/usr/bin/env bash
# Ray 2.60.0: `ray.cluster_utils.Cluster`, whose first node is given a `temp_dir` of its own, was expected to keep all its files there.
# It notes its address in the default folder all the same ($RAY_TMPDIR/ray, else $TMPDIR/ray, else /tmp/ray). Where there is no such
# folder, as on a machine on which Ray was never started, starting the node fails (FileNotFoundError); where there is, the address that
# another cluster has noted is replaced, and `ray.init(address="auto")` of anybody on the machine joins this one.
set -euo pipefail
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT
python3 -m venv "$here/venv"
"$here/venv/bin/pip" install --quiet --disable-pip-version-check 'ray[default]==2.60.0'
mkdir "$here/tmp" "$here/own"
export TMPDIR="$here/tmp" RAY_USAGE_STATS_ENABLED=0
unset RAY_TMPDIR RAY_ADDRESS
cat >"$here/start.py" <<'PY'
import sys

import ray
from ray.cluster_utils import Cluster

cluster = Cluster()
try:
    cluster.add_node(num_cpus=1, temp_dir=sys.argv[1], include_dashboard=False, object_store_memory=100 << 20)
    print("started")
except FileNotFoundError:
    print("FileNotFoundError")
finally:
    cluster.shutdown()
PY
start() { timeout 120 "$here/venv/bin/python" "$here/start.py" "$here/own" 2>/dev/null | tail -1; }
"$here/venv/bin/python" -c 'import ray; print("ray", ray.__version__)'
without=$(start)
echo "without the default folder: $without"
mkdir "$TMPDIR/ray"
echo "192.0.2.1:6379" >"$TMPDIR/ray/ray_current_cluster"
with=$(start)
note=$(cat "$TMPDIR/ray/ray_current_cluster" 2>/dev/null || echo gone)
echo "with it: $with; the note of the other cluster is $([ "$note" = 192.0.2.1:6379 ] && echo kept || echo replaced)"
[ "$without" = FileNotFoundError ]
[ "$with" = started ]
[ "$note" != 192.0.2.1:6379 ]
