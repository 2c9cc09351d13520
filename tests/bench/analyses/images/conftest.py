import numpy as np
import pytest
from PIL import Image

from bench.engine.cache import Cache
from bench.images.data_sets import read
from detectors.checks import texture

SIDE = 64


def write_planted(root, count=16, side=SIDE, names=str):
    """Three generators in GenImage layout, with a wave of 5/64 and -12/64 cycles per pixel in the images of "wave"."""
    y, x = np.mgrid[:side, :side]
    wave = 3 * np.cos(2 * np.pi * (5 * y - 12 * x) / 64 + 0.7)
    for generator in ("plain", "wave", "noisy"):
        for index in range(count):
            for class_name in ("nature", "ai"):
                seed = f"{generator}{class_name}{index}"
                pixels = texture(seed, side, side).astype(float)
                if (generator, class_name) == ("wave", "ai"):
                    pixels += wave[..., None]
                if (generator, class_name) == ("noisy", "ai"):
                    pixels += np.random.default_rng(index).normal(0, 8, pixels.shape)
                path = root / generator / "val" / class_name / f"{names(seed)}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(np.clip(np.rint(pixels), 0, 255).astype(np.uint8)).save(path)
    return root


def inspect(root, cache):
    return Cache(cache).inspect(read(str(root)), 1, lambda _: None)


@pytest.fixture(scope="session")
def planted_folder(tmp_path_factory):
    return write_planted(tmp_path_factory.mktemp("planted") / "data")


@pytest.fixture(scope="session")
def planted(planted_folder, tmp_path_factory):
    """The images with a planted fingerprint, and what is known of their files."""
    return inspect(planted_folder, tmp_path_factory.mktemp("cache"))
