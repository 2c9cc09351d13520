#!/usr/bin/env bash
# torch 2.12.1: each call of torch.compile was expected to have a limit of its own, of 8 compilations, as each is of one
# network. The limit is of the Python function that is followed, and all modules of torch.nn share one: of twelve networks of
# twelve classes, each compiled by a call of its own for inputs of one size, the last four are computed without the
# compiler, with a line in the log of the ninth and with equal results, so that one process times some compiled and some
# not. Classes with a `forward` of their own do not share it; networks of one class that differ in structure do.
set -euo pipefail
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT
python3 -m venv "$here/venv"
"$here/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.12.1 numpy==2.4.6
"$here/venv/bin/python" - 2>"$here/log" <<'PY'
import sys

import torch
from torch import nn

calls = []


def counting(graph, inputs):
    """A compiler that counts what it is given, and leaves it as it is."""
    calls.append(graph)
    return graph.forward


def compiled(networks):
    torch._dynamo.reset()
    calls.clear()
    images = torch.rand(2, 4)
    for network in networks:
        assert torch.equal(torch.compile(network, backend=counting)(images), network(images))
    return len(calls)


class Sine(nn.Module):
    def forward(self, images):
        return images.sin()


class Cosine(nn.Module):
    def forward(self, images):
        return images.cos()


NAMES = "ReLU Sigmoid Tanh GELU SiLU ELU Softplus Hardtanh LeakyReLU Mish Softsign Hardswish".split()
classes = compiled([getattr(nn, name)() for name in NAMES])
depths = compiled([nn.Sequential(*[nn.Linear(4, 4) for _ in range(depth)]) for depth in range(1, 13)])
weights = compiled([nn.Linear(4, 4) for _ in range(12)])
own = compiled([*[getattr(nn, name)() for name in NAMES[:8]], Sine(), Cosine()])
print(f"torch {torch.__version__.split('+')[0]}, limit {torch._dynamo.config.recompile_limit}")
print(f"compiled: of 12 classes of torch.nn {classes}, of 12 depths of one class {depths}, of 12 networks with other")
print(f"weights {weights}, of 8 classes of torch.nn and then 2 with a forward of their own {own}")
sys.exit((classes, depths, weights, own) != (8, 8, 1, 10))
PY
lines=$(grep -c "hit config.recompile_limit" "$here/log")
echo "lines about it in the log: $lines"
[ "$lines" -eq 2 ]
