#!/usr/bin/env bash
# scikit-learn 1.9.1: boosted trees fitted with class_weight="balanced" on balanced classes, where every weight is exactly
# 1, were expected to take the time of a fit without weights. Thresholds between bins are then found by a weighted
# percentile in Python, once for each column and bin: the same fit takes tens of times longer.
set -euo pipefail
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT
python3 -m venv "$here/venv"
"$here/venv/bin/pip" install --quiet --disable-pip-version-check scikit-learn==1.9.1 numpy==2.4.6 scipy==1.17.1 threadpoolctl
"$here/venv/bin/python" - <<'PY'
import sys
import time

import numpy as np
import sklearn
from sklearn.ensemble import HistGradientBoostingClassifier
from threadpoolctl import threadpool_limits

features = np.random.default_rng(0).normal(size=(320, 135))
labels = np.arange(320) % 2  # 160 of each class


def seconds(weights):
    start = time.process_time()
    HistGradientBoostingClassifier(max_iter=1, early_stopping=False, class_weight=weights).fit(features, labels)
    return time.process_time() - start


with threadpool_limits(1):
    seconds(None)
    plain, balanced = seconds(None), seconds("balanced")
print(f"scikit-learn {sklearn.__version__}: {plain:.2f} s of processor time without weights, {balanced:.2f} s with balanced ones")
print(f"ratio {balanced / plain:.0f}")
sys.exit(balanced < 10 * plain)
PY
