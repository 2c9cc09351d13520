"""Where weights come from, as values: a recipe declares them, and they are looked for without importing torch."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from detectors.weight_file import Availability, HashedFile, content_id, hashed_file
from detectors.weights.loading import SHIPPED, cached, hub, shipped, torch_hub_cache


@dataclass(frozen=True, slots=True)
class ShippedFile:
    """Weights that ship with the package."""

    name: str

    @property
    def title(self) -> str:
        """The project's own name of them."""
        return self.name

    @property
    def advice(self) -> str:
        """They come with the package."""
        return "install the package again, with its data files"

    @property
    def identity(self) -> str:
        """The start of the file's hash."""
        return content_id(self._path)

    @property
    def _path(self) -> Path:
        return SHIPPED / f"{self.name}.safetensors"

    def availability(self) -> Availability:
        """Shipped, unless the package was installed without them."""
        return "shipped" if self._path.is_file() else "missing"

    def get(self) -> HashedFile:
        """The file, checked against its card."""
        return shipped(self.name)


@dataclass(frozen=True, slots=True)
class LocalFile:
    """A file of the user's."""

    path: Path

    @property
    def title(self) -> str:
        """Its name."""
        return self.path.name

    @property
    def advice(self) -> str:
        """It must be there."""
        return f"give the path of an existing file, not {self.path}"

    @property
    def identity(self) -> str:
        """The start of its hash, or "absent"."""
        return content_id(self.path)

    def availability(self) -> Availability:
        """Found where there is such a file."""
        return "found" if self.path.is_file() else "missing"

    def get(self) -> HashedFile:
        """The file."""
        return hashed_file(self.path)


@dataclass(frozen=True, slots=True)
class HubFile:
    """A file of the Hugging Face hub, which torch's own download folder may hold under other names.

    Attributes:
        repository: "owner/name".
        names: File names, the preferred one first.
        in_torch: Names in torch's folder, the preferred one first.
    """

    repository: str
    names: tuple[str, ...] = ("model.safetensors",)
    in_torch: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """The repository."""
        return self.repository

    @property
    def advice(self) -> str:
        """It is downloaded at first use."""
        return f"connect to the Hugging Face hub once: {self.repository} is downloaded at first use"

    @property
    def identity(self) -> str:
        """The repository."""
        return self.repository

    def availability(self) -> Availability:
        """Found where one of the two download folders has it."""
        there = torch_hub_cache(*self.in_torch) or cached(self.repository, *self.names)
        return "found" if there else "missing"

    def get(self) -> HashedFile:
        """The file from either folder, else downloaded."""
        return torch_hub_cache(*self.in_torch) or hub(self.repository, *self.names)
