"""Small trees of images that stand for the `/data/...` and `/weights/...` of the pages."""

from __future__ import annotations

from itertools import product

import numpy as np
from PIL import Image

from detectors.checks import texture
from tests.support.networks import save_tiny_ladeda
from tests.support.planted_shortcuts import as_png, write_planted

GENERATORS = {"ADM": (0, 20), "BigGAN": (1, 14), "Midjourney": (0, 5)}  # phase and strength of a checkerboard
SIZES = {"train": 8, "val": 6}
SIDE = 40


def write_picture(path, phase=0, strength=0):
    """A texture of the path's name; generated ones carry a checkerboard."""
    pixels = texture(path.as_posix()[-60:], SIDE, SIDE).astype(int)
    pixels[phase::2, phase::2] += strength
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)).save(path)


def write_genimage(root, generators):
    """Generators in the layout of GenImage."""
    for generator in generators:
        for split, size in SIZES.items():
            for index in range(size):
                for class_name, drawn in (("nature", (0, 0)), ("ai", GENERATORS[generator])):
                    name = f"{generator}_{split}_{class_name}_{index}.png"
                    write_picture(root / generator / split / class_name / name, *drawn)


def write_listed(root, header, lines):
    """Images that a metadata.csv lists, each line with its name first."""
    for line in lines:
        write_picture(root / line.split(",")[0])
    (root / "metadata.csv").write_text("\n".join([header, *lines]) + "\n")


def write_each(root, names, **drawn):
    """A picture of each name."""
    for name in names:
        write_picture(root / name, **drawn)


def write_trees(root):
    """Every tree that the pages name, below `data` and `weights` of a folder."""
    data = root / "data"
    write_genimage(data / "GenImage", GENERATORS)
    write_genimage(data / "mine", ["ADM", "BigGAN"])
    write_planted(data / "jpeg_and_png", generated=as_png, size=8)
    write_each(data / "photos", [f"{index}.png" for index in range(4)])
    write_listed(data / "numbers", "file_name,label", [f"{index}.png,{index % 3}" for index in range(9)])
    made = [(0, "camera", "train"), (1, "mine", "train")] * 3 + [(0, "camera", "test"), (1, "mine", "test")]
    lines = [f"{index}.png,{label},{model},{split}" for index, (label, model, split) in enumerate(made)]
    write_listed(data / "table", "file_name,is_ai,model,subset", lines)
    levels = product(("train", "test"), ("real/camera", "generated/sketcher"), ("cats", "dogs"))
    write_each(data / "levels", [f"{split}/{maker}/{content}/{split}.png" for split, maker, content in levels])
    clips = product(("real", "fake"), range(3), range(2))
    write_each(data / "clips", [f"{kind}/clip{clip}/{frame}.png" for kind, clip, frame in clips])
    write_each(data / "listed" / "a", ["1.png", "2.png", "3.png"])
    write_each(data / "listed" / "b", ["1.png", "2.png", "3.png"], strength=20)
    names = [f"{index}.png" for index in range(12)]
    for generator in ("ADM", "BigGAN"):
        write_each(data / "underscores" / f"{generator}__photos", names)
        write_each(data / "underscores" / f"{generator}__fake", names, strength=20)
    save_tiny_ladeda(root / "weights" / "mine.pth", 1)
    return root
