#!/usr/bin/env bash
# torchmetrics 1.9.0: the area under the ROC curve, which asks for the order of the scores alone, was expected not to change when a
# constant is added to every logit. Scores outside [0, 1] go through a sigmoid in their own precision first: float32 logits
# above 16.6 all become 1, and a detector whose bias is 20 too high has the area and the average precision of chance, without a
# warning. From a constant of 10 on both move already; subtracting one does nothing. scikit-learn sees the same order.
set -euo pipefail
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT
python3 -m venv "$here/venv"
"$here/venv/bin/pip" install --quiet --disable-pip-version-check torchmetrics==1.9.0 torch==2.12.1 numpy==2.4.6 scikit-learn==1.9.1
"$here/venv/bin/python" -W error - <<'PY'
import sys

import torch
import torchmetrics
from sklearn.metrics import roc_auc_score
from torchmetrics.functional.classification import binary_auroc, binary_average_precision

labels = torch.arange(400) % 2
# In steps of 1/1024: adding a whole number below 64 to them is exact, and ties nothing that was apart.
logits = torch.round(1024 * (torch.randn(400, generator=torch.Generator().manual_seed(0)) + 1.5 * labels)) / 1024
print(f"torchmetrics {torchmetrics.__version__}, torch {torch.__version__}")
found = {}
for constant in (-20, 0, 10, 20):
    moved = logits + constant
    found[constant] = area, precision = float(binary_auroc(moved, labels)), float(binary_average_precision(moved, labels))
    peer = roc_auc_score(labels.numpy(), moved.numpy())
    print(f"logits {constant:+d}: area {area:.6f}, average precision {precision:.6f}; area by scikit-learn {peer:.6f}")
    assert abs(peer - found[-20][0]) < 1e-6
sys.exit(not (found[0] == found[-20] and found[0][0] > 0.8 and found[10] != found[0] and found[20] == (0.5, 0.5)))
PY
