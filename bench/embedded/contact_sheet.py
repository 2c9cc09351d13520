"""A contact sheet of the embedded corpus: scenes beside what the generators make of them."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from bench.embedded.corpus import as_jpeg, fake, scene_number
from bench.embedded.filters import Pixels
from bench.embedded.generators.generator import GENERATORS
from bench.embedded.scenes.scene import SIDE, render

PAIRS = 4
CROP = 96  # pixels of each image that are shown, not scaled: scaling would wipe off the traces
GAP = 2
CAPTION = 66


def _row(name: str, position: int) -> Pixels:
    """The name of a generator, then pairs of source and fake from its validation images."""
    row = np.full((CROP + GAP, CAPTION + 2 * PAIRS * (CROP + GAP), 3), 255, np.uint8)
    cv2.putText(row, name, (2, CROP // 2), cv2.FONT_HERSHEY_SIMPLEX, 0.38, (0, 0, 0), 1, cv2.LINE_AA)
    margin = (SIDE - CROP) // 2
    for pair in range(PAIRS):
        number = scene_number(position, "val", "ai", pair)
        source = render(number).pixels
        for side, pixels in enumerate((source, fake(name, source, number))):
            left = CAPTION + (2 * pair + side) * (CROP + GAP)
            shown = as_jpeg(pixels, number)[margin : margin + CROP, margin : margin + CROP]
            row[:CROP, left : left + CROP] = shown
    return row


def write_contact_sheet(path: Path) -> None:
    """Write a PNG of 256 colours: one row per generator, pairs of a scene (left) and its imitation (right)."""
    rows = [_row(one.name, position) for position, one in enumerate(GENERATORS)]
    sheet = Image.fromarray(np.concatenate(rows))
    sheet.quantize(256, kmeans=2).save(path, optimize=True)
