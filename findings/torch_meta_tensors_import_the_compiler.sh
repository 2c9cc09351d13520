#!/usr/bin/env bash
# torch 2.12.1: a network that is built on the device "meta", to be filled with loaded weights, was expected to cost nothing:
# there are no numbers to compute. Layers do cost nothing, and so do torch.rand and torch.zeros. Drawing with torch.randn
# imports sympy, and dividing two numbers that are not there imports torch's compiler and its tools for several machines, some
# 900 modules in all, which takes longer than most networks take to load. Learned positions that a
# constructor draws and scales cost that.
set -euo pipefail
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT
python3 -m venv "$here/venv"
"$here/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.12.1 numpy==2.4.6
"$here/venv/bin/python" - <<'PY'
import subprocess
import sys

import torch

HEAVY = ("sympy", "torch._dynamo", "torch._inductor", "torch.distributed.tensor")
STEPS = {
    "layers": "nn.Conv2d(3, 8, 3), nn.Linear(8, 2), nn.BatchNorm2d(8)",
    "rand": "torch.rand(4, 8)",
    "zeros": "nn.Parameter(torch.zeros(4, 8))",
    "randn": "torch.randn(4, 8)",
    "division": "torch.zeros(4, 8) / 2",
}
EXPECTED = {"layers": [], "rand": [], "zeros": [], "randn": ["sympy"], "division": list(HEAVY)}

print(f"torch {torch.__version__.split('+')[0]}; modules that a step on the device meta imports")
found = {}
for name, step in STEPS.items():
    code = f"""
import sys, torch
from torch import nn
before = set(sys.modules)
with torch.device("meta"):
    {step}
new = set(sys.modules) - before
print(len(new), *[name for name in {HEAVY} if name in new])
"""
    count, *heavy = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    print(f"{name}: {count}, among them {', '.join(heavy) or 'none that is heavy'}")
    found[name] = heavy
sys.exit(found != EXPECTED)
PY
