"""Embedded colour profiles: what is stored in another colour space becomes sRGB."""

from __future__ import annotations

import io

from PIL import Image as Pillow
from PIL import ImageCms

_LONGEST = 40  # characters of a profile's name
_SPACES = {"L": "GRAY", "RGB": "RGB", "CMYK": "CMYK", "LAB": "Lab", "YCbCr": "YCbr"}


class Profile:
    """The profile that a file embeds.

    Attributes:
        name: Its description, printable, at most 40 characters; "unnamed" where it has none.
        is_srgb: Whether it calls itself sRGB: pixels are then left as they are, to the last bit.
    """

    def __init__(self, data: bytes | None) -> None:
        try:
            self._profile = ImageCms.ImageCmsProfile(io.BytesIO(data or b""))
            description = self._profile.profile.profile_description or ""
            self._space = self._profile.profile.xcolor_space.strip()
        except (OSError, ValueError, TypeError, AttributeError) as error:
            msg = "its colour profile is damaged"
            raise ValueError(msg) from error
        shown = "".join(one if one.isprintable() else " " for one in description).strip()
        self.name = shown[:_LONGEST] or "unnamed"
        self.is_srgb = "sRGB" in description or shown == "c2"  # "c2" is the small sRGB profile that Facebook embeds

    def to_srgb(self, image: Pillow.Image) -> Pillow.Image:
        """The same picture in sRGB, mode "RGB".

        Args:
            image: Mode "L", "RGB", "CMYK", "LAB" or "YCbCr".

        Raises:
            ValueError: The profile is of another colour space than the image, or cannot be applied.
        """
        expected = _SPACES[image.mode]
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
