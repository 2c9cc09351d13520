"""The card of a detector, which holds in every setting, and its variants, one for each setting."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, Protocol, TypeVar, get_args

Setting = Literal["paper", "small"]  # published sizes and budgets, or those of the embedded corpus
SETTINGS: tuple[Setting, ...] = get_args(Setting)


@dataclass(frozen=True, slots=True)
class Size:
    """The cost of a network.

    Attributes:
        parameters: Weights that a score depends on, frozen ones included.
        gflops: Billions of multiply-adds for one image of the variant's input size, as papers count GFLOPs.
    """

    parameters: int
    gflops: float


@dataclass(frozen=True, slots=True)
class Card:
    """Identity and sources of a detector, whatever the setting.

    Attributes:
        name: As it is installed.
        family: As the tables group detectors.
        year: When the method was published; None where its source is not dated.
        version: Rises when scores would change; part of every key.
        title: One line for tables.
        paper: Where the method was published.
        upstream: Published code, and what of it was copied.
        licence: Of the code, and of published weights.
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
        """Names of the required fields that are empty."""
        return _empty_fields(self, Card, optional=("year", "shortcut"))


@dataclass(frozen=True, kw_only=True)
class Variant:
    """A detector in one setting. A subclass adds fields for what its recipe classes read from the table.

    Attributes:
        trained_on: The images that its weights and its head were trained on.
        input_size: Of its input.
        input_policy: How an image is brought to that size.
        size: Cost of its network; None where there is no network.
        notes: Results to expect where they are not obvious, such as chance on a handful of images; may be empty.
        front_end: What a network is given, and in which precision that is computed whatever the runtime asks for; empty
            where there is no network.
    """

    trained_on: str
    input_size: str
    input_policy: str
    size: Size | None = None
    notes: str = ""
    front_end: str = ""

    def missing(self) -> list[str]:
        """Names of the required fields that are empty."""
        return _empty_fields(self, Variant, optional=("size", "notes", "front_end"))

    def to_dict(self) -> dict[str, Any]:
        """The fields of this class by name, as plain values; those that a subclass adds are left out."""
        return asdict(Variant(**{field.name: getattr(self, field.name) for field in fields(Variant)}))


AnyVariant = TypeVar("AnyVariant", bound=Variant)
AnyVariant_co = TypeVar("AnyVariant_co", bound=Variant, covariant=True)


class VariantTable(Protocol[AnyVariant_co]):
    """The part of a recipe that `Recipe.variant` reads: the variant has the type that a subclass gives its table."""

    @property
    def setting(self) -> Setting:
        """The entry that was chosen."""

    @property
    def variants(self) -> Mapping[Setting, AnyVariant_co]:
        """A variant for each setting."""


def for_all_settings(variant: AnyVariant) -> Mapping[Setting, AnyVariant]:
    """A table with the same variant for every setting."""
    return dict.fromkeys(SETTINGS, variant)


def _empty_fields(record: object, kind: type, optional: tuple[str, ...]) -> list[str]:
    return [field.name for field in fields(kind) if field.name not in optional and not getattr(record, field.name)]
