#!/usr/bin/env bash
# scikit-posthocs 0.17.1: a bar of a critical-difference diagram was expected to lie over detectors of which no two differ by
# the p values that the diagram was given, as the rule of these diagrams says. A bar is drawn from the best to the worst of a
# set without differences, and so over whoever ranks between them: a detector that wins narrowly on most generators and fails on
# some differs from neither of two others, and the bar from it to the last one lies over the second and the last, of which the
# second is better on every generator (p 6e-6, corrected). Nothing marks who belongs to a bar unless crossbar_props asks for it.
set -euo pipefail
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT
python3 -m venv "$here/venv"
"$here/venv/bin/pip" install --quiet --disable-pip-version-check scikit-posthocs==0.17.1 scipy==1.17.1 numpy==2.4.6 \
  pandas==3.1.1 matplotlib==3.11.2
MPLBACKEND=agg "$here/venv/bin/python" - <<'PY'
import sys
from importlib.metadata import version
from itertools import combinations

import numpy as np
import pandas as pd
from scikit_posthocs import critical_difference_diagram, posthoc_wilcoxon

steady = np.linspace(0.70, 0.89, 20)  # accuracies on 20 generators
behind = np.linspace(0.004, 0.023, 20)
moody = np.where(np.arange(20) < 16, steady + 0.03 + behind / 10, steady - 0.2 - behind)
table = pd.DataFrame({"moody": moody, "steady": steady, "weaker": steady - behind})

ranks = table.rank(axis=1, ascending=False).mean()
p = posthoc_wilcoxon(table.melt(), val_col="value", group_col="variable", p_adjust="holm")
bars = [line.get_xdata() for (line,) in critical_difference_diagram(ranks, p)["crossbars"]]

print("scikit-posthocs", version("scikit-posthocs"))
print("mean ranks:", ranks.round(2).to_dict())
for one, other in combinations(table, 2):
    print(f"{one} and {other}: p {p.loc[one, other]:.1e}")
covered = []
for bar in bars:
    under = [name for name in table if min(bar) <= ranks[name] <= max(bar)]
    covered += [pair for pair in combinations(under, 2) if p.loc[pair] < 0.05]
    print(f"a bar from rank {min(bar):.1f} to {max(bar):.1f}, over {', '.join(under)}")
print("under one bar though they differ:", covered)
sys.exit(not (covered == [("steady", "weaker")] and p.loc["steady", "weaker"] < 1e-5))
PY
