"""The name and the tags that a user gave a run, in `labels.json` of its result folder. They are part of no key."""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from dataclasses import asdict, dataclass
from pathlib import Path

from bench.platform.checksums import ChecksumList
from bench.platform.errors import InputError
from bench.platform.outside.json_text import parse_json

LABELS = "labels.json"
SCHEMA = 1  # rises when an older reader would misread the file
_SCHEMA = "labels_schema"
_NAME = re.compile(r"\w[\w.+=@ -]{0,79}(?<! )")
_TAG = re.compile(r"\w[\w.+=@-]{0,39}")


@dataclass(frozen=True, slots=True)
class RunLabels:
    """What a user calls a run.

    Attributes:
        name: Stands for its folder wherever a command takes one; empty for none.
        tags: In the order in which they were given, each once.
    """

    name: str = ""
    tags: tuple[str, ...] = ()


def read_labels(folder: Path) -> RunLabels:
    """The labels of the run in a folder; empty ones where it was given none.

    Raises:
        InputError: They are damaged, or a newer version of Lineup wrote them.
    """
    path = folder / LABELS
    if not path.is_file():
        return RunLabels()
    try:
        if fault := ChecksumList.of(folder).fault(LABELS):
            raise _damaged(path, fault)
        whole = parse_json(path.read_bytes())
        if whole[_SCHEMA] != SCHEMA:
            msg = f"{path} was written by another version of Lineup (schema {whole[_SCHEMA]}); update Lineup"
            raise InputError(msg)
        return RunLabels(require_name(whole["name"]), tuple(map(require_tag, whole["tags"])))
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise _damaged(path, str(error) or type(error).__name__) from error


def _damaged(path: Path, fault: str) -> InputError:
    return InputError(f"{path} is damaged ({fault}); delete it, and name and tag the run again")


def write_labels(folder: Path, labels: RunLabels) -> None:
    """Write the labels of the run in a folder, with their checksum."""
    from bench.records.store import Store

    data = {_SCHEMA: SCHEMA, **asdict(labels)}
    Store(folder).write(LABELS, json.dumps(data, indent=1, ensure_ascii=False).encode() + b"\n")


def require_name(text: str) -> str:
    """A name as it is; the empty one takes a name away.

    Raises:
        InputError: No run can have it.
    """
    if text and not _NAME.fullmatch(text):
        msg = (
            f"a run cannot be named {text!r}; give up to 80 letters, digits, spaces and .+=@_-, a letter or digit first"
        )
        raise InputError(msg)
    return text


def require_tag(text: str) -> str:
    """A tag as it is. Raises `InputError` for what cannot be one."""
    if not _TAG.fullmatch(text):
        msg = f"{text!r} cannot be a tag; give up to 40 letters, digits and .+=@_-, a letter or digit first"
        raise InputError(msg)
    return text


def with_tags(labels: RunLabels, more: Collection[str]) -> RunLabels:
    """The same with some tags more. Raises `InputError` for what cannot be one."""
    return RunLabels(labels.name, tuple(dict.fromkeys((*labels.tags, *map(require_tag, more)))))


def without_tags(labels: RunLabels, gone: Collection[str]) -> RunLabels:
    """The same without some tags. Raises `InputError` for one that is not there."""
    if missing := [tag for tag in gone if tag not in labels.tags]:
        msg = f"there is no tag {', '.join(missing)}; the run has {', '.join(labels.tags) or 'none'}"
        raise InputError(msg)
    return RunLabels(labels.name, tuple(tag for tag in labels.tags if tag not in gone))
