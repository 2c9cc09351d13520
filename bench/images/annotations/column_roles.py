"""What the columns of a table say of images: which column has which role, and what that says of every row.

What a table says of its rows is found out column by column, see `bench.images.annotations.table_columns`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from types import MappingProxyType
from typing import Any

from bench.images.annotations.folder_levels import shown
from bench.images.annotations.records import Records
from bench.images.annotations.stated_facts import StatedFacts
from bench.images.annotations.table_columns import (
    CONTENTS,
    GENERATORS,
    GROUPS,
    LABELS,
    MAX_ASKED,
    NO_GENERATORS,
    SPLITS,
    TRUE_IS,
    TableColumns,
    is_no_maker,
    is_number,
    plain_number,
    squeezed,
)
from bench.images.reading import Reading
from bench.images.vocabulary.class_words import label_of_name
from bench.platform.errors import InputError

MAX_CLASSES = 3  # numbers of a column that looks like labels: real, generated, and a third


@dataclass(frozen=True)
class TableFacts:
    """What a table says of each of its rows.

    Attributes:
        roles: By role, the column that has it.
        labels: 0 real, 1 generated, `SKIPPED`, or None where no column says it.
        generators: Names; "" of real rows, and where no column names one.
        splits: "train", "val", "test" or "".
        contents: Content classes, or "".
        groups: What rows share that are not independent, or "".
        others: The columns that have no role, which are attributes.
    """

    roles: Mapping[str, str]
    labels: Sequence[int | None]
    generators: Sequence[str]
    splits: Sequence[str]
    contents: Sequence[str]
    groups: Sequence[str]
    others: tuple[str, ...] = field(default=())

    def rows(self) -> Iterator[StatedFacts]:
        """What is said of each row."""
        return map(StatedFacts, self.labels, self.generators, self.splits, self.contents, self.groups)

    @property
    def groups_by(self) -> frozenset[str]:
        """The column that states what belongs together, if there is one."""
        return frozenset({self.roles["group"]} if "group" in self.roles else ())

    def description(self, name: str) -> str:
        """What each column was taken for, in one line.

        Args:
            name: What the line calls the table.
        """
        taken = [f"{column} is the {role}" for role, column in self.roles.items()]
        kept = f"; kept as attributes: {shown(self.others)}" if self.others else ""
        return f"columns of {name}: {', '.join(taken) or 'none has a role'}{kept}"


def explained_numbers(tables: Iterable[tuple[Records, Sequence[int | None]]], reading: Reading) -> dict[str, int]:
    """What numbers without names mean where every row says it besides: by its generator, or by the words of a folder.

    Without a generator, or with a real one, a row is real. Both classes must be there: a generator may be stated of
    real images too, as the one that they stand against.

    Args:
        tables: All tables of a data set, each with the label of every row that folders say; none for tables of images.
        reading: What the user states.
    """
    kinds: dict[str, set[int | None]] = defaultdict(set)
    for records, by_folder in tables:
        columns = TableColumns(records, reading)
        generator, labels = columns.find("generator", GENERATORS), columns.find_all("label", LABELS)
        said_by_folder = any(label is not None for label in by_folder)
        hints = by_folder if said_by_folder else list(map(_maker_hint, columns.makers(generator))) if generator else []
        for label in labels if hints else ():
            if records.class_names(label) is not None or squeezed(label) in TRUE_IS:  # its numbers have names
                continue
            for value, hint in set(zip(columns.values(label), hints, strict=True)):
                if is_number(value):
                    kinds[plain_number(value)].add(hint)
    meanings = {value: next(iter(kind)) for value, kind in kinds.items() if len(kind) == 1}
    return {value: int(bool(kind)) for value, kind in meanings.items()} if _certain(kinds, meanings) else {}


def _maker_hint(name: str) -> int | None:
    return None if name.lower() in NO_GENERATORS else int(not is_no_maker(name))


def _certain(kinds: Mapping[str, set[int | None]], meanings: Mapping[str, int | None]) -> bool:
    return len(meanings) == len(kinds) and set(meanings.values()) == {0, 1}


def table_facts(
    records: Records, reading: Reading, taken: Mapping[str, str], numbers: Mapping[str, int] = MappingProxyType({})
) -> TableFacts:
    """Find out what a table says.

    Args:
        records: The table.
        reading: What the user states.
        taken: Roles that are settled: the column of images or paths.
        numbers: What numbers without names mean, where that is known: see `explained_numbers`.

    Raises:
        InputError: A stated fact cannot be used, or facts contradict each other.
    """
    columns = TableColumns(records, reading, numbers)
    generator = columns.find("generator", GENERATORS)
    split = columns.find("split", SPLITS, columns.holds_splits)
    makers = columns.makers(generator)
    label, labels = columns.find_label() or (None, columns.labels_by_generator(generator, makers))
    content = columns.find("content", CONTENTS, lambda column: column != label)
    group = reading.group if reading.group in records.columns else columns.find("group", GROUPS)
    found = {"label": label, "generator": generator, "split": split, "content": content, "group": group}
    roles = dict(taken) | {role: column for role, column in found.items() if column}
    return TableFacts(
        roles,
        labels,
        columns.generators(labels, label, generator, makers),
        columns.splits(split),
        columns.texts(content),
        columns.texts(group),
        tuple(column for column in records.columns if column not in roles.values()),
    )


def require_columns(tables: Sequence[Records], reading: Reading) -> None:
    """Raise `InputError` for a column that a user states and that no table of a data set has."""
    for role, column in reading.columns.items():
        if tables and not any(column in table.columns for table in tables):
            names = ", ".join(filter(None, map(str, tables[0].columns)))
            which = tables[0].where if len(tables) == 1 else f"none of {len(tables)} tables, such as {tables[0].where},"
            has = f"{which} has no" if len(tables) == 1 else f"{which} has a"
            msg = f"{has} column {column}, which --columns {role}={column} names; its columns are {names}"
            raise InputError(msg)


def label_like(records: Records, columns: Sequence[str]) -> tuple[int, str]:
    """Of some columns the one that looks most like labels, and how much: 3 by words for classes, 0 not at all.

    Args:
        records: A table.
        columns: Some of its columns.
    """
    return max(((_likeness(records.values(column)), column) for column in columns), default=(0, ""), key=itemgetter(0))


def _likeness(values: Sequence[Any]) -> int:
    """3 for words for classes, 2 for two or three numbers, 1 for few texts that come again and again, else 0."""
    texts = {"" if value is None else str(value).strip() for value in values} - {""}
    if not texts or len(texts) > MAX_ASKED:
        return 0
    if all(label_of_name(text) is not None for text in texts):
        return 3
    if all(map(is_number, texts)):
        return 2 if len(texts) <= MAX_CLASSES else 0
    return int(len(texts) * 2 <= len(values))
