"""Whether the last scan of a JPEG file without an end marker is complete.

No decoder says so: libjpeg fills what is missing. But what it fills in depends on what follows. So the file is decoded
with several fillers behind it. Where its scan is complete, none of them is read and all pixels agree; where it is cut
off, the fillers are read in place of what is missing. And where the last bytes are exchanged pixels must change, or the
scan ended earlier and what follows it (zeros of a download that broke off, say) was taken for pixels.
"""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow

from bench.images.decoding.structure import ENDS_EARLY, Structure, truncation_error

_END = b"\xff\xd9"
_FILLERS = (b"\x00" * 48, b"\x55" * 48, b"\xaa" * 48, b"\xff\x00" * 24, bytes(range(16, 208, 4)))
_LAST_BYTES = 3  # of a scan: at least one whole byte of it, whatever its padding and its stuffing


def with_end_marker(structure: Structure) -> Structure:
    """A JPEG that ends in its last scan, with the end marker that it lacks. Raises `ValueError` where it is cut off."""
    data = structure.data.rstrip(b"\xff")  # half an end marker
    whole = _pixels(data + _END)
    shorter = data[:-_LAST_BYTES]
    ends_with_scan = all(np.array_equal(_pixels(data + filler + _END), whole) for filler in _FILLERS)
    if not ends_with_scan or all(np.array_equal(_pixels(shorter + filler + _END), whole) for filler in _FILLERS):
        raise truncation_error("JPEG")
    return structure._replace(data=data + _END, notes=(*structure.notes, ENDS_EARLY))


def _pixels(data: bytes) -> NDArray[np.uint8]:
    with Pillow.open(io.BytesIO(data), formats=["JPEG"]) as image:
        return np.asarray(image)
