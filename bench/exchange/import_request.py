"""What `lineup import` was asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from bench.exchange.score_checks import PositiveClass, ScoreKind
from bench.images.reading import ClassName

OnMissing = Literal["exclude", "real", "fake"]
ON_MISSING: tuple[OnMissing, ...] = ("exclude", "real", "fake")


@dataclass(frozen=True)
class ImportRequest:
    """Scores of another tool, and how they are to be read.

    Attributes:
        table: The file.
        detector: What its one detector is called; "" for what the table says, or else its file;
            see `bench.exchange.score_rows.score_rows`.
        columns: By role, the columns that the user states.
        classes: What values of its labels mean.
        kind: What its numbers are; None where the user does not say.
        positive: The class that a high number is of.
        on_missing: What becomes of images without a score.
        min_coverage: The least share of images, in [0, 1], that must have a score; None for all of them where the
            others would be left out, and for any share where they are counted.
    """

    table: Path
    detector: str = ""
    columns: Mapping[str, Sequence[str]] = field(default_factory=dict)
    classes: Mapping[str, ClassName] = field(default_factory=dict)
    kind: ScoreKind | None = None
    positive: PositiveClass = "generated"
    on_missing: OnMissing = "exclude"
    min_coverage: float | None = None

    @property
    def least(self) -> float:
        """The least share of images that must have a score, in [0, 1]."""
        usual = 1.0 if self.on_missing == "exclude" else 0.0
        return usual if self.min_coverage is None else self.min_coverage
