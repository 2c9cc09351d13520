#!/usr/bin/env bash
# OpenVINO 2026.4.1: a network compiled with INFERENCE_PRECISION_HINT=bf16 on a processor that multiplies no bfloat16 was
# expected to raise, or to emulate it as torch's autocast does. It is computed in float32, to the last bit, with no word; only
# the property of the compiled network says so, and with another precision than was asked for. A processor that has
# bfloat16 does the reverse: without any hint it takes bf16 for a network of float32. So the same call gives other scores on
# two machines, each in the precision that was not asked for, and a benchmark that writes down its own option is wrong.
set -euo pipefail
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT
python3 -m venv "$here/venv"
"$here/venv/bin/pip" install --quiet --disable-pip-version-check openvino==2026.4.1 numpy==2.4.6
"$here/venv/bin/python" -W error - <<'PY'
import sys
from importlib.metadata import version

import numpy as np
import openvino as ov
from openvino import opset13

rng = np.random.default_rng(0)
images = opset13.parameter([4, 3, 32, 32], ov.Type.f32)
kernels = opset13.constant(rng.normal(size=(8, 3, 3, 3)).astype(np.float32))
convolved = opset13.convolution(images, kernels, [1, 1], [0, 0], [0, 0], [1, 1])
model = ov.Model([opset13.relu(convolved)], [images])
core, pixels = ov.Core(), rng.random((4, 3, 32, 32), np.float32)
has_bf16 = "BF16" in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")


def computed(settings):
    network = core.compile_model(model, "CPU", settings)
    return network.get_property("INFERENCE_PRECISION_HINT"), network([pixels])[0]


(default, _), (in_float32, expected), (in_bf16, found) = map(
    computed, ({}, {"INFERENCE_PRECISION_HINT": "f32"}, {"INFERENCE_PRECISION_HINT": "bf16"})
)
print("openvino", version("openvino"), "on a processor", "with" if has_bf16 else "without", "bfloat16")
print("no hint:", default, "| f32:", in_float32, "| bf16:", in_bf16)
print("largest difference between what f32 and bf16 were asked for:", float(np.abs(found - expected).max()))
if has_bf16:
    sys.exit(not (default == in_bf16 == ov.Type.bf16 and in_float32 == ov.Type.f32))
sys.exit(not (default == in_float32 == in_bf16 == ov.Type.f32 and np.array_equal(found, expected)))
PY
