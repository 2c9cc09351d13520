"""Whether the last scan of a JPEG file without an end marker is complete.

No decoder says so: libjpeg fills what is missing. But what it fills in depends on what follows. So the file is decoded
with several fillers behind it. Where its scan is complete, none of them is read and all pixels agree; where it is cut
off, the fillers are read in place of what is missing. And where the last bytes are exchanged pixels must change, or the
scan ended earlier and what follows it (zeros of a download that broke off, say) was taken for pixels.
"""

from __future__ import annotations

import io

from PIL import Image as Pillow
from PIL import ImageChops

from bench.images.decoding.structure import ENDS_EARLY, Structure, truncation_error

_END, _RESTART_INTERVAL = b"\xff\xd9", b"\xff\xdd\0\4"
_FILLERS = (bytes(range(81, 176, 2)), b"\xaa" * 48, b"\x55" * 48, b"\xff\x00" * 24, bytes(48))
_LARGE = 2**24  # pixels from which on one filler has to do: each costs a decode
_LAST_BYTES = 3  # of a scan: at least one whole byte of it, whatever its padding and its stuffing


def with_end_marker(structure: Structure) -> Structure:
    """A JPEG that ends in its last scan, with the end marker that it lacks. Raises `ValueError` where it is cut off."""
    data = structure.data.rstrip(b"\xff")  # half an end marker
    width, height = structure.size
    fillers = _FILLERS[:1] if width * height > _LARGE else _FILLERS
    if _RESTART_INTERVAL in data:
        fillers = (*fillers, _next_restart(data) + fillers[0])
    whole = _decoded(data + _END)

    def changes_nothing(beginning: bytes) -> bool:
        return all(_are_equal(whole, beginning + filler + _END) for filler in fillers)

    is_filled = data.endswith(bytes(_LAST_BYTES))  # as downloads are that broke off
    if is_filled or not changes_nothing(data) or changes_nothing(data[:-_LAST_BYTES]):
        raise truncation_error("JPEG")
    return structure._replace(data=data + _END, notes=(*structure.notes, ENDS_EARLY))


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
