"""Colour profiles: the conversion of other colour spaces to sRGB."""

from __future__ import annotations

import io

from PIL import Image as Pillow
from PIL import ImageCms

from bench.images.decoding.colour_codes import note_on, profile_of
from bench.images.decoding.structure import DAMAGED_PROFILE, ColourCodes

_MAX_NAME_LENGTH = 40  # characters
_SPACE_OF_MODE = {"L": "GRAY", "RGB": "RGB", "CMYK": "CMYK", "LAB": "Lab", "YCbCr": "YCbr"}
_WORDS = {"GRAY": "grey"}  # where they differ from ICC's names


class ColourProfile:
    """The profile of an image.

    Args:
        data: The bytes of the profile.
        mode: The mode of the pixels that it is for: "L", "RGB", "CMYK", "LAB" or "YCbCr".

    Attributes:
        name: Its description, printable, at most 40 characters; "unnamed" where it has none.
        mode: As given.

    Raises:
        ValueError: It is damaged, of another colour space than the pixels, or cannot be applied.
    """

    def __init__(self, data: bytes | None, mode: str) -> None:
        try:
            profile = ImageCms.ImageCmsProfile(io.BytesIO(data or b""))
            description = profile.profile.profile_description or ""
            space = profile.profile.xcolor_space.strip()
        except (OSError, ValueError, TypeError, AttributeError) as error:
            raise ValueError(DAMAGED_PROFILE) from error
        name = "".join(letter if letter.isprintable() else " " for letter in description).strip()
        self.name = name[:_MAX_NAME_LENGTH] or "unnamed"
        self.mode = mode
        expected = _SPACE_OF_MODE[mode]
        # "c2" is the small sRGB profile that Facebook embeds
        is_srgb = ("sRGB" in description or name == "c2") and expected in {"GRAY", "RGB"}
        self._transform = None if is_srgb else _transform(profile, mode, space)

    def to_srgb(self, image: Pillow.Image) -> Pillow.Image:
        """The same image, of the profile's mode, in sRGB: mode "RGB". One that calls itself sRGB changes no pixel."""
        return image.convert("RGB") if self._transform is None else self._transform.apply(image)


def _transform(profile: ImageCms.ImageCmsProfile, mode: str, space: str) -> ImageCms.ImageCmsTransform:
    """The conversion to sRGB, for one image: littlecms does not allow threads to share one. Raises `ValueError`."""
    expected = _SPACE_OF_MODE[mode]
    if space != expected:
        stated, found = _WORDS.get(space, space), _WORDS.get(expected, expected)
        msg = f"its colour profile is for {stated} and its pixels are {found}: ignored"
        raise ValueError(msg)
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
    try:
        return ImageCms.ImageCmsTransform(profile, srgb, mode, "RGB", ImageCms.Intent.PERCEPTUAL)
    except (ImageCms.PyCMSError, OSError, ValueError) as error:
        msg = "its colour profile cannot be applied and is ignored"
        raise ValueError(msg) from error


def find_profile(image: Pillow.Image, codes: ColourCodes | None, mode: str) -> tuple[ColourProfile | None, str]:
    """The profile that an image embeds, or that of its code points; and what is to say of it.

    Args:
        image: A loaded image.
        codes: Its code points, None for none.
        mode: The mode that its pixels are converted from: "L", "RGB", "CMYK", "LAB" or "YCbCr".

    Returns:
        The profile, None for pixels that are taken as sRGB; and a note, "" where there is nothing to say.
    """
    embedded, note = None, ""
    if "icc_profile" in image.info and not (codes and codes.before_profile and not note_on(codes)):
        try:
            embedded = ColourProfile(image.info["icc_profile"], mode)
        except ValueError as error:
            note = str(error)
    if embedded or not codes:
        return embedded, note
    stated = profile_of(codes)
    return (ColourProfile(stated, "RGB") if stated else None), note or note_on(codes)
