#!/usr/bin/env bash
# MLstatkit 0.1.91, statsmodels 0.15.0, mlxtend 0.25.0, SciPy 1.17.1: a detector tested against its own copy was expected to have
# p 1, or nan. Each of these has a test that is surest of a difference where there is none: DeLong's of MLstatkit (p 0, by the
# bootstrap that it falls back on, also for a monotone copy of the scores), McNemar's of statsmodels and mlxtend with the
# continuity correction (p 0: one over no disagreement; mlxtend's default), and SciPy's Wilcoxon with pratt and the exact distribution,
# whose p halves with every generator on which the two are equal. Whoever fills a matrix of pairs looks for copies first.
set -euo pipefail
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT
python3 -m venv "$here/venv"
"$here/venv/bin/pip" install --quiet --disable-pip-version-check MLstatkit==0.1.91 statsmodels==0.15.0 mlxtend==0.25.0 \
  scipy==1.17.1 numpy==2.4.6 pandas==3.1.1 scikit-learn==1.9.1
"$here/venv/bin/python" -W ignore - <<'PY'
import sys
from importlib.metadata import version

import numpy as np
from mlxtend.evaluate import mcnemar as mlxtend_mcnemar
from MLstatkit import Delong_test
from scipy.stats import wilcoxon
from statsmodels.stats.contingency_tables import mcnemar

labels = np.arange(200) % 2
scores = 1 / (1 + np.exp(-np.random.default_rng(0).normal(labels)))
decisions = np.array([[150, 0], [0, 50]])  # both right on 150 images, both wrong on 50


def pratt(generators):
    return float(wilcoxon(np.zeros(generators), zero_method="pratt", method="exact").pvalue)


found = {
    "MLstatkit Delong_test, a copy": Delong_test(labels, scores, scores)[1],
    "MLstatkit Delong_test, the scores' cubes": Delong_test(labels, scores, scores**3)[1],
    "statsmodels mcnemar(exact=False)": float(mcnemar(decisions, exact=False).pvalue),
    "statsmodels mcnemar(exact=True)": float(mcnemar(decisions, exact=True).pvalue),
    "mlxtend mcnemar": float(mlxtend_mcnemar(decisions)[1]),
    "mlxtend mcnemar(exact=True)": float(mlxtend_mcnemar(decisions, exact=True)[1]),
    "SciPy wilcoxon(pratt, exact), 8 generators": pratt(8),
    "SciPy wilcoxon(pratt, exact), 20 generators": pratt(20),
}
print(", ".join(f"{name} {version(name)}" for name in ("MLstatkit", "statsmodels", "mlxtend", "scipy")))
for name, p in found.items():
    print(f"{name}: p {p:.2g}")
sys.exit(list(found.values()) != [0, 0, 0, 1, 0, 1, 2**-7, 2**-19])
PY
