"""Columns of a data set that have no role: attributes of its images, read when they are asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from bench.images.annotations.records import Records

# from the names of images to the text of each that has one, and perhaps of others; where rows differ, the first counts
AttributeReader = Callable[[Sequence[str]], Mapping[str, str]]


def attribute_of_rows(records: Records, column: str, images: Sequence[str | None]) -> dict[str, str]:
    """The values of a column as texts, by image; without rows that have no value or mean no image.

    Args:
        records: The table.
        column: One of its columns; class names stand in place of their numbers.
        images: The image that each row means.
    """
    classes = dict(enumerate(records.class_names(column) or ()))
    found: dict[str, str] = {}
    for image, value in zip(images, records.values(column), strict=True):
        # what is no number may be a list, which cannot be looked up
        text = "" if value is None else str(classes.get(value, value) if isinstance(value, int) else value)
        if image is not None and text:
            found.setdefault(image, text)
    return found
