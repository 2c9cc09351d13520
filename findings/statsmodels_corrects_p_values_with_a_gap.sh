#!/usr/bin/env bash
# statsmodels 0.15.0: of five p values, one of which is nan (a detector that could not be compared), `multipletests` was
# expected to refuse, or to correct the other four as four tests. Holm counts the gap as a test. Benjamini-Hochberg and
# Simes-Hochberg turn every corrected p into nan while `reject` still says True for some: p and verdict of one call disagree.
set -euo pipefail
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT
python3 -m venv "$here/venv"
"$here/venv/bin/pip" install --quiet --disable-pip-version-check statsmodels==0.15.0 numpy==2.4.6 scipy==1.17.1 pandas==3.0.3
"$here/venv/bin/python" - <<'PY'
import sys
import warnings
from importlib.metadata import version

import numpy as np
from statsmodels.stats.multitest import multipletests

warnings.simplefilter("ignore")
with_gap = np.array([0.001, 0.008, np.nan, 0.02, 0.6])
without = with_gap[~np.isnan(with_gap)]
print("statsmodels", version("statsmodels"))
found = {}
for method in ("holm", "fdr_bh", "simes-hochberg"):
    reject, corrected, *_ = multipletests(with_gap, method=method)
    expected = multipletests(without, method=method)[1]
    found[method] = reject, corrected, expected
    print(f"{method}: with the gap {corrected.round(4)}, reject {reject}; of the four alone {expected.round(4)}")
holm, others = found["holm"], [found["fdr_bh"], found["simes-hochberg"]]
counted = np.isclose(holm[1][0], 5 * 0.001) and np.isclose(holm[2][0], 4 * 0.001)
torn = all(np.isnan(corrected).all() and reject.any() for reject, corrected, _ in others)
sys.exit(not (counted and torn))
PY
