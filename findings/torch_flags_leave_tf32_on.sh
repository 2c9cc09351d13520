#!/usr/bin/env bash
# torch 2.12.1: torch.backends.cudnn.flags(allow_tf32=False), the documented context for convolutions in full float32, was expected
# to do so whatever was set before. Where the newer switch torch.backends.fp32_precision is "tf32", as any imported package may
# set it, convolutions stay at "tf32" inside the context, with no word; reading the older switch there raises, and so does
# leaving the context, after the work is done. (Switches alone are read: no accelerator is needed.)
set -euo pipefail
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT
python3 -m venv "$here/venv"
"$here/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.12.1 numpy==2.4.6
"$here/venv/bin/python" - <<'PY'
import sys

import torch

cudnn = torch.backends.cudnn


def inside_and_at_the_end():
    """What rounds convolutions inside the context, and what leaving it raises."""
    seen = ""
    try:
        with cudnn.flags(enabled=True, benchmark=False, deterministic=True, allow_tf32=False):
            seen = cudnn.conv.fp32_precision
    except RuntimeError as error:
        return seen, type(error).__name__
    return seen, "nothing"


by_default = inside_and_at_the_end()
torch.backends.fp32_precision = "tf32"
after_the_newer_switch = inside_and_at_the_end()
print("torch", torch.__version__)
print("by default: convolutions are", by_default[0], "inside, leaving raises", by_default[1])
print("fp32_precision is tf32: convolutions are", after_the_newer_switch[0], "inside, leaving raises", after_the_newer_switch[1])
sys.exit(not (by_default == ("none", "nothing") and after_the_newer_switch == ("tf32", "RuntimeError")))
PY
