"""The head of a hub repository's README.md: which files are data, and of which split."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import PurePosixPath
from typing import Any, NamedTuple

import yaml

from bench.images.files.tree import Tree

CARD = "README.md"


class HubFiles(NamedTuple):
    """The data files that a card names.

    Attributes:
        split_of: By file, the split that it is of, as the card calls it; "" where it names a folder alone.
        configurations: Names of the configurations that were taken.
    """

    split_of: Mapping[str, str]
    configurations: tuple[str, ...]


def hub_files(tree: Tree, names: list[str]) -> HubFiles | None:
    """Which of some files a hub repository's card names; None where it has no card, or the card names none.

    The configuration that is the default one is taken, or else all of them.

    Args:
        tree: The repository.
        names: Of the files.
    """
    configurations = _configurations(tree)
    default = [one for one in configurations if one.get("default") or one.get("config_name") == "default"]
    split_of: dict[str, str] = {}
    for configuration in default or configurations:
        folder = str(configuration.get("data_dir") or "")
        for split, pattern in _patterns(configuration.get("data_files", {"": "**"} if folder else None)):
            parts = PurePosixPath(folder, pattern).parts
            below = () if set("*?[") & set(parts[-1]) else ("**",)
            split_of |= {name: split for name in names if _matches(name.split("/"), (*parts, *below))}
    taken = tuple(str(one.get("config_name", "default")) for one in default or configurations)
    return HubFiles(split_of, taken) if split_of else None


def _configurations(tree: Tree) -> list[dict[str, Any]]:
    """The configurations in the head of the card; none where there is no card or no head."""
    if CARD not in tree.listing.others:
        return []
    _, *parts = tree.read_text(CARD).replace("\r\n", "\n").split("---\n", 2)
    try:
        head = yaml.safe_load(parts[0]) if len(parts) == 2 else None
    except yaml.YAMLError:
        return []
    found = head.get("configs") if isinstance(head, dict) else None
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def _patterns(data_files: Any) -> Iterator[tuple[str, str]]:  # noqa: ANN401 - whatever YAML holds
    """Pairs of a split and a pattern of its files, in all ways in which cards write them."""
    entries = data_files if isinstance(data_files, list) else [data_files]
    for entry in entries:
        if isinstance(entry, str):
            yield "train", entry
        elif isinstance(entry, dict) and "path" in entry:
            paths = entry["path"] if isinstance(entry["path"], list) else [entry["path"]]
            yield from ((str(entry.get("split", "train")), str(path)) for path in paths)
        elif isinstance(entry, dict):
            yield from ((str(split), str(path)) for split, paths in entry.items() for path in _as_list(paths))


def _as_list(value: Any) -> list[Any]:  # noqa: ANN401 - whatever YAML holds
    return value if isinstance(value, list) else [value]


def _matches(parts: Sequence[str], patterns: Sequence[str]) -> bool:
    """Whether a file's path is of a pattern; `**` stands for any number of names, `*` for a part of one."""
    if not patterns:
        return not parts
    if patterns[0] == "**":
        return any(_matches(parts[start:], patterns[1:]) for start in range(len(parts) + 1))
    return bool(parts) and fnmatchcase(parts[0], patterns[0]) and _matches(parts[1:], patterns[1:])
