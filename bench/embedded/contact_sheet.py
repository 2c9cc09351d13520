"""A contact sheet of the embedded corpus: scenes beside their imitations by the generators."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from bench.charts.typefaces import BOLD, REGULAR
from bench.embedded.corpus import jpeg_round_trip, make_fake, scene_number
from bench.embedded.generators.generator import GENERATORS
from bench.embedded.scenes.filters import Pixels
from bench.embedded.scenes.scene import SIDE, render
from bench.platform.files import write_atomically

PAIRS = 3
CROP = 96  # pixels of each image that are shown, not scaled, as scaling would remove the traces
GAP, PAIR_GAP = 2, 14  # pixels between the images of a pair, and between pairs
CAPTION, HEADER = 84, 24  # pixels left of the images, and above them
NAMES = ("real", "generated")
_PAIR = 2 * CROP + GAP + PAIR_GAP
_INK, _FAINT = (31, 31, 36), (98, 98, 107)


def _place(position: int, pair: int, column: int) -> tuple[int, int]:
    """The left and the upper edge of an image in the sheet."""
    return CAPTION + pair * _PAIR + column * (CROP + GAP), HEADER + position * (CROP + GAP)


def _pairs(name: str, position: int) -> list[tuple[Pixels, Pixels]]:
    """Pairs of a scene and its imitation, from the validation images of a generator."""
    margin = (SIDE - CROP) // 2
    found = []
    for pair in range(PAIRS):
        number = scene_number(position, "val", "ai", pair)
        source = render(number).pixels
        both = (jpeg_round_trip(pixels, number) for pixels in (source, make_fake(name, source, number)))
        real, generated = (pixels[margin : margin + CROP, margin : margin + CROP] for pixels in both)
        found.append((real, generated))
    return found


def write_contact_sheet(path: Path) -> None:
    """Write a PNG: one row per generator, pairs of a scene and its imitation, columns named."""
    size = (CAPTION + PAIRS * _PAIR - PAIR_GAP, HEADER + len(GENERATORS) * (CROP + GAP) - GAP)
    sheet = Image.new("RGB", size, "white")
    drawing = ImageDraw.Draw(sheet)
    bold, regular = (ImageFont.truetype(weight.drawn, 13) for weight in (BOLD, REGULAR))
    for pair in range(PAIRS):
        for column, name in enumerate(NAMES):
            left, _ = _place(0, pair, column)
            drawing.text((left, 3), name, _INK if column else _FAINT, bold if column else regular)
    for position, generator in enumerate(GENERATORS):
        _, upper = _place(position, 0, 0)
        drawing.text((0, upper + CROP // 2 - 9), generator.name, _INK, bold)
        for pair, images in enumerate(_pairs(generator.name, position)):
            for column, pixels in enumerate(images):
                sheet.paste(Image.fromarray(np.ascontiguousarray(pixels)), _place(position, pair, column))
    write_atomically(path, lambda part: sheet.save(part, "PNG", optimize=True))
