#!/usr/bin/env bash
# onnxruntime 1.32.0: set_global_thread_pool_sizes was expected to serve the sessions that ask for it (use_per_session_threads is
# False) and to leave all others their own threads. It succeeds even after a session was made, and from then on every session
# of the process with default options raises when it is made, in whatever library it is: a program whose plug-in shares threads
# can open no ONNX model any more. The session from before goes on.
set -euo pipefail
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT
python3 -m venv "$here/venv"
"$here/venv/bin/pip" install --quiet --disable-pip-version-check onnxruntime==1.32.0 onnx==1.23.2 numpy==2.4.6
"$here/venv/bin/python" - <<'PY'
import sys

import numpy as np
import onnxruntime
from onnx import TensorProto, helper

value = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [2]) for name in ("before", "after")]
graph = helper.make_graph([helper.make_node("Relu", ["before"], ["after"])], "graph", value[:1], value[1:])
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10).SerializeToString()


def session(own_threads):
    options = onnxruntime.SessionOptions()
    options.use_per_session_threads = own_threads
    try:
        return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"]), ""
    except RuntimeError as error:
        return None, str(error).rpartition(")> ")[2]


def relu(one):
    return one.run(None, {"before": np.array([-1, 2], np.float32)})[0].tolist()


earlier, _ = session(own_threads=True)
onnxruntime.set_global_thread_pool_sizes(2, 1)
shared, _ = session(own_threads=False)
later, said = session(own_threads=True)
print("onnxruntime", onnxruntime.__version__)
print("a session from before:", relu(earlier), "| one that shares:", relu(shared), "| one with default options:", said)
sys.exit(not (relu(earlier) == relu(shared) == [0.0, 2.0] and later is None and "global thread pool" in said))
PY
