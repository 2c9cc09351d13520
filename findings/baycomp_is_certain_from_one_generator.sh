#!/usr/bin/env bash
# baycomp 1.0.3: of two detectors with equal accuracies on nineteen generators of twenty (100.0 each, as on many boards), and
# a thousandth apart on the last, the Bayesian signed-rank test was expected to give the better one a probability a little
# above one half. It gives 1.0, as when it were better by ten points on all twenty: without a region of practical equivalence ties are
# split evenly in every draw, so any single difference decides every draw. With one defeat more it is at .5 again, and a region
# of a millionth makes the same nineteen ties "equal" with probability .999.
set -euo pipefail
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT
python3 -m venv "$here/venv"
"$here/venv/bin/pip" install --quiet --disable-pip-version-check baycomp==1.0.3 numpy==2.4.6 scipy==1.17.1 matplotlib==3.11.2
"$here/venv/bin/python" - <<'PY'
import sys
from importlib.metadata import version

import numpy as np
from baycomp import two_on_multiple


def better(one, other, **options):
    return float(two_on_multiple(np.array(one), np.array(other), random_state=0, **options)[0])


ties = [1.0] * 18
single = [*ties, 1.0, 0.991], [*ties, 1.0, 0.990]
found = {
    "better by .1 on all of 20": better([1.0] * 20, [0.9] * 20),
    "better by .001 on one, equal on 19": better(*single),
    "better by .001 on one, worse by .001 on one, equal on 18": better([*ties, 0.990, 0.991], [*ties, 0.991, 0.990]),
    "better by .001 on one, equal on 19, region of a millionth": better(*single, rope=1e-6),
}
print("baycomp", version("baycomp"))
for name, probability in found.items():
    print(f"{name}: probability of being better {probability:.3f}")
everywhere, once, undecided, with_region = found.values()
sys.exit(not (everywhere == once == 1 and 0.45 < undecided < 0.55 and with_region < 0.01))
PY
