"""Data sets in GenImage layout whose classes differ in their files and in nothing else."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from bench.engine.cache import Cache
from bench.images.data_sets import read
from detectors.checks import texture

QUALITIES = (90, 92, 96)


def encode(pixels, kind, **options):
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, kind, **options)
    return buffer.getvalue()


def picture(name, side):
    """A picture made from its name alone, with the spectrum of a photograph rather than of noise."""
    coarse = Image.fromarray(texture(name, side // 2, side // 2))
    return np.asarray(coarse.resize((side, side), Image.Resampling.BICUBIC))


def as_jpeg(name, index, side=64):
    """JPEG at one of the qualities in turn."""
    return f"{name}.jpg", encode(picture(name, side), "JPEG", quality=QUALITIES[index % 3], subsampling=2)


def as_png(name, index, side=64):
    return f"{name}.png", encode(picture(name, side), "PNG")


def as_smaller_jpeg(name, index):
    return as_jpeg(name, index, 58)


def as_jpeg_75(name, index):
    return f"{name}.jpg", encode(picture(name, 64), "JPEG", quality=75, subsampling=2)


def write_planted(root, real=as_jpeg, generated=as_jpeg, size=40, generators=("g",)):
    """`size` images per class in train, half as many in val."""
    for generator in generators:
        for split, number in (("train", size), ("val", size // 2)):
            for class_name, make in (("nature", real), ("ai", generated)):
                folder = root / generator / split / class_name
                folder.mkdir(parents=True)
                for index in range(number):
                    file, data = make(f"{generator}_{split}_{class_name}_{index:03d}", index)
                    (folder / file).write_bytes(data)
    return root


def inspect_data(folder, cache):
    return Cache(cache).inspect(read(str(folder)), 2, lambda _: None, appearance=True)
