"""What a detector says of itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Literal, get_args

Setting = Literal["paper", "small"]  # published sizes and budgets, or those of the embedded corpus
SETTINGS: tuple[Setting, ...] = get_args(Setting)
MAY_BE_EMPTY = ("year", "shortcut", "notes", "sizes")


@dataclass(frozen=True, slots=True)
class Size:
    """What one image costs a network.

    Attributes:
        parameters: Weights that a score depends on, frozen ones included.
        gflops: Billions of multiply-adds for one image of the card's input size, as papers count GFLOPs.
    """

    parameters: int
    gflops: float


@dataclass(frozen=True, slots=True)
class Card:
    """What a claim about a detector rests on. `version` rises when scores would change.

    Attributes:
        year: When the method was published; None where its source bears no date.
        shortcut: What a baseline reads in place of traces of generation, such as "the format and size of the files";
            empty for a detector.
        notes: What to expect of it where that is not obvious, such as chance on a handful of images; may be empty.
        sizes: By setting, what its network costs; empty where there is no network.
    """

    name: str
    family: str
    year: int | None
    version: int
    title: str
    paper: str
    upstream: str
    licence: str
    trained_on: str
    input_size: str
    input_policy: str
    shortcut: str = ""
    notes: str = ""
    sizes: Mapping[Setting, Size] = field(default_factory=dict)

    def missing(self) -> list[str]:
        """Names of the fields that are empty and may not be."""
        return [one.name for one in fields(self) if one.name not in MAY_BE_EMPTY and not getattr(self, one.name)]
