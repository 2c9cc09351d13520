"""A contact sheet of the embedded corpus: scenes beside their imitations by the generators."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from bench.embedded.corpus import jpeg_round_trip, make_fake, scene_number
from bench.embedded.generators.generator import GENERATORS
from bench.embedded.scenes.filters import Pixels
from bench.embedded.scenes.scene import SIDE, render
from bench.platform.files import write_atomically

PAIRS = 4
CROP = 96  # pixels of each image that are shown, not scaled, as scaling would remove the traces
GAP = 2  # pixels between images
CAPTION = 66  # width in pixels


def _row(name: str, position: int) -> Pixels:
    """The name of a generator, then pairs of source and fake from its validation images."""
    row = np.full((CROP + GAP, CAPTION + 2 * PAIRS * (CROP + GAP), 3), 255, np.uint8)
    cv2.putText(row, name, (2, CROP // 2), cv2.FONT_HERSHEY_SIMPLEX, 0.38, (0, 0, 0), 1, cv2.LINE_AA)
    margin = (SIDE - CROP) // 2
    for pair in range(PAIRS):
        number = scene_number(position, "val", "ai", pair)
        source = render(number).pixels
        for column, pixels in enumerate((source, make_fake(name, source, number))):
            left = CAPTION + (2 * pair + column) * (CROP + GAP)
            crop = jpeg_round_trip(pixels, number)[margin : margin + CROP, margin : margin + CROP]
            row[:CROP, left : left + CROP] = crop
    return row


def write_contact_sheet(path: Path) -> None:
    """Write a PNG of 256 colours: one row per generator, pairs of a scene (left) and its imitation (right)."""
    rows = [_row(generator.name, position) for position, generator in enumerate(GENERATORS)]
    sheet = Image.fromarray(np.concatenate(rows))
    small = sheet.quantize(256, kmeans=2)
    write_atomically(path, lambda part: small.save(part, "PNG", optimize=True))
