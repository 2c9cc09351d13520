#!/usr/bin/env bash
# skops 0.16.0: importing its reader of saved models was expected to import scikit-learn and nothing heavier. It lists all
# estimators of scikit-learn, whose walk over its own modules imports an array adapter of torch, and so torch itself where
# that is installed, with the seconds and the memory that this costs.
set -euo pipefail
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT
python3 -m venv "$here/venv"
"$here/venv/bin/pip" install --quiet --disable-pip-version-check skops==0.16.0 scikit-learn==1.9.1 numpy==2.4.6 torch==2.12.1
"$here/venv/bin/python" - <<'PY'
import sys

import sklearn.ensemble

before = "torch" in sys.modules
import skops
import skops.io

after = "torch" in sys.modules
print(f"skops {skops.__version__}, scikit-learn {sklearn.__version__}")
print(f"torch is imported after sklearn.ensemble: {before}, after skops.io: {after}")
sys.exit(before or not after)
PY
