"""Files and components are part of a recipe's key by themselves."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import ClassVar

from lineup_checkerboard import Checkerboard

from detectors.api import Card
from tests.support.miniature import NearestMeanRecipe, Smoothed


@dataclass(frozen=True)
class Filed(Checkerboard):
    """An option that is a file."""

    card: ClassVar[Card] = replace(Checkerboard.card, name="filed")
    template: str | None = field(default=None, metadata={"file": True})


@dataclass(frozen=True)
class Composed(Checkerboard):
    card: ClassVar[Card] = replace(Checkerboard.card, name="composed")
    sigma: float = field(default=1.0, compare=False)

    def components(self):
        return (Smoothed(self.setting, sigma=self.sigma),)


def test_a_file_stands_in_a_key_by_its_content(tmp_path: Path):
    first, second = tmp_path / "a.pt", tmp_path / "b.pt"
    first.write_bytes(b"one")
    second.write_bytes(b"one")
    assert Filed(template=str(first)).key == Filed(template=str(second)).key != Filed().key
    second.write_bytes(b"other")
    assert Filed(template=str(first)).key != Filed(template=str(second)).key


def test_components_are_part_of_a_key_and_what_is_not_compared_is_not():
    assert Composed(sigma=5.0).key != Composed().key
    assert "[smoothed.1.paper.sigma=5.0]" in Composed(sigma=5.0).key
    assert NearestMeanRecipe().key == NearestMeanRecipe().key
