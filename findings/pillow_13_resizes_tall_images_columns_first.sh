#!/usr/bin/env bash
# Pillow 12.3.0 and 13.0.0: a resize with a named filter was expected to give the same pixels in both, for neither the filters nor
# their weights changed. Both filter rows and columns one after the other and round to whole levels in between. 12.3.0 always begins
# with the rows; 13.0.0 with the columns where the height loses more than twice as many pixels as the width, so that a portrait of a
# phone gets other samples, mostly by one level, and by more along edges, where the rounding in between also clips. A landscape and a
# square keep theirs. Whoever caches resized images, or compares scores of a detector whose input is resized, names the version.
set -euo pipefail
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT
cat >"$here/resize.py" <<'PY'
import sys

import numpy as np
import PIL
from PIL import Image

SIZES = {
    "tall": ((300, 900), (240, 320)),
    "tall, squeezed": ((480, 1040), (224, 224)),
    "wide": ((900, 300), (320, 240)),
    "square": ((512, 512), (224, 224)),
}


def picture(width, height):
    """Smooth light with a hard edge and some noise, as a photograph has."""
    y, x = np.mgrid[:height, :width]
    light = 128 + 90 * np.sin(x / 37) * np.cos(y / 53) + np.random.default_rng(7).normal(0, 4, (height, width))
    light[(x // 40 + y // 60) % 5 == 0] = 250
    return Image.fromarray(np.clip(light, 0, 255).astype(np.uint8)).convert("RGB")


resized = {name: np.asarray(picture(*old).resize(new, Image.Resampling.LANCZOS)) for name, (old, new) in SIZES.items()}
np.savez(sys.argv[1], **resized)
print("pillow", PIL.__version__)
PY
for version in 12.3.0 13.0.0; do
  python3 -m venv "$here/$version"
  "$here/$version/bin/pip" install --quiet --disable-pip-version-check numpy==2.3.5 "pillow==$version"
  "$here/$version/bin/python" "$here/resize.py" "$here/$version.npz"
done
"$here/13.0.0/bin/python" - "$here/12.3.0.npz" "$here/13.0.0.npz" <<'PY'
import sys

import numpy as np

earlier, later = (np.load(path) for path in sys.argv[1:])
for name in earlier:
    difference = np.abs(earlier[name].astype(int) - later[name])
    share, more = 100 * (difference > 0).mean(), 100 * (difference > 1).mean()
    print(f"{name}: {share:.1f}% of the samples differ, {more:.2f}% by more than one level, at most by {difference.max()}")
    assert (share > 5) == name.startswith("tall"), "the versions no longer differ so"
PY
