#!/usr/bin/env bash
# scipy 1.17.1 with numpy 2.4.6: `import scipy.special` was expected to load special functions. Its layer for other array
# libraries takes over every public name of NumPy, and so imports `numpy.f2py`, the generator of wrappers for Fortran code,
# with its parser: a sixth of the time of the import (62 of 356 ms), in every program that needs one quantile. `import numpy`
# alone does not load it. Seen: "import scipy.special: numpy.f2py True, its parser of Fortran True".
set -euo pipefail
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT
python3 -m venv "$here/env"
"$here/env/bin/pip" install --quiet --disable-pip-version-check scipy==1.17.1 numpy==2.4.6
cd "$here"
env/bin/python - <<'PY'
import subprocess
import sys

SAID = "import sys, {0}; print('numpy.f2py' in sys.modules, 'numpy.f2py.crackfortran' in sys.modules, {0}.__name__)"
found = {}
for name in ("numpy", "scipy.special"):
    done = subprocess.run([sys.executable, "-c", SAID.format(name)], capture_output=True, text=True, check=True)
    found[name] = done.stdout.split()[:2]
    print(f"import {name}: numpy.f2py {found[name][0]}, its parser of Fortran {found[name][1]}")
sys.exit(found != {"numpy": ["False", "False"], "scipy.special": ["True", "True"]})
PY
