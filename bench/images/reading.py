"""How a user says that a data set is to be read, where it does not say so itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from bench.images.decoding.structure import LARGEST_MAX_PIXELS
from bench.platform.errors import InputError

ClassName = Literal["real", "generated", "skip"]
CLASS_NAMES: tuple[ClassName, ...] = ("real", "generated", "skip")
COLUMN_ROLES = ("path", "image", "label", "generator", "split", "content", "group")
LEVEL_ROLES = ("split", "class", "generator", "content", "group", "copy", "skip")
BY_FOLDER, BY_NAME = "folder", "name"


@dataclass(frozen=True)
class Reading:
    """What a user states of a data set.

    Attributes:
        classes: Of a value or a folder's name that stands for a class: what it means.
        columns: By role, the column of a table.
        levels: The roles of the folders above an image, from the top; none to find them out.
        group: What images share that are not independent: "folder", "name", a column, or a regular expression with one
            group over the image's name; "" for what the data set says.
        follow_links: Whether links are followed.
    """

    classes: Mapping[str, ClassName] = field(default_factory=dict)
    columns: Mapping[str, str] = field(default_factory=dict)
    levels: tuple[str, ...] = ()
    group: str = ""
    follow_links: bool = True

    def class_of(self, value: object) -> ClassName | None:
        """What a value or a folder's name was said to mean, in any case of letters; None where nothing was said."""
        return self.classes.get(str(value).strip().casefold())

    @property
    def options(self) -> frozenset[str]:
        """The options that say what folders, columns and values mean, of those that were given."""
        given = {"--classes": self.classes, "--columns": self.columns, "--levels": self.levels}
        return frozenset(option for option, stated in given.items() if stated)


AS_STATED = Reading()


def parse_classes(text: str) -> dict[str, ClassName]:
    """The classes in a text such as "0=real,1=generated,2=skip". Raises `InputError`."""
    return known_classes(stated_pairs(text, "--classes"))


def known_classes(pairs: Iterable[tuple[str, str]]) -> dict[str, ClassName]:
    """What values and names of folders mean. Raises `InputError` for a meaning that there is not."""
    classes: dict[str, ClassName] = {}
    for name, value in pairs:
        meaning = next((known for known in CLASS_NAMES if known == value.lower()), None)
        if meaning is None:
            msg = f"--classes {name}={value} is not understood; write {name}=real, {name}=generated or {name}=skip"
            raise InputError(msg)
        classes[name.casefold()] = meaning
    return classes


def parse_columns(text: str) -> dict[str, str]:
    """The columns in a text such as "split=subset,generator=model", by role. Raises `InputError`."""
    return known_columns(stated_pairs(text, "--columns"))


def known_columns(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Columns of tables by role. Raises `InputError` for a role that there is not."""
    columns = dict(pairs)
    for role, column in columns.items():
        if role not in COLUMN_ROLES:
            msg = f"--columns {role}={column}: there is no {role}; a column can be {', '.join(COLUMN_ROLES)}"
            raise InputError(msg)
    return columns


def parse_levels(text: str) -> tuple[str, ...]:
    """The levels in a text such as "split,class,generator". Raises `InputError`."""
    return known_levels(text.split(",") if text.strip() else ())


def known_levels(parts: Sequence[str]) -> tuple[str, ...]:
    """The roles of folders, from the top. Raises `InputError` for a role that there is not."""
    levels = tuple(part.strip().lower() for part in parts)
    for level in levels:
        if level not in LEVEL_ROLES:
            given = f"--levels {','.join(parts)}: there is no {level or 'empty level'}"
            raise InputError(f"{given}; folders can be {', '.join(LEVEL_ROLES)}")
    return levels


def parse_pixel_count(text: str) -> int:
    """A number of pixels, in millions where an M follows it. Raises `InputError` for anything else, or too much."""
    digits, unit = (text[:-1], 10**6) if text[-1:] in {"M", "m"} else (text, 1)
    return known_pixel_count(int(digits) * unit if digits.isascii() and digits.isdigit() else 0, text)


def known_pixel_count(count: int, text: str) -> int:
    """A number of pixels, `text` as it was written. Raises `InputError` where it is none, or too much."""
    if not 1 <= count <= LARGEST_MAX_PIXELS:
        msg = f"--max-pixels {text!r} is no number of pixels from 1 to {LARGEST_MAX_PIXELS}; give 200M or 200000000"
        raise InputError(msg)
    return count


def stated_pairs(text: str, option: str) -> list[tuple[str, str]]:
    """The names and values in a text such as "a=b,c=d". Raises `InputError`; `option` is what messages call it."""
    pairs = []
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, sign, value = (word.strip() for word in part.rpartition("="))
        if not (name and sign and value):
            msg = f"{option} {part!r} is not understood; write name=value, separated by commas"
            raise InputError(msg)
        pairs.append((name, value))
    return pairs
