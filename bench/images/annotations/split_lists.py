"""Lists that say which folders or files are of a split by their bare names, such as the videos of a test set."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any, NamedTuple

from bench.images.files.tree import Tree
from bench.images.vocabulary.class_words import split_word, words_of
from bench.platform.errors import InputError
from bench.platform.outside.json_text import parse_json

LIST_WORDS = frozenset({
    "all", "annotation", "annotations", "data", "dataset", "file", "files", "image", "images", "info", "label",
    "labels", "list", "lists", "metadata", "names", "of", "set", "split", "splits", "video", "videos",
})  # fmt: skip
MIN_FOUND = 0.5  # of the names of a list: with fewer it is a list of something else


class SplitLists(NamedTuple):
    """What lists of names say.

    Attributes:
        splits: By path of an image.
        used: The files that were taken as such lists.
        notes: What they were taken for, one sentence each.
    """

    splits: Mapping[str, str]
    used: Sequence[str]
    notes: Sequence[str]


def split_of_list(name: str) -> str:
    """The split that the name of a list states: "test" of `List_of_testing_videos.txt`; "" for none."""
    words = set(words_of(PurePosixPath(name).stem)) - LIST_WORDS
    return split_word(words.pop()) if len(words) == 1 else ""


def split_lists(tree: Tree, names: Sequence[str]) -> SplitLists:
    """Read lists of the names of folders or files, each called by its split, or all of them in one JSON object.

    Images that are in no list are training images, where no list is of those.

    Raises:
        InputError: Two lists of different splits name one image.
    """
    named = {name: listed for name in names if _may_be_list(name) and (listed := _names_by_split(tree, name))}
    parts = _images_by_part(tree) if named else {}
    splits: dict[str, str] = {}
    used: dict[str, list[str]] = defaultdict(list)
    for name, split, members in ((name, split, members) for name, of in named.items() for split, members in of.items()):
        images = [image for part in members for image in parts.get(part, ())]
        if sum(part in parts for part in members) < MIN_FOUND * len(members) or not images:
            continue
        for image in images:
            if splits.setdefault(image, split) != split:
                msg = f"{tree.where}/{image} is in lists of two splits, {split} and {splits[image]}; mend one of them"
                raise InputError(msg)
        used[name].append(split)
    notes = [f"{name} was taken as the names of what is of the split {' and '.join(of)}" for name, of in used.items()]
    if splits and "train" not in splits.values():
        splits |= dict.fromkeys((path for path in tree.listing.paths() if path not in splits), "train")
        notes.append("images that are in no list of a split were taken as training images")
    return SplitLists(splits, list(used), notes)


def _may_be_list(name: str) -> bool:
    """Whether the name of a file says that it lists splits, or is one of the words of such files alone."""
    stem = PurePosixPath(name).stem
    lists_all = set(words_of(stem)) <= LIST_WORDS and not any(map(str.isdigit, stem))
    return bool(split_of_list(name)) or (name.lower().endswith(".json") and lists_all)


def _names_by_split(tree: Tree, name: str) -> dict[str, list[str]]:
    """The names that a list of one split, or an object of lists by split, holds, by the split."""
    text, split = tree.read_text(name), split_of_list(name)
    if split:
        return {split: list(dict.fromkeys(_names_in(text, name)))}
    try:
        found = parse_json(text)
    except ValueError:
        return {}
    lists = found if isinstance(found, dict) and all(map(split_word, found)) else {}
    named: dict[str, dict[str, None]] = defaultdict(dict)
    for key, value in lists.items():
        named[split_word(key)] |= dict.fromkeys(_names_in_json(value))
    return {split: list(listed) for split, listed in named.items()}


def _images_by_part(tree: Tree) -> Mapping[str, Sequence[str]]:
    """The images of the tree by every folder's name above them, and by their own without suffix."""
    parts: dict[str, list[str]] = defaultdict(list)
    for folder, names in tree.listing.images.items():
        for name in names:
            path = f"{folder}/{name}" if folder else name
            for part in {*folder.split("/"), name.rpartition(".")[0]} - {""}:
                parts[part].append(path)
    return parts


def _names_in(text: str, name: str) -> Iterator[str]:
    """The names in a list: of JSON, or the last field of every line; of a pair, both orders of its two as well."""
    if name.lower().endswith(".json"):
        try:
            yield from _names_in_json(parse_json(text))
        except ValueError:
            return
    else:
        yield from (PurePosixPath(line.split()[-1]).stem for line in text.split("\n") if line.split())


def _names_in_json(found: Any) -> Iterator[str]:  # noqa: ANN401 - whatever JSON holds
    waiting = [found]
    while waiting:
        one = waiting.pop()
        if isinstance(one, str):
            yield PurePosixPath(one).stem
        elif isinstance(one, list):
            if len(one) == 2 and all(isinstance(part, str) for part in one):
                yield from ("_".join(one), "_".join(one[::-1]))
            waiting += one
