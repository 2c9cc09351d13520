#!/usr/bin/env bash
# Pillow 13.0.0: BICUBIC was expected to be one filter, with the coefficient -0.5 as in `resize`. `rotate` (and `transform`)
# interpolate with -1: a rotation computed with -0.5 differs from it by tens of levels of 255, one with -1 by rounding.
set -euo pipefail
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT
python3 -m venv "$here/venv"
"$here/venv/bin/pip" install --quiet --disable-pip-version-check pillow==13.0.0 numpy==2.4.6
"$here/venv/bin/python" - <<'PY'
import sys

import numpy as np
import PIL
from PIL import Image

print(f"Pillow {PIL.__version__}")
height, width, degrees = 60, 80, 10
pixels = np.random.default_rng(0).integers(0, 256, (height, width), np.uint8)
rotated = np.asarray(Image.fromarray(pixels).rotate(degrees, Image.Resampling.BICUBIC))

down, right = np.mgrid[:height, :width] + 0.5 - np.array([height, width])[:, None, None] / 2
cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
row, column = height / 2 + sin * right + cos * down - 0.5, width / 2 + cos * right - sin * down - 0.5
inside = (row > 2) & (row < height - 3) & (column > 2) & (column < width - 3)


def kernel(x, a):
    x = np.abs(x)
    near, far = (a + 2) * x**3 - (a + 3) * x**2 + 1, a * (x**3 - 5 * x**2 + 8 * x - 4)
    return np.where(x < 1, near, np.where(x < 2, far, 0))


errors = {}
for a in (-0.5, -0.75, -1):
    found = np.zeros(pixels.shape)
    for one in range(-1, 3):
        for other in range(-1, 3):
            at = np.floor(row).astype(int) + one, np.floor(column).astype(int) + other
            weight = kernel(row - at[0], a) * kernel(column - at[1], a)
            found += weight * pixels[at[0].clip(0, height - 1), at[1].clip(0, width - 1)]
    errors[a] = np.abs(np.clip(found, 0, 255) - rotated)[inside].max()
    print(f"coefficient {a}: up to {errors[a]:.2f} levels from Pillow's rotate")
sys.exit(not (errors[-1] <= 1 < 10 < errors[-0.5]))
PY
