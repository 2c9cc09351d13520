"""Strict decoding: every mode becomes 8-bit RGB; nothing damaged is half read."""

import io
import pickle
import struct
import warnings
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest
from PIL import Image, ImageCms

from bench.images.decoding import decoder
from bench.images.decoding.decoder import UnreadableImage, decode_with_details
from detectors.checks import texture

RGB = texture("decoding", 24, 33)
ANIMATED = "it is animated: its first frame is read"


def write(tmp_path, image, suffix="png", **options):
    path = tmp_path / f"image.{suffix}"
    image.save(path, **options)
    return path


def decode(path):
    return decoder.decode(path.read_bytes(), str(path))


def size_of(path):
    return decoder.size_of(path.read_bytes(), str(path))


def encoded(image, kind, **options):
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def reason(data):
    with pytest.raises(UnreadableImage) as caught:
        decoder.decode(data, "image")
    assert str(caught.value).startswith(f"image cannot be decoded ({caught.value.reason}); ")
    return caught.value.reason


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
    exif[0x0112] = 6  # the camera was rotated: turn by 90 degrees to see it upright
    sample = decode(write(tmp_path, Image.fromarray(RGB), "png", exif=exif))
    assert (sample.pixels == np.rot90(RGB, -1)).all()
    assert (sample.facts.width, sample.facts.height) == (24, 33)


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp"])
@pytest.mark.parametrize("keep", [0.0, 0.3, 0.7, 0.95])
def test_a_truncated_file_is_refused(tmp_path, suffix, keep):
    path = write(tmp_path, Image.fromarray(texture("big", 200, 200)), suffix)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * keep)])
    with pytest.raises(UnreadableImage, match=r"image\.\w+ cannot be decoded"):
        decode(path)


def test_what_is_no_image_is_refused(tmp_path):
    path = tmp_path / "image.png"
    path.write_text("not an image")
    with pytest.raises(UnreadableImage, match="cannot be decoded"):
        decode(path)
    path.write_bytes(b"")
    with pytest.raises(UnreadableImage, match="the file is empty"):
        decode(path)


def test_a_photograph_with_a_preview_is_its_first_picture(tmp_path):
    path = tmp_path / "image.jpg"
    views = [Image.fromarray(RGB), Image.fromarray(RGB[::2, ::2].copy())]
    views[0].save(path, "MPO", save_all=True, append_images=views[1:], quality=95)
    assert decode(path).pixels.shape == RGB.shape
    assert size_of(path) == (33, 24)


def test_samples_without_a_range_are_refused(tmp_path):
    path = write(tmp_path, Image.fromarray(RGB[..., 0].astype(np.float32)), "tiff")
    with pytest.raises(UnreadableImage, match="floating-point"):
        decode(path)
    path = write(tmp_path, Image.fromarray(RGB[..., 0].astype(np.int32) * 70_000), "tiff")
    with pytest.raises(UnreadableImage, match="16 bits"):
        decode(path)


@pytest.mark.parametrize("suffix", [".png", ".tiff"])
def test_16_bit_samples_keep_their_high_byte(suffix):
    deep = np.random.default_rng(0).integers(0, 65536, (24, 33, 3), dtype=np.uint16)
    colour = cv2.imencode(suffix, deep[..., ::-1])[1].tobytes()
    assert (decoder.decode(colour, "image").pixels == deep >> 8).all()
    grey, details = decode_with_details(cv2.imencode(suffix, deep[..., 0])[1].tobytes(), "image")
    assert (grey.pixels == deep[..., :1] >> 8).all()
    assert details.mode == "I;16"


def test_12_bit_samples_keep_their_high_eight_bits():
    data = encoded(Image.fromarray(RGB[..., 0].astype(np.uint16) * 16), "TIFF")
    patched = data.replace(struct.pack("<HHII", 258, 3, 1, 16), struct.pack("<HHII", 258, 3, 1, 12))
    stored = np.asarray(Image.open(io.BytesIO(patched)))
    assert stored.max() > 255
    assert (decoder.decode(patched, "image").pixels == stored[..., None] >> 4).all()


def test_a_16_bit_tiff_in_which_white_is_zero_is_inverted():
    deep = Image.fromarray(RGB[..., 0].astype(np.uint16) * 256)
    data = encoded(deep, "TIFF", tiffinfo={262: 0})
    assert (decoder.decode(data, "image").pixels == 255 - RGB[..., :1]).all()


def test_the_transparent_value_of_16_bit_grey_is_white():
    deep = np.full((4, 4), 1000, np.uint16)
    deep[0, 0] = 1001
    pixels = decoder.decode(encoded(Image.fromarray(deep), "PNG", transparency=1001), "image").pixels
    assert (pixels[0, 0] == 255).all()
    assert (pixels[1:] == 1000 >> 8).all()


def test_palettes_with_transparency_two_tones_and_grey_with_alpha_become_rgb():
    palette = Image.fromarray(RGB).quantize(16)
    pixels = decoder.decode(encoded(palette, "PNG", transparency=0), "image").pixels
    clear = np.asarray(palette) == 0
    assert clear.any()
    assert (pixels[clear] == 255).all()
    assert (pixels[~clear] == np.asarray(palette.convert("RGB"))[~clear]).all()
    tones = RGB[..., 0] > 128
    assert (decoder.decode(encoded(Image.fromarray(tones), "PNG"), "image").pixels == tones[..., None] * 255).all()
    grey = np.stack([RGB[..., 0], np.zeros_like(RGB[..., 0])], axis=2)
    assert (decoder.decode(encoded(Image.fromarray(grey), "PNG"), "image").pixels == 255).all()


@pytest.mark.parametrize("mode", ["LAB", "YCbCr"])
def test_lab_and_ycbcr_become_rgb_again(mode):
    if mode == "LAB":
        stored = ImageCms.profileToProfile(
            Image.fromarray(RGB), ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), outputMode="LAB"
        )
    else:
        stored = Image.fromarray(RGB).convert(mode)
    sample, details = decode_with_details(encoded(stored, "TIFF"), "image")
    assert details.mode == mode
    assert np.abs(sample.pixels.astype(int) - RGB).mean() < 3


def test_a_cmyk_jpeg_that_stores_inverted_inks_keeps_its_tones():
    data = encoded(Image.fromarray(RGB).convert("CMYK"), "JPEG", quality=98, subsampling=0)
    assert b"Adobe" in data[:64]
    sample, details = decode_with_details(data, "image")
    assert np.abs(sample.pixels.astype(int) - RGB).mean() < 6
    assert details[:4] == ("CMYK", False, "", ())


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP", "AVIF", "TIFF"])
def test_of_several_pictures_the_first_is_read_and_it_is_said(kind):
    frames = [Image.fromarray(one).quantize(64) if kind == "GIF" else Image.fromarray(one) for one in (RGB, 255 - RGB)]
    options = {"lossless": True} if kind == "WEBP" else {}
    alone = decoder.decode(encoded(frames[0], kind, **options), "image").pixels
    sample, details = decode_with_details(
        encoded(frames[0], kind, save_all=True, append_images=frames[1:], **options), "image"
    )
    assert np.abs(sample.pixels.astype(int) - alone).mean() < (4 if kind == "AVIF" else 0.001)
    assert details.notes == ("it holds several pages: the first is read" if kind == "TIFF" else ANIMATED,)


def test_signed_samples_are_refused():
    data = encoded(Image.fromarray(RGB[..., 0]), "TIFF", tiffinfo={339: 2})
    assert "signed" in reason(data)


def test_the_quality_of_a_jpeg_is_read_from_its_table():
    found = {q: decoder.decode(encoded(Image.fromarray(RGB), "JPEG", quality=q), "image") for q in range(1, 101)}
    assert {q: sample.facts.jpeg_quality for q, sample in found.items()} == {q: q for q in range(1, 101)}
    progressive = encoded(Image.fromarray(RGB[..., 0]), "JPEG", quality=37, progressive=True)
    assert decoder.decode(progressive, "image").facts.jpeg_quality == 37
    assert decoder.decode(encoded(Image.fromarray(RGB), "PNG"), "image").facts.jpeg_quality is None


def test_a_table_of_another_encoder_is_of_no_quality_and_the_nearest_is_a_fact_all_the_same():
    flat = encoded(Image.fromarray(RGB), "JPEG", qtables=[[24] * 64, [40] * 64])
    sample, details = decoder.decode_with_details(flat, "image")
    assert details.jpeg.quality is None
    assert sample.facts.jpeg_quality == details.jpeg.nearest_quality
    assert 1 <= details.jpeg.nearest_quality <= 100
    assert decoder.decode_with_details(encoded(Image.fromarray(RGB), "PNG"), "image")[1].jpeg is None


def test_a_table_that_differs_by_rounding_is_of_its_quality():
    table = Image.open(io.BytesIO(encoded(Image.fromarray(RGB), "JPEG", quality=70))).quantization[0]
    rounded = [one + (index % 3 == 0) for index, one in enumerate(table)]
    for quality, divisors in ((70, rounded), (None, [one + 5 for one in table])):
        data = encoded(Image.fromarray(RGB), "JPEG", qtables=[divisors, divisors])
        assert decoder.decode_with_details(data, "image")[1].jpeg.quality == quality


@pytest.mark.parametrize(("code", "name"), [(0, "4:4:4"), (1, "4:2:2"), (2, "4:2:0")])
def test_the_subsampling_of_a_jpeg_is_named(code, name):
    data = encoded(Image.fromarray(RGB), "JPEG", subsampling=code)
    assert decoder.decode_with_details(data, "image")[1].jpeg.subsampling == name
    grey = encoded(Image.fromarray(RGB[..., 0]), "JPEG")
    assert decoder.decode_with_details(grey, "image")[1].jpeg.subsampling == ""


def test_a_photograph_with_a_preview_has_the_facts_of_a_jpeg():
    views = [Image.fromarray(RGB), Image.fromarray(RGB[::2, ::2].copy())]
    facts = decoder.decode(encoded(views[0], "MPO", save_all=True, append_images=views[1:], quality=91), "i").facts
    assert (facts.format, facts.jpeg_quality) == ("JPEG", 91)


def test_an_error_keeps_its_reason_on_the_way_between_processes():
    error = pickle.loads(pickle.dumps(UnreadableImage("a.png", "it is empty")))  # noqa: S301 - made on this line
    assert (error.reason, str(error).count("a.png")) == ("it is empty", 1)


def test_odd_metadata_is_no_reason_to_warn_from_any_thread(recwarn):
    warnings.simplefilter("always")
    broken = b"Exif\0\0II*\0\x08\0\0\0\x02\0\x12\x01\x03\0\x01\0\0\0\x01\0\0\0\x0f\x01\x02\0\xff\0\0\0\xff\xff\0\0"
    data = encoded(Image.fromarray(RGB), "JPEG", exif=broken)
    with ThreadPoolExecutor(4) as pool:
        read = list(pool.map(lambda _: decode_with_details(data, "image"), range(16)))
    assert all(details.exif for _, details in read)
    assert len(recwarn) == 0


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "LA", "P", "1", "CMYK", "I;16"])
def test_an_opened_image_has_the_pixels_of_its_file(tmp_path, mode):
    image = Image.fromarray(RGB)
    image = Image.fromarray(RGB[..., 0].astype(np.uint16) * 257) if mode == "I;16" else image.convert(mode)
    path = write(tmp_path, image, "tiff" if mode == "CMYK" else "png")
    found = decoder.decode_opened(Image.open(path), "it")
    assert np.array_equal(found.pixels, decode(path).pixels)
    assert (found.facts.format, found.facts.bytes) == ("RAW", found.pixels.nbytes)


def test_an_opened_image_is_turned_once(tmp_path):
    turned = Image.Exif()
    turned[0x0112] = 6
    path = write(tmp_path, Image.fromarray(RGB), exif=turned)
    opened = Image.open(path)
    for _ in range(2):
        assert np.array_equal(decoder.decode_opened(opened, "it").pixels, decode(path).pixels)


def test_an_opened_image_that_cannot_be_read_has_a_reason(tmp_path):
    path = write(tmp_path, Image.fromarray(RGB))
    path.write_bytes(path.read_bytes()[:300])
    with Image.open(path) as image, pytest.raises(UnreadableImage, match=r"^it cannot be decoded \(it is cut off"):
        decoder.decode_opened(image, "it")
    with pytest.raises(UnreadableImage, match="more than the 9 that are read"):
        decoder.decode_opened(Image.fromarray(RGB), "it", 9)
