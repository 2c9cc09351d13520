"""Whether the last scan of a JPEG file is complete, whether an end marker follows it or not.

No decoder says so: libjpeg fills what is missing. But what it fills in depends on what follows. So the file is decoded
with several fillers behind it. Where its scan is complete, none of them is read and all pixels agree; where it is cut
off, the fillers are read in place of what is missing. And where the last bytes are exchanged pixels must change, or the
scan ended earlier and what follows it (zeros of a download that broke off, say) was taken for pixels.
"""

from __future__ import annotations

import io
from collections.abc import Sequence

from PIL import Image as Pillow
from PIL import ImageChops

from bench.images.decoding.formats.jpeg import end_of_scan
from bench.images.decoding.structure import ENDS_EARLY, Structure, truncation_error

_END, _RESTART_INTERVAL = b"\xff\xd9", b"\xff\xdd\0\4"
_FILLERS = (bytes(range(81, 176, 2)), b"\xaa" * 48, b"\x55" * 48, b"\xff\x00" * 24, bytes(48))
_LARGE = 2**24  # pixels from which on one filler has to do: each costs a decode
_LAST_BYTES = 3  # of a scan: at least one whole byte of it, whatever its padding and its stuffing


def with_end_marker(structure: Structure) -> Structure:
    """A JPEG that ends in its last scan, with the end marker that it lacks. Raises `ValueError` where it is cut off."""
    data = structure.data.rstrip(b"\xff")  # half an end marker
    width, height = structure.size
    fillers = _fillers(data, 1 if width * height > _LARGE else len(_FILLERS))
    whole = _decoded(data + _END)
    is_filled = data.endswith(bytes(_LAST_BYTES))  # as downloads are that broke off
    if is_filled or not _all_are_equal(whole, data, fillers) or _all_are_equal(whole, data[:-_LAST_BYTES], fillers):
        raise truncation_error("JPEG")
    return structure._replace(data=data + _END, notes=(*structure.notes, ENDS_EARLY))


def require_whole_scan(data: bytes, image: Pillow.Image) -> None:
    """Raise `ValueError` for a JPEG whose last scan breaks off before its end marker, as a tool that mends files adds.

    Decoding again takes as long as decoding did, so only that is examined which may be such a file: a progressive one,
    one that ends in one colour, as decoders fill in, or one whose scan ends in zeros. What is cut off within its very
    last block is not seen.

    Args:
        data: The file.
        image: What it decodes to.
    """
    may_be_filled = data.endswith(bytes(_LAST_BYTES) + _END)
    if not (may_be_filled or "progressive" in image.info or _ends_in_one_colour(image)):
        return
    scan = data[: end_of_scan(data)]
    fillers = _fillers(scan, 1)
    read_whole = _all_are_equal(image, scan, fillers)
    if not read_whole or (may_be_filled and _all_are_equal(image, scan[:-_LAST_BYTES], fillers)):
        raise truncation_error("JPEG")


def _ends_in_one_colour(image: Pillow.Image) -> bool:
    """Whether the last pixels, those of the last block in the last row, are of one colour."""
    width, height = image.size
    return image.crop(((width - 1) // 8 * 8, height - 1, width, height)).getcolors(1) is not None


def _fillers(data: bytes, count: int) -> tuple[bytes, ...]:
    """So many fillers behind a scan, and one behind the restart marker that may be due."""
    several = _FILLERS[:count]
    return (*several, _next_restart(data) + several[0]) if _RESTART_INTERVAL in data else several


def _all_are_equal(image: Pillow.Image, beginning: bytes, fillers: Sequence[bytes]) -> bool:
    """Whether a file that goes on with any of the fillers decodes to the pixels of an image."""
    return all(_are_equal(image, beginning + filler + _END) for filler in fillers)


def _next_restart(data: bytes) -> bytes:
    """The restart marker that is due where the last scan goes on after one of its intervals."""
    scan = data.rindex(b"\xff\xda")
    last = max(range(8), key=lambda number: data.rfind(bytes((0xFF, 0xD0 + number)), scan))
    has_any = data.rfind(bytes((0xFF, 0xD0 + last)), scan) >= 0
    return bytes((0xFF, 0xD0 + (last + 1) % 8 * has_any))


def _decoded(data: bytes) -> Pillow.Image:
    with Pillow.open(io.BytesIO(data), formats=["JPEG"]) as image:
        image.load()
        return image


def _are_equal(image: Pillow.Image, data: bytes) -> bool:
    """Whether a file decodes to the pixels of an image."""
    try:
        return ImageChops.difference(image, _decoded(data)).getbbox() is None
    except OSError:  # exchanged bytes may look like a marker
        return False
