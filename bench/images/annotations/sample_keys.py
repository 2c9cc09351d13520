"""Samples of a WebDataset: which files share a key."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import NamedTuple

from bench.images.vocabulary.folder_words import is_annotation

LABEL_FIELDS = ("cls", "json", "txt", "label")


class KeyedSample(NamedTuple):
    """One sample.

    Attributes:
        key: What its files share.
        image: Path of its picture.
        fields: By field in lower case, the path of what describes it.
    """

    key: str
    image: str
    fields: Mapping[str, str]


class KeyedSamples(NamedTuple):
    """The samples of a tree.

    Attributes:
        samples: Those whose picture has a description.
        unpaired: Pictures that have none.
        left_out: Masks, depth maps and the like of other pictures: `k.seg.png` beside `k.jpg`.
        rule: How keys and fields were told apart, for people.
    """

    samples: Sequence[KeyedSample]
    unpaired: Sequence[str]
    left_out: Sequence[str]
    rule: str


def find_samples(images: Sequence[str], data: Collection[str]) -> KeyedSamples:
    """Pair pictures with what describes them.

    A key ends at the last dot of a name, or at the first one: the rule that pairs every picture with one description
    is taken, else the one that pairs more of them.

    Args:
        images: Paths of the pictures.
        data: Paths of the files that may describe them.
    """
    described = list(filter(is_description, data))
    rules: dict[str, Callable[[str], tuple[str, str]]] = {
        "keys end at the last dot of a name": _at_last_dot,
        "keys end at the first dot of a name": _at_first_dot,
    }
    maps = _maps(images)
    pictures = [path for path in images if path not in maps]
    found = [_paired(pictures, described, split, rule)._replace(left_out=list(maps)) for rule, split in rules.items()]
    return min(found, key=lambda samples: len(samples.unpaired))


def is_description(path: str) -> bool:
    """Whether a file may describe a picture, by its suffix."""
    return path.rpartition(".")[2].lower() in LABEL_FIELDS


def _maps(images: Sequence[str]) -> dict[str, None]:
    """Those of the pictures that describe another one: their field says so, and it has their key."""
    candidates = dict.fromkeys(path for path in images if _is_map(path))
    if not candidates:
        return {}
    pictures = [path for path in images if path not in candidates]
    keys = {split(path)[0] for path in pictures for split in (_at_last_dot, _at_first_dot)}
    return {path: None for path in candidates if path.rsplit(".", 2)[0] in keys}


def _is_map(path: str) -> bool:
    """Whether the last field but the suffix is that of a mask: `k.seg.png`."""
    fields = path.rpartition("/")[2].split(".")
    return len(fields) > 2 and is_annotation(fields[-2])


def _at_last_dot(path: str) -> tuple[str, str]:
    key, _, field = path.rpartition(".")
    return key, field.lower()


def _at_first_dot(path: str) -> tuple[str, str]:
    folder, slash, name = path.rpartition("/")
    key, _, field = name.partition(".")
    return f"{folder}{slash}{key}", field.lower()


def _paired(
    images: Sequence[str], described: Sequence[str], split: Callable[[str], tuple[str, str]], rule: str
) -> KeyedSamples:
    fields: dict[str, dict[str, str]] = defaultdict(dict)
    for path in described:
        key, field = split(path)
        fields[key][field.rpartition(".")[2]] = path
    pictures: dict[str, list[str]] = defaultdict(list)
    for path in images:
        key = split(path)[0]
        if key in fields:
            pictures[key].append(path)
    samples = [KeyedSample(key, paths[0], fields[key]) for key, paths in pictures.items() if len(paths) == 1]
    paired = {sample.image for sample in samples}
    return KeyedSamples(samples, [path for path in images if path not in paired], (), rule)
