"""What is stated of one image, by folders or by tables, and the refusal of what contradicts itself."""

from __future__ import annotations

from typing import NamedTuple

from bench.images.vocabulary.generator_names import is_exact_generator, same_generator
from bench.platform.errors import InputError

SKIPPED = -1  # the label of an image that a user leaves out
_CLASSES = {SKIPPED: "left out", 0: "real", 1: "generated"}  # by label


class StatedFacts(NamedTuple):
    """What is stated of one image; None and "" where it is not.

    Attributes:
        label: 0 real, 1 generated, `SKIPPED` for one that a user leaves out.
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


def certain(generator: str) -> str:
    """The name where it is that of a known generator and nothing else; "" for another, which may be a folder's own."""
    return generator if is_exact_generator(generator) else ""


def require_agreement(
    image: str, first: StatedFacts, second: StatedFacts, said_by: tuple[str, str], remedy: str = ""
) -> None:
    """Refuse an image of which two places state different things.

    Args:
        image: What messages call it.
        first: What one place states, without what need not agree.
        second: What the other states.
        said_by: What messages call the two places.
        remedy: What else to do than to mend one of them.

    Raises:
        InputError: Both state a fact, and they differ; names of one generator may be written in several ways.
    """
    for what, one, other in zip(StatedFacts._fields, first, second, strict=True):
        if one in {None, "", other} or other in {None, ""}:
            continue
        if what == "generator" and same_generator(str(one), str(other)):
            continue
        values = [_CLASSES[value] if isinstance(value, int) else value for value in (one, other)]
        called = "class" if what == "label" else what
        msg = f"{image} has the {called} {values[0]} by {said_by[0]} and {values[1]} by {said_by[1]}; mend one of them"
        raise InputError(f"{msg}, or {remedy}" if remedy else msg)
