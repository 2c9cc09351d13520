"""A selection of images as a recipe sees it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

from bench.plan import Selection
from detectors.api import Embedder, Embeddings, Labels, Sample


@dataclass(frozen=True)
class SelectedTrainSet:
    """A selection as a train set; embeddings come from wherever `embed` takes them."""

    selection: Selection
    embed: Callable[[Embedder], Embeddings]

    @property
    def labels(self) -> Labels:
        """int64 (N,), 0 real, 1 generated."""
        return self.selection.images.labels

    @cached_property
    def names(self) -> Sequence[str]:
        """Stable image names."""
        return self.selection.images.names

    @cached_property
    def generators(self) -> Sequence[str]:
        """The generator of each generated image, "" for real ones."""
        table = self.selection.images.table
        generators: list[str] = table["generator"].where(table["label"] == 1, "").tolist()
        return generators

    @cached_property
    def sources(self) -> Sequence[str]:
        """What each image was made from; a real image and its generated twins share it."""
        return self._column("source")

    @cached_property
    def contents(self) -> Sequence[str]:
        """What each image shows, as its data set says; "" where it says nothing."""
        return self._column("content")

    def _column(self, name: str) -> list[str]:
        values: list[str] = self.selection.images.table[name].tolist()
        return values

    def __len__(self) -> int:
        return len(self.selection.images)

    def __getitem__(self, index: int) -> Sample:
        return self.selection.images[index]
