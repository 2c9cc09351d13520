#!/usr/bin/env bash
# torch 2.12.1 on glibc: memory of freed tensors was expected to serve the next ones, as it does on a GPU, so that a pass
# through a network touches no new page after the first. On a CPU a map above 32 MiB goes back to the system when it is freed,
# and every pass gets and clears its pages anew: thousands of page faults, a third to a half of the time of a small network. With glibc
# told to keep freed blocks (mallopt) there are next to none, and the results are the same.
set -euo pipefail
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT
python3 -m venv "$here/venv"
"$here/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.12.1 numpy==2.4.6
"$here/venv/bin/python" - <<'PY'
import ctypes
import platform
import resource
import sys
import time

import torch

print(f"torch {torch.__version__}, {' '.join(platform.libc_ver())}")
if platform.libc_ver()[0] != "glibc":
    sys.exit("another C library: this says nothing of it")
torch.manual_seed(0)
network = torch.nn.Sequential(torch.nn.Conv2d(3, 64, 3, padding=1), torch.nn.ReLU(), torch.nn.Conv2d(64, 64, 3, padding=1))
images = torch.rand(8, 3, 160, 160)  # each map: 8 x 64 x 160 x 160 float32, 50 MiB
PASSES = 5


def faults_of_a_pass():
    with torch.inference_mode():
        network(images)  # the first may touch what it likes
        before, start = resource.getrusage(resource.RUSAGE_SELF).ru_minflt, time.perf_counter()
        results = [float(network(images).sum()) for _ in range(PASSES)]
    seconds = (time.perf_counter() - start) / PASSES
    return (resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before) / PASSES, seconds, results[-1]


usual = faults_of_a_pass()
mallopt = ctypes.CDLL(None).mallopt
assert mallopt(-1, 1 << 30) and mallopt(-3, 1 << 30)  # the thresholds of trimming and of mapping
kept = faults_of_a_pass()
for name, (faults, seconds, _) in (("by default", usual), ("blocks kept", kept)):
    print(f"{name}: {faults:.0f} page faults and {1e3 * seconds:.0f} ms a pass")
sys.exit(not (usual[0] > 50 and kept[0] * 10 < usual[0] and usual[2] == kept[2]))
PY
