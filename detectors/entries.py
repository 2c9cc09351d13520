"""What a user writes to name one row of a board: `DETECTOR`, `DETECTOR:option=value` or `DETECTOR@CHECKPOINT`."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

PATTERN = re.compile(r"(?P<detector>[^:@]*)(?P<options>(:[^:@]*)*)(@(?P<checkpoint>.*))?", re.DOTALL)


class WrongEntry(ValueError):
    """A text that names no row. The message says why and what to write."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of a board: a detector with its options, to be trained, or loaded from a checkpoint.

    Attributes:
        detector: Its name.
        options: Values of options by name, as they were written.
        checkpoint: A name of the registry or the path of a file; empty for a detector that is trained.
        label: What tables call the row.
    """

    detector: str
    options: Mapping[str, str] = field(default_factory=dict, hash=False)
    checkpoint: str = ""
    label: str = ""


def parse_entry(text: str) -> Entry:
    """The row that a text names. Raises `WrongEntry`."""
    found = PATTERN.fullmatch(text.strip())
    if not found or not found["detector"]:
        msg = f"{text!r} names no detector; write DETECTOR, DETECTOR:option=value or DETECTOR@CHECKPOINT"
        raise WrongEntry(msg)
    if found["checkpoint"] == "":
        msg = f"{text!r} names no checkpoint behind the @; write one of `lineup weights list`, or the path of a file"
        raise WrongEntry(msg)
    options: dict[str, str] = {}
    for part in filter(None, found["options"].split(":")):
        name, equals, value = part.partition("=")
        if not (name and equals):
            msg = f"{text!r}: {part!r} is no option; write :option=value"
            raise WrongEntry(msg)
        if name in options:
            msg = f"{text!r} gives the option {name} twice; give it once"
            raise WrongEntry(msg)
        options[name] = value
    if found["options"].endswith(":"):
        msg = f"{text!r} ends an option that it does not begin; write :option=value"
        raise WrongEntry(msg)
    checkpoint = found["checkpoint"] or ""
    head = found["detector"] + found["options"]
    label = f"{head}@{Path(checkpoint).name}" if checkpoint else head
    return Entry(found["detector"], options, checkpoint, label)


def parse_entries(texts: Sequence[str]) -> tuple[Entry, ...]:
    """The rows that some texts name, under labels that differ. Raises `WrongEntry` where two are the same row."""
    entries = [parse_entry(text) for text in texts]
    labels = [entry.label for entry in entries]
    whole = [
        entry if labels.count(entry.label) == 1 else replace(entry, label=_whole_label(entry)) for entry in entries
    ]
    if repeated := _repeated([entry.label for entry in whole]):
        msg = f"{repeated} is named twice; name each row once"
        raise WrongEntry(msg)
    return tuple(whole)


def _whole_label(entry: Entry) -> str:
    """A label with the whole path of the checkpoint."""
    return entry.label.partition("@")[0] + (f"@{entry.checkpoint}" if entry.checkpoint else "")


def _repeated(labels: Collection[str]) -> str:
    seen: set[str] = set()
    return next((label for label in labels if label in seen or seen.add(label)), "")  # type: ignore[func-returns-value]
