#!/usr/bin/env bash
# torch 2.12.1: torch.load(weights_only=True) refuses a checkpoint with a collections.defaultdict beside its tensors, and says
# which type to allow. Allowing defaultdict was expected to be enough. It is for an empty one; one with an entry is refused
# all the same, because the reader fills dictionaries of three types alone, whatever is allowed. What reads such a
# checkpoint is to allow, under that name, a function that gives a plain dictionary.
set -euo pipefail
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT
python3 -m venv "$here/venv"
"$here/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.12.1 numpy==2.4.6
"$here/venv/bin/python" - "$here/checkpoint.pth" <<'PY'
import sys
from collections import defaultdict

import torch

path = sys.argv[1]
print(f"torch {torch.__version__}")


def read(content, allowed):
    torch.save({"model": {"weight": torch.ones(2)}, "metrics": content}, path)
    try:
        with torch.serialization.safe_globals(allowed):
            return torch.load(path, weights_only=True)["metrics"]
    except Exception as error:
        return f"{type(error).__name__}, {'SETITEM' in str(error)}"


filled = defaultdict(list, accuracy=[0.5])
empty = read(defaultdict(list), [defaultdict, list])
refused = read(filled, [defaultdict, list])
plain = read(filled, [(lambda factory=None: {}, "collections.defaultdict"), list])
print(f"empty, allowed: {empty!r}\nwith an entry, allowed: {refused}\nwith an entry, as a plain dictionary: {plain!r}")
sys.exit(not (empty == {} and refused == "UnpicklingError, True" and plain == {"accuracy": [0.5]}))
PY
