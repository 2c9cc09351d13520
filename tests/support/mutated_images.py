"""Image files of every kind that is read, and mutants of them that know whether their pixels are damaged."""

import io
import struct
import zlib
from typing import NamedTuple

import cv2
import numpy as np
from PIL import Image, ImageCms, features

from detectors.checks import texture

RGB = texture("mutations", 48, 64)
INTACT, CUT, DAMAGED = "its pixels are whole", "it is cut off", "it is damaged somewhere"
GARBAGE = bytes(range(256))
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
WIDE = SRGB.replace("sRGB".encode("utf-16-be"), "wide".encode("utf-16-be")).replace(b"sRGB", b"wide")


class Mutant(NamedTuple):
    """A file, what it was made of and how, and whether its pixels are still those of the original."""

    original: str
    how: str
    state: str
    data: bytes


def saved(image, kind, **options):
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def chunk(kind, content):
    """A chunk of a PNG file."""
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def interlaced(pixels):
    """An interlaced PNG of pixels uint8 (H, W, 3), in the seven passes of Adam7."""
    passes = ((0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1))
    rows = [row for top, left, down, right in passes for row in pixels[top::down, left::right]]
    height, width = pixels.shape[:2]
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 1))
    body = chunk(b"IDAT", zlib.compress(b"".join(b"\0" + row.tobytes() for row in rows if row.size)))
    return b"\x89PNG\r\n\x1a\n" + head + body + chunk(b"IEND", b"")


def packed_bmp(index):
    """A BMP with run lengths of pixels uint8 (H, W) below 16."""
    body = b"".join(b"".join(bytes((1, value)) for value in row) + b"\0\0" for row in index[::-1]) + b"\0\1"
    palette = b"".join(bytes((i, i // 2, 255 - i, 0)) for i in range(256))
    height, width = index.shape
    info = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 8, 1, len(body), 0, 0, 256, 0)
    return b"BM" + struct.pack("<IHHI", 54 + 1024 + len(body), 0, 0, 54 + 1024) + info + palette + body


def exif_block(orientation=6):
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x010E] = "a description of more than four letters"
    return exif


def originals():
    """One small file of every kind that is read."""
    rgb, grey = Image.fromarray(RGB), Image.fromarray(RGB[..., 0])
    rgba = Image.fromarray(np.concatenate([RGB, RGB[..., :1]], axis=2))
    frames = {"save_all": True, "append_images": [Image.fromarray(RGB[::-1].copy()), Image.fromarray(255 - RGB)]}
    exif, tones = exif_block(), Image.fromarray(RGB[..., 0] > 128)
    deep = RGB.astype(np.uint16) * 257
    files = {
        "baseline.jpg": saved(rgb, "JPEG", quality=85, exif=exif),
        "odd.jpg": saved(rgb.crop((0, 0, 61, 45)), "JPEG", quality=97, subsampling=0),
        "progressive.jpg": saved(rgb, "JPEG", quality=85, progressive=True, icc_profile=SRGB),
        "grey.jpg": saved(grey, "JPEG", quality=60),
        "inks.jpg": saved(rgb.convert("CMYK"), "JPEG", quality=80),
        "restarts.jpg": saved(rgb, "JPEG", quality=85, restart_marker_rows=1),
        "views.mpo": saved(rgb, "MPO", save_all=True, append_images=[rgb.resize((32, 24))]),
        "rgb.png": saved(rgb, "PNG", exif=exif, icc_profile=SRGB),
        "palette.png": saved(rgb.quantize(32), "PNG", transparency=3),
        "tones.png": saved(tones, "PNG"),
        "grey.png": saved(grey, "PNG", transparency=7),
        "deep.png": cv2.imencode(".png", deep)[1].tobytes(),
        "deep_grey.png": cv2.imencode(".png", deep[..., 0])[1].tobytes(),
        "alpha.png": saved(rgba, "PNG"),
        "grey_alpha.png": saved(rgba.convert("LA"), "PNG"),
        "interlaced.png": interlaced(RGB),
        "animated.png": saved(rgb, "PNG", **frames),
        "lossy.webp": saved(rgb, "WEBP", quality=70),
        "lossless.webp": saved(rgba, "WEBP", lossless=True, exif=exif),
        "alpha.webp": saved(rgba, "WEBP", quality=60, exif=exif, icc_profile=SRGB),
        "animated.webp": saved(rgb, "WEBP", **frames),
        "plain.bmp": saved(rgb, "BMP"),
        "odd.bmp": saved(rgb.crop((0, 0, 61, 45)), "BMP"),
        "palette.bmp": saved(rgb.quantize(32), "BMP"),
        "packed.bmp": packed_bmp(RGB[..., 0] // 16),
        "raw.tiff": saved(rgb, "TIFF"),
        "big.tiff": saved(rgb, "TIFF", big_tiff=True),
        "deep.tiff": cv2.imencode(".tiff", deep)[1].tobytes(),
        "inks.tiff": saved(rgb.convert("CMYK"), "TIFF", compression="tiff_adobe_deflate"),
        "pages.tiff": saved(rgb, "TIFF", compression="packbits", **frames),
        "picture.gif": saved(rgb.quantize(64), "GIF"),
        "animated.gif": saved(rgb.quantize(64), "GIF", **frames),
    }
    for name in ("tiff_lzw", "tiff_deflate", "packbits", "jpeg", "lzma"):
        files[f"{name}.tiff"] = saved(rgb, "TIFF", compression=name, exif=exif)
    for name in ("group3", "group4", "tiff_ccitt"):
        files[f"{name}.tiff"] = saved(tones, "TIFF", compression=name)
    if features.check("avif"):
        files["picture.avif"] = saved(rgb, "AVIF", quality=70, exif=exif)
        files["alpha.avif"] = saved(rgba, "AVIF", quality=70)
        files["animated.avif"] = saved(rgb, "AVIF", quality=70, **frames)
    return files


FILES = originals()


def exif_with_one_entry_often(size=60_000, entries=4000):
    """EXIF whose entries all hold the same bytes: read naively, it becomes large."""
    rows = b"".join(struct.pack("<HHII", 1000 + index, 7, size - 50_000, 49_000) for index in range(entries))
    return (b"Exif\0\0II*\0\x08\0\0\0" + struct.pack("<H", entries) + rows).ljust(size, b"\0")


def segment(marker, content):
    """A segment of a JPEG file."""
    return bytes((0xFF, marker)) + struct.pack(">H", len(content) + 2) + content


JPEG_EXTRAS = {
    "EXIF of garbage": segment(0xE1, b"Exif\0\0" + GARBAGE),
    "EXIF that ends early": segment(0xE1, b"Exif\0\0MM\0*\0\0\0\x08\0\x09\x01\x12\0\3\0\0\0\1\0\1\0\0\x01"),
    "EXIF of one value often": segment(0xE1, exif_with_one_entry_often()) * 3,
    "EXIF of 2 MB": segment(0xE1, b"Exif\0\0II*\0\x08\0\0\0\0\0".ljust(65_000, b"\0")) * 30,
    "a profile of garbage": segment(0xE2, b"ICC_PROFILE\0\1\1" + GARBAGE),
    "a profile of which parts are missing": segment(0xE2, b"ICC_PROFILE\0\1\3" + SRGB),
    "a profile of 2 MB": b"".join(
        segment(0xE2, b"ICC_PROFILE\0" + bytes((n, 31)) + bytes(65_000)) for n in range(1, 32)
    ),
    "a Photoshop segment that ends early": segment(0xED, b"Photoshop 3.0\0" + b"8BIM\x03\xed\0\0\0\0\0\x10\0"),
    "a short JFIF segment": segment(0xE0, b"JFIF\0"),
    "a short Adobe segment": segment(0xEE, b"Adobe"),
    "an index of views that is garbage": segment(0xE2, b"MPF\0" + GARBAGE),
    "an index of views without views": segment(0xE2, b"MPF\0MM\0*\0\0\0\x08\0\0\0\0\0\0"),
    "3 MB of comments": segment(0xFE, b"\xff\xd9" * 30_000) * 50,
}
PNG_EXTRAS = {
    "EXIF of garbage": chunk(b"eXIf", GARBAGE),
    "EXIF of 10 MB": chunk(b"eXIf", bytes(10_000_000)),
    "EXIF of one value often": chunk(b"eXIf", exif_with_one_entry_often(1_000_000, 60_000)[6:]),
    "a profile of garbage": chunk(b"iCCP", b"name\0\0" + GARBAGE),
    "a profile of garbage that unpacks": chunk(b"iCCP", b"name\0\0" + zlib.compress(GARBAGE)),
    "a profile that unpacks to 100 MB": chunk(b"iCCP", b"name\0\0" + zlib.compress(bytes(100_000_000), 1)),
    "a text of 3 MB": chunk(b"tEXt", b"prompt\0" + b"a" * 3_000_000),
    "a text that unpacks to 100 MB": chunk(b"zTXt", b"prompt\0\0" + zlib.compress(bytes(100_000_000), 1)),
    "an international text of 100 MB": chunk(b"iTXt", b"k\0\1\0\0\0" + zlib.compress(bytes(100_000_000), 1)),
    "70 MB of texts": chunk(b"tEXt", b"prompt\0" + b"a" * 1_000_000) * 70,
    "a packed text of garbage": chunk(b"zTXt", b"prompt\0\0" + GARBAGE),
    "a text of an unknown method": chunk(b"zTXt", b"prompt\0\7" + GARBAGE),
    "texts named as facts": chunk(b"tEXt", b"transparency\0\1") + chunk(b"tEXt", b"icc_profile\0x"),
    "orientation of garbage": chunk(b"tEXt", b"Raw profile type exif\0\nexif\n9\nno hex"),
    "a checksum that is wrong": chunk(b"gAMA", bytes(4))[:-1] + b"?",
    "a text whose checksum is wrong": chunk(b"tEXt", b"prompt\0a cat")[:-1] + b"?",
    "chunks that end early": chunk(b"pHYs", b"\0") + chunk(b"cHRM", b"") + chunk(b"sRGB", b"") + chunk(b"acTL", b"\0"),
    "animation without frames": chunk(b"acTL", struct.pack(">II", 5, 0)) + chunk(b"fcTL", bytes(26)),
    "colour that cannot be converted": chunk(b"cICP", bytes((9, 16, 0, 1))),
    "private chunks": chunk(b"caBX", GARBAGE) * 200,
}
WEBP_EXTRAS = {
    "EXIF of garbage": (b"EXIF", GARBAGE),
    "EXIF of 10 MB": (b"EXIF", bytes(10_000_000)),
    "EXIF of one value often": (b"EXIF", exif_with_one_entry_often(1_000_000, 60_000)[6:]),
    "XMP of garbage": (b"XMP ", GARBAGE * 1000),
    "an unknown chunk": (b"abcd", GARBAGE),
}


def with_jpeg_segment(data, extra):
    return data[:2] + extra + data[2:]


def with_png_chunk(data, extra):
    """The file with a chunk more, and without those of its kinds that it has."""
    place = data.index(b"IHDR") + 4 + 13 + 4
    whole, offset = data[:place] + extra, place
    while offset < len(data):
        end = offset + 12 + int.from_bytes(data[offset : offset + 4], "big")
        whole += b"" if data[offset + 4 : offset + 8] in {b"eXIf", b"iCCP"} else data[offset:end]
        offset = end
    return whole


def with_webp_chunk(data, kind, content):
    """The file with a chunk more at its end."""
    body = data[8:] + kind + struct.pack("<I", len(content)) + content + bytes(len(content) % 2)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def end_of_png_pixels(data):
    """The end of the last chunk of pixels of a PNG that is not animated."""
    place = data.rindex(b"IDAT")
    return place + 8 + int.from_bytes(data[place - 4 : place], "big")


def intact(name, rng):
    """A mutation of a file that leaves its pixels alone: what it is, and the file."""
    if rng.integers(4) == 0 or name == "packed.bmp":
        return "bytes after its end", FILES[name] + rng.bytes(int(rng.integers(1, 3000)))
    return INTACT_MUTATIONS[name.rpartition(".")[2]](FILES[name], rng)


def _intact_mpo(data, rng):
    how = _one(JPEG_EXTRAS, rng)
    return how, with_jpeg_segment(_without_jpeg_metadata(data), JPEG_EXTRAS[how])


def _intact_jpeg(data, rng):
    if rng.integers(4) == 0:
        return "no end marker", data[: -int(rng.integers(1, 3))]
    return _intact_mpo(data, rng)


def _intact_png(data, rng):
    if rng.integers(6) == 0 and b"acTL" not in data:
        return "no end chunk", data[: int(rng.integers(end_of_png_pixels(data), len(data)))]
    how = _one(PNG_EXTRAS, rng)
    return how, with_png_chunk(data, PNG_EXTRAS[how])


def _intact_webp(data, rng):
    how = _one(WEBP_EXTRAS, rng)
    more = with_webp_chunk(data, *WEBP_EXTRAS[how])
    return (how, more) if rng.integers(2) else (f"{how}, cut", more[: int(rng.integers(len(data) + 1, len(more)))])


def _intact_bmp(data, rng):
    return "a length that is too large", data[:2] + struct.pack("<I", rng.integers(len(data), 2**32)) + data[6:]


def _intact_gif(data, rng):
    return "no trailer", data[:-1] + rng.bytes(int(rng.integers(0, 3))).replace(b",", b"")


def _intact_avif(data, rng):
    del rng
    return "a box more", data + struct.pack(">I4s", 264, b"free") + GARBAGE


def _one(extras, rng):
    return list(extras)[rng.integers(len(extras))]


def _without_jpeg_metadata(data):
    """A JPEG without the EXIF and profile that it was saved with."""
    while data[2:4] != b"\xff\xdb" and any(mark in data[: 2**12] for mark in (b"Exif\0\0", b"ICC_PROFILE")):
        at = max(data.find(b"Exif\0\0", 0, 2**12), data.find(b"ICC_PROFILE", 0, 2**12)) - 4
        data = data[:at] + data[at + 2 + int.from_bytes(data[at + 2 : at + 4], "big") :]
    return data


def _tiff_with_damaged_field(data, rng):
    """A field of text or EXIF, whose values are outside the file, or garbage."""
    order = "<" if data[:2] == b"II" else ">"
    big = data[2:4] in {b"+\0", b"\0+"}
    start = struct.unpack_from(order + ("Q" if big else "I"), data, 8 if big else 4)[0]
    count = struct.unpack_from(order + ("Q" if big else "H"), data, start)[0]
    size, head = (20, 8) if big else (12, 2)
    entries = [data[start + head + size * i : start + head + size * (i + 1)] for i in range(count)]
    tag = int(rng.choice([270, 34665, 34853, 700, 33723]))
    kind = 4 if tag in {34665, 34853} else 2
    beyond = len(data) + int(rng.integers(500, 2**20))
    lost = struct.pack(order + ("HHQQ" if big else "HHII"), tag, kind, 1 if kind == 4 else 1000, beyond)
    numbers = {struct.unpack_from(order + "H", entry)[0]: entry for entry in entries} | {tag: lost}
    body = b"".join(numbers[number] for number in sorted(numbers))
    directory = struct.pack(order + ("Q" if big else "H"), len(numbers)) + body
    directory += struct.pack(order + ("Q" if big else "I"), 0)
    place = len(data) + len(data) % 2
    whole = bytearray(data.ljust(place, b"\0") + directory)
    struct.pack_into(order + ("Q" if big else "I"), whole, 8 if big else 4, place)
    return f"field {tag} outside of it", bytes(whole)


INTACT_MUTATIONS = {
    "avif": _intact_avif,
    "bmp": _intact_bmp,
    "gif": _intact_gif,
    "jpg": _intact_jpeg,
    "mpo": _intact_mpo,
    "png": _intact_png,
    "tiff": _tiff_with_damaged_field,
    "webp": _intact_webp,
}


def flip(data, rng):
    """One to four bits flipped."""
    mutant = bytearray(data)
    for place in rng.integers(0, len(data), rng.integers(1, 5)):
        mutant[place] ^= 1 << int(rng.integers(8))
    return bytes(mutant)


def flip_early(data, rng):
    """Bytes of the first 200 replaced."""
    mutant = bytearray(data)
    for place in rng.integers(0, min(200, len(data)), rng.integers(1, 4)):
        mutant[place] = int(rng.integers(256))
    return bytes(mutant)


def clear(data, rng):
    """A range of zeros."""
    start = int(rng.integers(0, len(data)))
    length = min(int(rng.integers(1, 200)), len(data) - start)
    return data[:start] + bytes(length) + data[start + length :]


def splice(data, rng):
    """The beginning of one file and the end of another."""
    other = list(FILES.values())[rng.integers(len(FILES))]
    return data[: rng.integers(1, len(data))] + other[rng.integers(0, len(other)) :]


def claim_much(data, rng):
    """Every place that holds the true size holds a huge one, or one of nearly as much as is read."""
    huge = int(rng.choice([60_000, 65_535, 8191, 2**14 - 1, 2**12]))
    for code, side in (("H", 48), ("H", 64), ("I", 48), ("I", 64)):
        for order in "<>":
            data = data.replace(struct.pack(order + code, side), struct.pack(order + code, huge))
    return data


def text(data, rng):
    """No image at all, or its first bytes before text."""
    return data[: rng.integers(0, 16)] + b"<html>not found</html>\n" * int(rng.integers(0, 9))


def repeat_part(data, rng):
    """A part of the file twice."""
    start, end = sorted(int(place) for place in rng.integers(0, len(data), 2))
    return data[:end] + data[start:]


def twelve_bits(data, rng):
    """Samples of another depth than those stored."""
    del rng
    return data.replace(b"\xff\xc0\0\x11\x08", b"\xff\xc0\0\x11\x0c").replace(struct.pack("<HHII", 258, 3, 1, 8), b"")


DAMAGES = (flip, flip, flip_early, clear, splice, claim_much, text, repeat_part, twelve_bits)


def cut(data, rng):
    """A file that was not fetched whole: anywhere, near its end, or where a marker, chunk or box may begin."""
    how = rng.integers(3)
    if how == 0:
        return data[: int(rng.integers(0, len(data)))]
    if how == 1:
        return data[: len(data) - int(rng.integers(1, min(40, len(data))))]
    marks = (b"\xff\xda", b"\xff\xc4", b"IDAT", b"IEND", b"VP8", b"ANMF", b"mdat", b"\x2c\0\0", b"\xff\xd9")
    places = [place - int(rng.integers(0, 5)) for mark in marks if (place := data.rfind(mark, 4)) > 0] or [8]
    return data[: int(rng.choice(places))]


def mutants(count, seed):
    """So many mutants, of every file in turn."""
    rng = np.random.default_rng(seed)
    names = list(FILES)
    for index in range(count):
        name = names[index % len(names)]
        state = (INTACT, CUT, DAMAGED)[rng.integers(3)]
        if state == INTACT:
            how, data = intact(name, rng)
        else:
            damage = cut if state == CUT else DAMAGES[rng.integers(len(DAMAGES))]
            how, data = damage.__name__, damage(FILES[name], rng)
        yield Mutant(name, how, state, data)


def near_bombs():
    """Small files of nearly as many pixels as are read: whole ones, and some that are cut off or say untrue things."""
    side = 8191
    makers = {
        "flat.jpg": ("L", "JPEG", {}),
        "progressive.jpg": ("RGB", "JPEG", {"progressive": True}),
        "inks.jpg": ("CMYK", "JPEG", {"icc_profile": SRGB}),
        "flat.png": ("L", "PNG", {"compress_level": 1}),
        "wide.png": ("RGB", "PNG", {"compress_level": 1, "icc_profile": WIDE, "exif": exif_block(5)}),
        "deep.png": ("I;16", "PNG", {"compress_level": 1}),
        "alpha.png": ("RGBA", "PNG", {"compress_level": 1}),
        "flat.gif": ("L", "GIF", {}),
        "packed.tiff": ("RGB", "TIFF", {"compression": "tiff_deflate"}),
        "tones.tiff": ("1", "TIFF", {"compression": "group4"}),
        "lossless.webp": ("RGB", "WEBP", {"lossless": True, "quality": 0, "method": 0}),
        "lossy.webp": ("RGB", "WEBP", {"quality": 1, "method": 0}),
    }
    if features.check("avif"):
        makers["flat.avif"] = ("RGB", "AVIF", {"speed": 10, "quality": 20})
    files = {name: saved(Image.new(mode, (side, side), 1), kind, **more) for name, (mode, kind, more) in makers.items()}
    rng = np.random.default_rng(8191)
    for name, data in files.items():
        yield Mutant(f"huge {name}", "whole", INTACT, data)
        yield Mutant(f"huge {name}", "cut", CUT, data[: -int(rng.integers(2, len(data) // 2))])
        yield Mutant(f"huge {name}", "flip", DAMAGED, flip(data, rng))
        yield Mutant(f"huge {name}", "flip_early", DAMAGED, flip_early(data, rng))
    yield Mutant("huge progressive.jpg", "no end marker", DAMAGED, files["progressive.jpg"][:-1])
    yield Mutant("huge progressive.jpg", "a thousand scans", DAMAGED, _scans(files["progressive.jpg"], 1000))
    yield Mutant("huge progressive.jpg", "twenty scans more", DAMAGED, _scans(files["progressive.jpg"], 20))


def _scans(data, count):
    """A progressive JPEG with its last scan many times."""
    last = data[data.rindex(b"\xff\xda") : -2]
    return data[:-2] + last * count + data[-2:]
