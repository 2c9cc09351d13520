"""What a file is, by its first bytes, whatever its name says."""

from __future__ import annotations

import re

from bench.images.decoding.formats.boxes import coder_of
from bench.images.decoding.formats.optional import NAMES, load_reader

READ = ("AVIF", "BMP", "GIF", "JPEG", "PNG", "TIFF", "WEBP")  # by Pillow's names
_BOXES = "boxes"
_HEAD_BYTES = 4096  # that are looked at
_TEXT = rb"(?:\xef\xbb\xbf)?\s*"  # the beginning of a text file
_SIGNATURES = tuple(
    (re.compile(start, re.DOTALL | re.IGNORECASE if start.startswith(_TEXT) else re.DOTALL), kind)
    for start, kind in (
        (rb"\xff\xd8\xff", "JPEG"),
        (rb"\x89PNG\r\n\x1a\n", "PNG"),
        (rb"RIFF....WEBP", "WEBP"),
        (rb"GIF8[79]a", "GIF"),
        (rb"BM", "BMP"),
        (rb"II\*\x00....CR", "a camera raw file (CR2)"),
        (rb"II[*+]\x00|MM\x00[*+]", "TIFF"),
        (rb"....ftyp", _BOXES),
        (rb"\xff\x0a|\x00\x00\x00\x0cJXL \r\n\x87\n", "JXL"),
        (rb"\xff\x4f\xff\x51|\x00\x00\x00\x0cjP  \r\n\x87\n", "JPEG 2000"),
        (rb"FUJIFILMCCD-RAW|II(RO|RS|U\x00)|MMOR|FOVb|\x00MRM", "a camera raw file"),
        (_TEXT + rb"(<\?xml[^>]*>\s*)?(<!--.*?-->\s*)?(<!doctype svg[^>]*>\s*)?<svg\b", "SVG, a drawing"),
        (_TEXT + rb"<(!doctype html|html|head)\b", "a web page, as servers give in place of an image"),
        (_TEXT + rb"version https://git-lfs", "a pointer to a file in Git LFS (git lfs pull fetches it)"),
        (rb"%PDF-", "PDF"),
        (rb"%!PS|\xc5\xd0\xd3\xc6", "PostScript"),
        (rb"8BPS\x00[\x01\x02]", "a Photoshop file"),
        (rb"gimp xcf", "a GIMP file"),
        (rb"P[1-7]\s", "a Netpbm image (PPM)"),
        (rb"\x00\x00\x01\x00.\x00", "an icon (ICO)"),
        (rb"v/1\x01", "OpenEXR"),
        (rb"#\?RADIANCE", "Radiance HDR"),
        (rb"DDS ", "DDS"),
        (rb"\x93NUMPY", "a NumPy array"),
    )
)


def format_of(data: bytes) -> str:
    """The format of a file, as Pillow calls it; "JPEG" for MPO too.

    Raises:
        ValueError: It is empty, or of a format that is not read; the message names the format where it is known.
    """
    if not data:
        msg = "the file is empty"
        raise ValueError(msg)
    head = data[:_HEAD_BYTES]
    kind = next((kind for start, kind in _SIGNATURES if start.match(head)), "")
    if kind == _BOXES:
        kind = coder_of(data)
    if kind in NAMES:
        load_reader(kind)
    elif kind not in READ:
        what = f"it is {kind}, which is not read" if kind else "it is not in a format that is read"
        msg = f"{what}: {', '.join(READ)}" if not kind else f"{what} ({', '.join(READ)} are)"
        raise ValueError(msg)
    return kind
