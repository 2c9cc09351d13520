"""Tables of public data sets whose cards state what the numbers in their columns mean."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import NamedTuple


class KnownTable(NamedTuple):
    """A table that is recognised by all of its columns.

    Attributes:
        name: Of the data set.
        columns: All that it has; others may stand beside them.
        label: The column of its labels.
        classes: What its numbers mean: 0 real, 1 generated.
        source: Where that is stated.
    """

    name: str
    columns: frozenset[str]
    label: str
    classes: Mapping[str, int]
    source: str


COMMUNITY_FORENSICS = frozenset({
    "image_name", "format", "image_data", "model_name", "real_source", "subset", "split", "label", "architecture",
})  # fmt: skip
KNOWN_TABLES = (
    KnownTable(
        "Community-Forensics",
        COMMUNITY_FORENSICS,
        "label",
        {"0": 0, "1": 1},
        "card of OwensLab/CommunityForensics on Hugging Face",
    ),
)


def known_table(columns: Collection[str]) -> KnownTable | None:
    """The public data set that has all these columns; None for no known one."""
    return next((known for known in KNOWN_TABLES if known.columns <= set(columns)), None)
