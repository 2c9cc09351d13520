#!/usr/bin/env bash
# torchmetrics 1.9.0: the calibration error of a detector was expected to be one number, whether its probabilities are handed over
# as p or as the two columns 1 - p and p; the documentation calls both top-label, with the accuracy of the decision in each bin.
# The two columns are compared by that: max(p, 1 - p) against how often the decision is right. The one column is not: p against how
# often an image is generated. A detector that leans to "generated" is too sure of that and not sure enough of "real": in two columns
# both fall into one bin and cancel, to less than half of the error in one. A published figure needs its definition beside it.
set -euo pipefail
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT
python3 -m venv "$here/venv"
"$here/venv/bin/pip" install --quiet --disable-pip-version-check torchmetrics==1.9.0 torch==2.12.1 numpy==2.4.6
"$here/venv/bin/python" - <<'PY'
import sys

import torch
import torchmetrics
from torchmetrics.functional.classification import binary_calibration_error, multiclass_calibration_error

BINS = 10


def gap(confidence, right):
    """Shares of bins times the distance of their means, in float64."""
    bins = (confidence * BINS).long()
    parts = [(confidence[bins == one], right[bins == one]) for one in bins.unique()]
    return sum(len(sure) / len(confidence) * abs(sure.double().mean() - hit.double().mean()) for sure, hit in parts).item()


labels = torch.arange(400) % 2
p = torch.sigmoid(torch.randn(400, generator=torch.Generator().manual_seed(0)) + 1.5 * labels)
one = float(binary_calibration_error(p, labels, n_bins=BINS))
two = float(multiclass_calibration_error(torch.stack([1 - p, p], 1), labels, num_classes=2, n_bins=BINS))
generated, decided = gap(p, labels), gap(torch.maximum(p, 1 - p), (p > 0.5) == labels)
print(f"torchmetrics {torchmetrics.__version__}")
print(f"binary_calibration_error: {one:.4f}, multiclass_calibration_error of two columns: {two:.4f}")
print(f"by hand, p against generated: {generated:.4f}; the larger probability against right: {decided:.4f}")
sys.exit(not (abs(one - generated) < 1e-5 and abs(two - decided) < 1e-5 and one > 2 * two))
PY
