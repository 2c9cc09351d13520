"""What the checks of all formats share: what they find in a file, and the words in which they say it."""

from __future__ import annotations

from typing import NamedTuple

MAX_PIXELS = 2**26  # 8192 x 8192: what is read unless a user asks for more
LARGEST_MAX_PIXELS = 2**30  # more than any camera takes; four bytes each are memory's limit
HeaderSize = tuple[int, int]  # width, height in pixels

# what is said of files that are read although something of them is not as it should be
ENDS_EARLY = "it is cut off or damaged behind its pixels"
ANIMATED = "it is animated: its first frame is read"
DAMAGED_EXIF = "its EXIF is damaged and ignored"
DAMAGED_TEXT = "a text in it is damaged or too large and ignored"
DAMAGED_PROFILE = "its colour profile is damaged and ignored"


class ColourCodes(NamedTuple):
    """Colour stated by the code points of ITU-T H.273.

    Attributes:
        primaries: ColourPrimaries, as 1 for those of sRGB and 12 for Display P3.
        transfer: TransferCharacteristics, as 13 for that of sRGB.
        before_profile: Whether they come before a colour profile in the same file.
    """

    primaries: int
    transfer: int
    before_profile: bool


class Structure(NamedTuple):
    """What the structure of a file says of it.

    Attributes:
        size: The largest size in pixels that it states, of the image or of what is decoded on the way to it.
        data: The file as a decoder is given it: without what is damaged beside the pixels, and whole.
        notes: What of it is not as it should be, and leaves its pixels alone.
        exif: Its EXIF, where `data` is without it and it tells how the image is turned.
        hides_exif: Whether `data` is without EXIF that does not tell that.
        codes: Its colour, where code points state it.
        in_scan: Whether it is a JPEG that ends in the data of a scan, which may be complete or not.
    """

    size: HeaderSize
    data: bytes
    notes: tuple[str, ...] = ()
    exif: bytes = b""
    hides_exif: bool = False
    codes: ColourCodes | None = None
    in_scan: bool = False


def truncation_error(what: str) -> ValueError:
    """The error of a file whose structure ends early."""
    return ValueError(f"it is cut off: the {what} structure ends early")
