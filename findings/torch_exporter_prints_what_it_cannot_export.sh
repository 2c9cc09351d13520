#!/usr/bin/env bash
# torch 2.12.1: torch.onnx.export(..., dynamo=False, verbose=False) of a network with an operation that ONNX lacks was expected to
# raise and print nothing. It raises, and first writes the whole network, operation by operation with every weight's name, to the
# output of the process, past Python's sys.stdout: a hundred lines for a small one. The switch of that log is turned on whatever
# `verbose` says, and turning it off before the call is undone by it. A program whose output others read is broken by a failure that
# it caught.
set -euo pipefail
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT
python3 -m venv "$here/venv"
"$here/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.12.1 onnx==1.23.2 numpy==2.4.6
cat > "$here/export.py" <<'PY'
import io
import sys
import warnings
from contextlib import redirect_stdout

import torch


class Network(torch.nn.Module):
    def forward(self, images):
        return torch.special.bessel_j0(images)


warnings.simplefilter("ignore")
torch._C._jit_set_onnx_log_enabled(False)
with redirect_stdout(io.StringIO()):
    try:
        torch.onnx.export(Network(), (torch.rand(1, 3, 8, 8),), io.BytesIO(), dynamo=False, verbose=False)
    except Exception as error:
        print(torch.__version__, type(error).__name__, file=sys.stderr)
PY
"$here/venv/bin/python" "$here/export.py" > "$here/printed" 2> "$here/said"
echo "torch and what was raised: $(cat "$here/said")"
echo "lines on the output of the process: $(wc -l < "$here/printed"), the first: $(head -c 60 "$here/printed")"
grep -q UnsupportedOperatorError "$here/said" && grep -q "IR graph at exception" "$here/printed"
