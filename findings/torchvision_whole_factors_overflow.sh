#!/usr/bin/env bash
# torchvision 0.27.1: `adjust_brightness` of a uint8 tensor was expected to clip at 255 whatever the factor. With a factor that
# is an int (3, not 3.0) the product stays uint8 and wraps around before it is clipped: 151 becomes 197, not 255. PIL images
# and floats are right.
set -euo pipefail
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT
python3 -m venv "$here/venv"
"$here/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.12.1 torchvision==0.27.1
"$here/venv/bin/python" - <<'PY'
import sys

import torch
import torchvision
from torchvision.transforms.v2.functional import adjust_brightness

print(f"torchvision {torchvision.__version__}")
image = torch.full((3, 1, 1), 151, dtype=torch.uint8)
found = {repr(factor): int(adjust_brightness(image, factor)[0, 0, 0]) for factor in (3.0, 3)}
for factor, level in found.items():
    print(f"151 times {factor}: {level}")
sys.exit(not found["3"] < 255 == found["3.0"])
PY
