"""What a detector says of itself: in both settings alike, and in each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, Protocol, TypeVar, get_args

Setting = Literal["paper", "small"]  # published sizes and budgets, or those of the embedded corpus
SETTINGS: tuple[Setting, ...] = get_args(Setting)


@dataclass(frozen=True, slots=True)
class Size:
    """What one image costs a network.

    Attributes:
        parameters: Weights that a score depends on, frozen ones included.
        gflops: Billions of multiply-adds for one image of the variant's input size, as papers count GFLOPs.
    """

    parameters: int
    gflops: float


@dataclass(frozen=True, slots=True)
class Card:
    """What a claim about a detector rests on, whatever the setting. `version` rises when scores would change.

    Attributes:
        year: When the method was published; None where its source bears no date.
        shortcut: What a baseline reads in place of traces of generation, such as "the format and size of the files";
            empty for a detector.
    """

    name: str
    family: str
    year: int | None
    version: int
    title: str
    paper: str
    upstream: str
    licence: str
    shortcut: str = ""

    def missing(self) -> list[str]:
        """Names of the fields that are empty and may not be."""
        return _empty(self, Card, ("year", "shortcut"))


@dataclass(frozen=True, kw_only=True)
class Variant:
    """What a detector is in one setting. A family adds fields of its own for what its recipes read from the table.

    Attributes:
        trained_on: What its weights and its head have seen.
        input_size: Of what it looks at.
        input_policy: How an image is brought to that size.
        size: What its network costs; None where there is no network.
        notes: What to expect of it where that is not obvious, such as chance on a handful of images; may be empty.
    """

    trained_on: str
    input_size: str
    input_policy: str
    size: Size | None = None
    notes: str = ""

    def missing(self) -> list[str]:
        """Names of the fields that are empty and may not be."""
        return _empty(self, Variant, ("size", "notes"))

    def told(self) -> dict[str, Any]:
        """What it says, by field and as plain values, without what a family adds."""
        return asdict(Variant(**{one.name: getattr(self, one.name) for one in fields(Variant)}))


AnyVariant = TypeVar("AnyVariant", bound=Variant)
AnyVariant_co = TypeVar("AnyVariant_co", bound=Variant, covariant=True)


class VariantTable(Protocol[AnyVariant_co]):
    """A recipe as its variants see it: what `Recipe.variant` returns has the type that a family gives its table."""

    @property
    def setting(self) -> Setting:
        """The entry that was chosen."""

    @property
    def variants(self) -> Mapping[Setting, AnyVariant_co]:
        """A variant for each setting."""


def alike(variant: AnyVariant) -> Mapping[Setting, AnyVariant]:
    """The table of a recipe whose settings are alike."""
    return dict.fromkeys(SETTINGS, variant)


def _empty(said: object, kind: type, may: tuple[str, ...]) -> list[str]:
    return [one.name for one in fields(kind) if one.name not in may and not getattr(said, one.name)]
