"""What is stated of one image, by folders or by tables."""

from __future__ import annotations

from typing import NamedTuple


class StatedFacts(NamedTuple):
    """What is stated of one image; None and "" where it is not.

    Attributes:
        label: 0 real, 1 generated, `column_roles.SKIPPED` for one that a user leaves out.
        generator: Its generator, as a table names it, or by the place of a folder.
        split: "train", "val" or "test".
        content: Its content class.
        group: What images share that are not independent of each other.
        unit: What images of the same name in other folders share with it, as copies of one image.
        copy: Which of these copies it is; "" for the original.
    """

    label: int | None = None
    generator: str = ""
    split: str = ""
    content: str = ""
    group: str = ""
    unit: str = ""
    copy: str = ""
