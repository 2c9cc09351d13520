"""Files of weights as values that recipes declare; they are found without importing torch."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from detectors.api import Unavailable
from detectors.weight_file import Availability, HashedFile, content_id, hashed_file
from detectors.weights.hub import cached_hub_file, hub_file
from detectors.weights.locations import SHIPPED_FOLDER, cached_torch_file, shipped_file


@dataclass(frozen=True, slots=True)
class ShippedFile:
    """Weights that ship with the package."""

    name: str

    @property
    def title(self) -> str:
        """Their name."""
        return self.name

    @property
    def advice(self) -> str:
        """To install the package again: they ship with it."""
        return "install the package again, with its data files"

    @property
    def identity(self) -> str:
        """The start of the hash of the file."""
        return content_id(self._path)

    @property
    def _path(self) -> Path:
        return SHIPPED_FOLDER / f"{self.name}.safetensors"

    def availability(self) -> Availability:
        """Either "shipped", or "missing" where the package was installed without them."""
        return "shipped" if self._path.is_file() else "missing"

    def get(self) -> HashedFile:
        """The file, checked against its card."""
        return shipped_file(self.name)


@dataclass(frozen=True, slots=True)
class LocalFile:
    """A file on this machine, named by the user."""

    path: Path

    @property
    def title(self) -> str:
        """Its file name."""
        return self.path.name

    @property
    def advice(self) -> str:
        """To name an existing file."""
        return f"give the path of an existing file, not {self.path}"

    @property
    def identity(self) -> str:
        """The start of its hash, or "absent"."""
        return content_id(self.path)

    def availability(self) -> Availability:
        """Either "found" or "missing"."""
        return "found" if self.path.is_file() else "missing"

    def get(self) -> HashedFile:
        """The file, with its hash. Raises `Unavailable` where there is none."""
        return hashed_file(self.path)


@dataclass(frozen=True, slots=True)
class HubFile:
    """A file of the Hugging Face hub, which torch's own download folder may hold under other names.

    Attributes:
        repository: "owner/name".
        names: File names, the preferred one first.
        torch_names: Names in torch's folder, the preferred one first.
    """

    repository: str
    names: tuple[str, ...] = ("model.safetensors",)
    torch_names: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """The repository."""
        return self.repository

    @property
    def advice(self) -> str:
        """To connect to the hub: the file is downloaded at first use."""
        return f"connect to the Hugging Face hub once: {self.repository} is downloaded at first use"

    @property
    def identity(self) -> str:
        """The repository."""
        return self.repository

    def availability(self) -> Availability:
        """Either "found" where one of the two download folders has it, else "missing".

        The hub's client vouches for what is in its cache: files of gigabytes are not read to say that they are there.
        """
        kept = cached_torch_file(*self.torch_names) or cached_hub_file(self.repository, *self.names)
        return "found" if kept else "missing"

    def get(self) -> HashedFile:
        """The file from either folder, else downloaded. Raises `Unavailable` where neither works."""
        return cached_torch_file(*self.torch_names) or hub_file(self.repository, *self.names)


@dataclass(frozen=True, slots=True)
class UnknownFile:
    """Weights that a library does not know, such as those of a mistyped name.

    Attributes:
        title: Their name as it was given.
        advice: One line: what is not known, and what is.
    """

    title: str
    advice: str

    @property
    def identity(self) -> str:
        """Empty: an option with the name is in the key already."""
        return ""

    def availability(self) -> Availability:
        """Always "missing"."""
        return "missing"

    def get(self) -> HashedFile:
        """Raises `Unavailable`."""
        raise Unavailable(self.advice)
