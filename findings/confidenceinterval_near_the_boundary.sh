#!/usr/bin/env bash
# confidenceinterval 1.0.5: two functions of one count were expected to give one interval, and no interval to leave [0, 1]. With 40
# of 40 images decided rightly accuracy_score says [.912, 1], and recall_score, whose average is "micro" unless told otherwise and
# which is then the same 40 of 40, says [1, 1]: nothing is left to learn. The area of an errorless detector has no width either, and
# with one real image above most generated ones its upper end is 1.04. What is drawn as a bar over a perfect cell depends on
# which of the names was asked.
set -euo pipefail
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT
python3 -m venv "$here/venv"
"$here/venv/bin/pip" install --quiet --disable-pip-version-check confidenceinterval==1.0.5 scipy==1.17.1 numpy==2.4.6 \
  scikit-learn==1.9.1 statsmodels==0.15.0
"$here/venv/bin/python" - <<'PY'
import sys
from importlib.metadata import version

import numpy as np
from confidenceinterval import accuracy_score, recall_score, roc_auc_score

labels = np.repeat([0, 1], 20)
perfect = np.linspace(0.1, 0.9, 40)
one_error = perfect.copy()
one_error[0] = 0.8  # a real image above most of the generated ones
found = {
    "accuracy_score, 40 of 40": accuracy_score(labels, labels),
    "recall_score, 40 of 40": recall_score(labels, labels),
    "roc_auc_score, no error": roc_auc_score(labels, perfect),
    "roc_auc_score, one error": roc_auc_score(labels, one_error),
}
print("confidenceinterval", version("confidenceinterval"))
for name, (value, (low, high)) in found.items():
    print(f"{name}: {value:.4f} [{low:.4f}, {high:.4f}]")
accuracy, recall, area, lower_area = ([float(end) for end in ends] for _, ends in found.values())
sys.exit(not (accuracy[0] < 0.92 and recall == [1, 1] and area == [1, 1] and lower_area[1] > 1))
PY
