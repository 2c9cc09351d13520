"""The head of a hub repository's README.md: which files are data, of which split, and the classes of a column."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from fnmatch import fnmatchcase
from functools import lru_cache
from itertools import takewhile
from pathlib import PurePosixPath
from typing import Any, NamedTuple

import yaml

from bench.images.files.tree import Tree
from bench.platform.errors import InputError

CARD = "README.md"
FACTS = ("data_files", "class_label")  # what a head states that reading heeds


class CardPattern(NamedTuple):
    """Files that a card names together.

    Attributes:
        configuration: The configuration that they are of; "default" where it has no name.
        split: The split that they are of, as the card calls it; "" where it names a folder alone.
        path: Their path or pattern, from the top.
    """

    configuration: str
    split: str
    path: str

    @property
    def parts(self) -> tuple[str, ...]:
        """The names and patterns between the slashes."""
        return PurePosixPath(self.path).parts

    def matching(self, names: Iterable[str]) -> Iterator[str]:
        """Those of some files that are named: by the pattern, or as they are in a folder of this path."""
        parts = self.parts
        below = () if parts and _is_pattern(parts[-1]) else ("**",)
        return (name for name in names if _matches(name.split("/"), (*parts, *below)))


class _CardLoader(yaml.SafeLoader):  # type: ignore[misc] # PyYAML has no types
    """Leaves dates as texts: one that no calendar has would end the reading."""

    yaml_implicit_resolvers = {  # noqa: RUF012 - as PyYAML has it
        first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith(":timestamp")]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


def card_patterns(tree: Tree) -> list[CardPattern]:
    """What a hub repository's card names; nothing where there is no card.

    The configuration that is the default one is taken, or else all of them.

    Raises:
        InputError: The head of the card names files, and cannot be read.
    """
    return [
        CardPattern(str(one.get("config_name") or "default"), split, str(PurePosixPath(folder, pattern)))
        for one in _taken(_objects(_head(tree).get("configs")))
        for folder in [str(one.get("data_dir") or "")]
        for split, pattern in _patterns(one.get("data_files", {"": "**"} if folder else None))
    ]


def hub_files(tree: Tree, names: Sequence[str]) -> dict[str, str]:
    """By file that the card of a hub repository names, the split as the card calls it, "" where it calls it none.

    Args:
        tree: The repository.
        names: Of the files that are asked about.

    Raises:
        InputError: The head of the card names files, and cannot be read.
    """
    return {name: pattern.split for pattern in card_patterns(tree) for name in pattern.matching(names)}


def split_folders(tree: Tree) -> dict[str, str]:
    """Folders that a card names for one split, to the split as it calls it. Raises `InputError` as `hub_files`."""
    found: dict[str, set[str]] = defaultdict(set)
    for pattern in card_patterns(tree):
        found["/".join(takewhile(lambda part: not _is_pattern(part), pattern.parts))].add(pattern.split)
    return {folder: splits.pop() for folder, splits in found.items() if folder and len(splits) == 1}


def _is_pattern(part: str) -> bool:
    return bool(set("*?[") & set(part))


def card_class_names(tree: Tree) -> dict[str, list[str]]:
    """By column, the names of the classes that its numbers stand for, as a card states them.

    Of several configurations those of the default one are taken, or else names on which all agree.

    Raises:
        InputError: The head of the card names classes, and cannot be read.
    """
    stated = _head(tree).get("dataset_info")
    found: dict[str, list[str]] = {}
    differ = set()
    for one in _taken(_objects(stated if isinstance(stated, list) else [stated])):
        for feature in _objects(one.get("features")):
            column, names = str(feature.get("name")), _names_of_classes(feature.get("dtype"))
            if names and found.setdefault(column, names) != names:
                differ.add(column)
    return {column: names for column, names in found.items() if column not in differ}


def _names_of_classes(kind: Any) -> list[str]:  # noqa: ANN401 - whatever YAML holds
    """The names of a feature of classes, in the order of their numbers; none for another feature."""
    label = kind.get("class_label") if isinstance(kind, dict) else None
    names = label.get("names") if isinstance(label, dict) else None
    if isinstance(names, dict):
        numbered = {str(number): name for number, name in names.items()}
        names = [numbered.get(str(number)) for number in range(len(numbered))]
    return list(map(str, names)) if isinstance(names, list) and None not in names else []


def _taken(configurations: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The configuration that is the default one, or else all of them."""
    default = [one for one in configurations if one.get("default") or one.get("config_name") == "default"]
    return default or configurations


def _head(tree: Tree) -> dict[str, Any]:
    """The head of the card; empty where there is no card or no head. Raises `InputError`."""
    if CARD not in tree.listing.others:
        return {}
    _, *parts = tree.read_text(CARD).replace("\r\n", "\n").split("---\n", 2)
    if len(parts) != 2:
        return {}
    try:
        head = _loaded(parts[0])
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        if not any(fact in parts[0] for fact in FACTS):
            return {}
        reason = " ".join(str(error).split())
        msg = f"{tree.where}/{CARD} names files or classes in a head that is no YAML ({reason}); mend it"
        raise InputError(msg) from error
    return head if isinstance(head, dict) else {}


@lru_cache(maxsize=4)
def _loaded(head: str) -> Any:  # noqa: ANN401 - whatever YAML holds
    """What a head holds; it is asked for once per table."""
    return yaml.load(head, _CardLoader)  # noqa: S506 - a safe loader


def _objects(found: Any) -> list[dict[str, Any]]:  # noqa: ANN401 - whatever YAML holds
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def _patterns(data_files: Any) -> Iterator[tuple[str, str]]:  # noqa: ANN401 - whatever YAML holds
    """Pairs of a split and a pattern of its files, in all ways in which cards write them."""
    entries = data_files if isinstance(data_files, list) else [data_files]
    for entry in entries:
        if isinstance(entry, str):
            yield from [("train", entry)] if entry else []
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
