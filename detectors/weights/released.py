"""The registry of released checkpoints: what is known of files of weights that other people published.

It is data (`released.toml`), read at first use. What is not known stands nowhere: a file without a known digest is
identified by the one that it has on this machine.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import cache, partial
from pathlib import Path
from typing import Any

from detectors.weight_file import content_id, hashed_file
from detectors.weights.downloads import Download, NotDownloaded, NotWritable, fetch
from detectors.weights.hub import cached_hub_file, hub_address, hub_download

REGISTRY = Path(__file__).with_suffix(".toml")

FileReport = Callable[[str, int, int], object]  # a file, bytes of it so far, and in all, 0 where they are not known


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """A released file of weights.

    Attributes:
        detector: The detector that reads it.
        name: By which it is asked for, behind the detector's: `detector@name`.
        file: Its name where it is published.
        bytes: Its size; None where it is not known.
        sha256: Of its content; empty where it is not known.
        url: Where it can be downloaded without an account; empty for nowhere.
        hub: A repository of the Hugging Face hub and the path of the file in it, "owner/name/path"; empty for none.
        page: Where its authors describe it.
        licence: Of the weights, and of the code where it is another one.
        layout: How its tensors lie in the file.
        trained_on: Canonical names of the generators whose images it was trained on; None where that is not known.
        training: The training images in words.
        reported: What its authors report, and where.
        published_as: By the benchmark that a published table is about, the name by which it knows this very file; a
            table that may be about another training of the method is left out.
        companions: Names of other files without which it cannot be read, in the same folder wherever it is; one that
            ends in .zip may lie there without that suffix, for files of `torch.save` are zip archives by any name.
        options: What its detector takes for the defaults of its options, as LaDeDa does the filter of its input.
    """

    detector: str
    name: str
    file: str
    page: str
    licence: str
    layout: str
    training: str
    bytes: int | None = None
    sha256: str = ""
    url: str = ""
    hub: str = ""
    trained_on: tuple[str, ...] | None = None
    reported: str = ""
    published_as: Mapping[str, str] = field(default_factory=dict, hash=False)
    companions: tuple[str, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict, hash=False)

    @property
    def title(self) -> str:
        """As a user names it."""
        return f"{self.detector}@{self.name}"

    @property
    def source(self) -> str:
        """Where it is to be had, in short."""
        return self.url or (f"hub {self.hub}" if self.hub else f"see {self.page}")

    def path(self, folder: Path) -> Path:
        """Where its file lies in a folder of released checkpoints."""
        return folder / self.detector / self.name / self.file


@cache
def released_checkpoints() -> tuple[Checkpoint, ...]:
    """All entries of the registry, by detector and then by name."""
    lists = {one.name for one in fields(Checkpoint) if "tuple" in str(one.type)}
    tables: list[dict[str, Any]] = tomllib.loads(REGISTRY.read_text("utf-8"))["checkpoint"]
    for table in tables:
        table.update({name: tuple(table[name]) for name in lists & table.keys()})
    entries = [Checkpoint(**table) for table in tables]
    return tuple(sorted(entries, key=lambda entry: (entry.detector, entry.name)))


def checkpoints_of(detector: str) -> tuple[Checkpoint, ...]:
    """The released checkpoints of a detector."""
    return tuple(entry for entry in released_checkpoints() if entry.detector == detector)


def released_checkpoint(sha256: str) -> Checkpoint | None:
    """The entry of a file with this content; None where the registry does not know it."""
    return next((entry for entry in released_checkpoints() if sha256 and entry.sha256 == sha256), None)


@dataclass(frozen=True, slots=True)
class FoundCheckpoint:
    """A checkpoint that a row was asked for with, and what is known of it.

    Attributes:
        path: The file on this machine, or where it would have to be.
        sha256: Of its content; empty where it is not there.
        entry: What the registry knows of it; None for nothing.
        missing: Why it cannot be used, and what to do; empty where it can.
    """

    path: Path
    sha256: str = ""
    entry: Checkpoint | None = None
    missing: str = ""


def checkpoint_id(detector: str, path: Path) -> str:
    """The content of a checkpoint as keys have it: the start of its hash, and of those of the files that go with it."""
    return "+".join(content_id(one) for one in (path, *companions_of(path, _companion_names(detector))))


def find_checkpoint(detector: str, text: str, folder: Path, files: Sequence[Path] | None = None) -> FoundCheckpoint:
    """The checkpoint of a detector that a text names.

    Args:
        detector: Name of the detector.
        text: A name of the registry, or the path of a file.
        folder: Where the user keeps files of weights, in any folders and under any names.
        files: What `files_below` gives for that folder, where the caller has it.
    """
    entry = next((known for known in checkpoints_of(detector) if known.name == text), None)
    found = _file_of_user(detector, text) if entry is None else _file_of_entry(entry, folder, files)
    names = _companion_names(detector)
    absent = [one.name for one in companions_of(found.path, names) if not one.is_file()]
    if found.missing or not absent:
        return found if found.missing else replace(found, missing=doubtful_companion(found.path, names))
    fetch_them = f"run `lineup weights get {entry.title}`, or " if entry and entry.hub else ""
    msg = f"{' and '.join(absent)} missing beside {found.path}, without which {detector} cannot be loaded: {fetch_them}"
    return replace(found, missing=f"{msg}put {'them' if len(absent) > 1 else 'it'} there")


def companions_of(checkpoint: Path, names: Iterable[str]) -> list[Path]:
    """Where the files of these names lie, or would have to, that go with a checkpoint: see `Checkpoint.companions`."""
    places = [_places(checkpoint, name) for name in names]
    return [next((path for path in either if path.is_file()), either[0]) for either in places]


def doubtful_companion(checkpoint: Path, names: Iterable[str]) -> str:
    """What is wrong where a file that goes with a checkpoint is there under both names, with two contents; else ""."""
    for name in names:
        there = [path for path in _places(checkpoint, name) if path.is_file()]
        if len({content_id(path) for path in there}) > 1:
            listed = " and ".join(map(str, there))
            return f"{listed} differ, and either may belong to {checkpoint.name}: remove the wrong one"
    return ""


def files_below(folder: Path) -> Sequence[Path]:
    """The files below a folder in the order of their names, hidden ones and such as are not whole left out."""
    return sorted(path for path in folder.rglob("*") if path.is_file() and not path.name.startswith("."))


def get_checkpoint(entry: Checkpoint, folder: Path, report: FileReport) -> FoundCheckpoint:
    """The checkpoint of an entry, downloaded unless a folder has it; `missing` says why it could not be had."""
    found = find_checkpoint(entry.detector, entry.name, folder)
    if not found.missing:
        return found
    path = entry.path(folder)
    beside = zip(entry.companions, companions_of(path, entry.companions), strict=True)
    there = {name for name, place in ((entry.file, path), *beside) if place.is_file()}
    if entry.sha256 and not _is_file_of(entry, path):
        there.discard(entry.file)
    try:
        for name in (entry.file, *entry.companions):
            if name not in there:
                _get(entry, name, path.with_name(name), partial(report, name))
    except NotWritable as error:
        return FoundCheckpoint(path, entry=entry, missing=f"{entry.title} could not be had: {error}")
    except NotDownloaded as error:
        msg = f"{entry.title} could not be had ({error}): {where_to_put(entry, folder)}"
        return FoundCheckpoint(path, entry=entry, missing=msg)
    return find_checkpoint(entry.detector, entry.name, folder)


def where_to_put(entry: Checkpoint, folder: Path) -> str:
    """Where the files of a checkpoint are to be had, and where they may lie."""
    address = entry.url or (hub_address(*_hub_parts(entry)) if entry.hub else "")
    source = f"{address} (see {entry.page})" if address else entry.page
    files = " and ".join((entry.file, *entry.companions))
    return f"put {files} from {source} into {entry.path(folder).parent}"


def _get(entry: Checkpoint, name: str, path: Path, report: Callable[[int, int], object]) -> None:
    """Download one file of a checkpoint from the first source that has it. Raises `NotDownloaded`."""
    reasons = []
    for wanted in _sources(entry, name):
        try:
            fetch(wanted, path, report)
        except NotWritable:
            raise
        except NotDownloaded as error:
            reasons.append(str(error))
        else:
            return
    raise NotDownloaded("; ".join(reasons) or "it can be had from no address without an account")


def _sources(entry: Checkpoint, name: str) -> list[Download]:
    """The addresses of one file of a checkpoint, its authors' own first; its companions are on the hub alone."""
    main = name == entry.file
    digest, size = (entry.sha256, entry.bytes) if main else ("", None)
    found = [Download(entry.url, digest, size)] if entry.url and main else []
    if entry.hub:
        repository, path = _hub_parts(entry)
        found.append(hub_download(repository, path if main else f"{path.rpartition('/')[0]}/{name}", digest, size))
    return found


def _hub_parts(entry: Checkpoint) -> tuple[str, str]:
    """The repository of an entry on the hub, and the path of its file in it."""
    owner, repository, path = entry.hub.split("/", 2)
    return f"{owner}/{repository}", path


def _companion_names(detector: str) -> tuple[str, ...]:
    """The other files without which a checkpoint of a detector cannot be read."""
    return tuple(dict.fromkeys(name for entry in checkpoints_of(detector) for name in entry.companions))


def _places(checkpoint: Path, name: str) -> list[Path]:
    """Where a file that goes with a checkpoint may lie."""
    return [checkpoint.with_name(one) for one in dict.fromkeys((name, name.removesuffix(".zip")))]


def _file_of_user(detector: str, text: str) -> FoundCheckpoint:
    path = Path(text).expanduser()
    if path.is_file():
        sha256 = hashed_file(path).sha256
        return FoundCheckpoint(path, sha256, released_checkpoint(sha256))
    names = ", ".join(entry.name for entry in checkpoints_of(detector)) or "none"
    msg = f"{detector}@{text}: there is no such file, and the registry has no such checkpoint ({names})"
    return FoundCheckpoint(path, missing=msg)


def _file_of_entry(entry: Checkpoint, folder: Path, files: Sequence[Path] | None) -> FoundCheckpoint:
    """The file of a checkpoint: where `weights get` puts it, elsewhere in the user's folder, or in the hub's cache."""
    own = entry.path(folder)
    below = files_below(folder) if files is None else files
    if entry.sha256:
        found = next((path for path in (own, *below) if _is_file_of(entry, path)), None)
    else:
        by_content = {content_id(path): path for path in ([own] if own.is_file() else _of_its_name(entry, below))}
        if len(by_content) > 1:
            several = " or ".join(sorted(map(str, by_content.values())))
            msg = f"{entry.title} may be {several}, which differ: put the right one into {own.parent}"
            return FoundCheckpoint(own, entry=entry, missing=msg)
        found = next(iter(by_content.values()), None)
    cached = cached_hub_file(*_hub_parts(entry)) if entry.hub and not found else None
    if found or (cached and (not entry.sha256 or _is_file_of(entry, cached))):
        path = found or cached or own
        return FoundCheckpoint(path, hashed_file(path).sha256, entry)
    if wrong := own if own.is_file() else cached:
        sha256 = hashed_file(wrong).sha256
        msg = f"{wrong} is not {entry.title}: its sha256 is {sha256}, not {entry.sha256}; download it again"
        return FoundCheckpoint(wrong, sha256, entry, msg)
    fetch_it = f"run `lineup weights get {entry.title}`, or " if entry.url or entry.hub else ""
    msg = f"{entry.title} is not on this machine: {fetch_it}{where_to_put(entry, folder)}"
    return FoundCheckpoint(own, entry=entry, missing=msg)


def _is_file_of(entry: Checkpoint, path: Path) -> bool:
    """Whether a file has the content of a checkpoint of known digest; only one of its size is read."""
    alike = path.is_file() and entry.bytes in {None, path.stat().st_size}
    return alike and hashed_file(path).sha256 == entry.sha256


def _of_its_name(entry: Checkpoint, files: Sequence[Path]) -> list[Path]:
    """The files that have the name of a checkpoint's, where no other checkpoint has it."""
    unique = len({known.title for known in released_checkpoints() if known.file == entry.file}) == 1
    return [path for path in reversed(files) if path.name == entry.file] if unique else []
