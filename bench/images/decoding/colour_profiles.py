"""Embedded colour profiles: the conversion of other colour spaces to sRGB."""

from __future__ import annotations

import io

from PIL import Image as Pillow
from PIL import ImageCms

_MAX_NAME_LENGTH = 40  # characters
_SPACE_OF_MODE = {"L": "GRAY", "RGB": "RGB", "CMYK": "CMYK", "LAB": "Lab", "YCbCr": "YCbr"}


class ColourProfile:
    """The profile that a file embeds.

    Args:
        data: The bytes of the profile.

    Attributes:
        name: Its description, printable, at most 40 characters; "unnamed" where it has none.
        is_srgb: Whether it calls itself sRGB: pixels are then left unchanged.

    Raises:
        ValueError: It is damaged.
    """

    def __init__(self, data: bytes | None) -> None:
        try:
            self._profile = ImageCms.ImageCmsProfile(io.BytesIO(data or b""))
            description = self._profile.profile.profile_description or ""
            self._space = self._profile.profile.xcolor_space.strip()
        except (OSError, ValueError, TypeError, AttributeError) as error:
            msg = "its colour profile is damaged"
            raise ValueError(msg) from error
        name = "".join(letter if letter.isprintable() else " " for letter in description).strip()
        self.name = name[:_MAX_NAME_LENGTH] or "unnamed"
        self.is_srgb = "sRGB" in description or name == "c2"  # "c2" is the small sRGB profile that Facebook embeds

    def to_srgb(self, image: Pillow.Image) -> Pillow.Image:
        """The same image in sRGB, mode "RGB".

        Args:
            image: Mode "L", "RGB", "CMYK", "LAB" or "YCbCr".

        Raises:
            ValueError: The profile is of another colour space than the image, or cannot be applied.
        """
        expected = _SPACE_OF_MODE[image.mode]
        if self.is_srgb and expected in {"GRAY", "RGB"}:
            return image.convert("RGB")
        if self._space != expected:
            msg = f"its colour profile {self.name!r} is for {self._space} and its pixels are {expected}"
            raise ValueError(msg)
        try:  # a fresh transform for every image: littlecms does not allow threads to share one
            perceptual = ImageCms.Intent.PERCEPTUAL
            transform = ImageCms.ImageCmsTransform(
                self._profile, ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")), image.mode, "RGB", perceptual
            )
            return transform.apply(image)
        except (ImageCms.PyCMSError, OSError, ValueError) as error:
            msg = f"its colour profile {self.name!r} cannot be applied"
            raise ValueError(msg) from error
