"""Strict decoding: every mode becomes 8-bit RGB; nothing damaged is half read."""

import io

import numpy as np
import pytest
from PIL import Image

from bench.images.decoding import Unreadable, decode, size_of
from detectors.checks import texture

RGB = texture("decoding", 24, 33)


def write(tmp_path, image, suffix="png", **options):
    path = tmp_path / f"image.{suffix}"
    image.save(path, **options)
    return path


def test_png_is_read_exactly_with_its_facts(tmp_path):
    path = write(tmp_path, Image.fromarray(RGB))
    sample = decode(path)
    assert (sample.pixels == RGB).all()
    assert sample.pixels.dtype == np.uint8
    facts = sample.facts
    assert (facts.format, facts.width, facts.height, facts.bytes) == ("PNG", 33, 24, path.stat().st_size)


def test_alpha_is_laid_on_white(tmp_path):
    alpha = np.full((24, 33, 1), 255, np.uint8)
    alpha[:, :10] = 0
    sample = decode(write(tmp_path, Image.fromarray(np.concatenate([RGB, alpha], axis=2))))
    assert (sample.pixels[:, :10] == 255).all()
    assert (sample.pixels[:, 10:] == RGB[:, 10:]).all()


def test_grey_palette_cmyk_and_16_bit_become_rgb(tmp_path):
    grey = RGB[..., 0]
    assert (decode(write(tmp_path, Image.fromarray(grey))).pixels == grey[..., None]).all()
    palette = Image.fromarray(RGB).quantize(16)
    assert (decode(write(tmp_path, palette)).pixels == np.asarray(palette.convert("RGB"))).all()
    cmyk = decode(write(tmp_path, Image.fromarray(RGB).convert("CMYK"), "jpg", quality=95))
    assert cmyk.pixels.shape == RGB.shape
    deep = Image.fromarray(grey.astype(np.uint16) * 257)
    assert (decode(write(tmp_path, deep)).pixels == grey[..., None]).all()


def test_exif_orientation_is_applied(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned: rotate by 90 degrees to see it upright
    sample = decode(write(tmp_path, Image.fromarray(RGB), "png", exif=exif))
    assert (sample.pixels == np.rot90(RGB, -1)).all()
    assert (sample.facts.width, sample.facts.height) == (24, 33)


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp"])
@pytest.mark.parametrize("keep", [0.0, 0.3, 0.7, 0.95])
def test_a_truncated_file_is_refused(tmp_path, suffix, keep):
    path = write(tmp_path, Image.fromarray(texture("big", 200, 200)), suffix)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * keep)])
    with pytest.raises(Unreadable, match=r"image\.\w+ cannot be decoded"):
        decode(path)


def test_what_is_no_still_image_is_refused(tmp_path):
    path = tmp_path / "image.png"
    path.write_text("not an image")
    with pytest.raises(Unreadable, match="cannot be decoded"):
        decode(path)
    with pytest.raises(Unreadable, match="cannot be decoded"):
        decode(tmp_path / "missing.png")
    buffer = io.BytesIO()
    frames = [Image.fromarray(RGB), Image.fromarray(RGB[::-1].copy())]
    frames[0].save(buffer, "PNG", save_all=True, append_images=frames[1:])
    path.write_bytes(buffer.getvalue())
    with pytest.raises(Unreadable, match="animated"):
        decode(path)


def test_a_photograph_with_a_preview_is_its_first_picture(tmp_path):
    path = tmp_path / "image.jpg"
    views = [Image.fromarray(RGB), Image.fromarray(RGB[::2, ::2].copy())]
    views[0].save(path, "MPO", save_all=True, append_images=views[1:], quality=95)
    assert decode(path).pixels.shape == RGB.shape
    assert size_of(path) == (33, 24)


def test_samples_without_a_range_are_refused(tmp_path):
    path = write(tmp_path, Image.fromarray(RGB[..., 0].astype(np.float32)), "tiff")
    with pytest.raises(Unreadable, match="floating-point"):
        decode(path)
    path = write(tmp_path, Image.fromarray(RGB[..., 0].astype(np.int32) * 70_000), "tiff")
    with pytest.raises(Unreadable, match="16 bits"):
        decode(path)
