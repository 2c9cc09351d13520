"""What a table of scores says of its images: labels and generators, as tables of data sets are read."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bench.exchange.score_columns import GENERATOR, IMAGE, LABEL, NONE_STATED, ScoreColumns
from bench.images.annotations.column_roles import explained_numbers
from bench.images.annotations.records import TextRecords
from bench.images.annotations.table_columns import (
    CLASS_CONTENTS,
    LABELS,
    TRUE_IS,
    TableColumns,
    is_number,
    plain_number,
    squeezed,
)
from bench.images.reading import ClassName, Reading
from bench.platform.printable import printable

MISTAKEN = frozenset(map(squeezed, (*LABELS, *CLASS_CONTENTS)))  # names by which columns of labels are known


@dataclass(frozen=True)
class RowFacts:
    """What a table says of each of its rows.

    Attributes:
        labels: 0 real, 1 generated, `bench.images.annotations.stated_facts.SKIPPED`, None where nothing is said.
        generators: Names; "" of real rows, and where none is named.
        makers: The values of the column of generators, of real rows too; "" where there is none.
    """

    labels: Sequence[int | None]
    generators: Sequence[str]
    makers: Sequence[str]


class _NamedRecords(TextRecords):
    """Rows that messages call by their images, as far as they are named."""

    def __init__(self, where: str, columns: Mapping[str, Sequence[Any]], names: Sequence[Any]) -> None:
        super().__init__(where, columns)
        self._names = names

    def example(self, row: int) -> str:
        """The image of a row."""
        return printable(str(self._names[row])) if self._names else super().example(row)


def row_facts(
    records: TextRecords,
    columns: ScoreColumns,
    classes: Mapping[str, ClassName],
    known: Sequence[int | None] = (),
) -> RowFacts:
    """What a table of scores says of its rows.

    Args:
        records: The table.
        columns: The roles of its columns.
        classes: What the user says that values of its labels mean.
        known: The label of each row's image in a data set, None for no image of it; empty without a data set. Numbers
            without names mean what most of their images are.

    Raises:
        InputError: Its labels cannot be understood, or contradict its generators.
    """
    by_role, rows = columns.by_role, records.rows
    taken = {*columns.scores, *(column for role, column in by_role.items() if role not in {LABEL, GENERATOR})}
    taken = {name for name in taken if squeezed(name) in MISTAKEN}  # `fake` may hold scores
    others = {str(name): records.values(name) for name in records.columns if name not in taken}
    stated = {role: by_role[role] for role in (LABEL, GENERATOR) if role in by_role}
    if not others:
        return RowFacts([None] * rows, [""] * rows, [""] * rows)
    image = by_role.get(IMAGE)
    rest = _NamedRecords(records.where, others, records.values(image) if image else ())
    reading = Reading(classes, {role: column for role, column in stated.items() if column != NONE_STATED})
    generator = stated.get(GENERATOR)
    numbers = _numbers_by_images(rest, reading, known) or explained_numbers([(rest, [None] * rows)], reading)
    found = TableColumns(rest, reading, numbers)
    makers = found.makers(generator)
    label = None if stated.get(LABEL) == NONE_STATED else found.find_label()
    labels = label[1] if label else found.labels_by_generator(generator, makers)
    return RowFacts(labels, found.generators(labels, label[0] if label else None, generator, makers), makers)


def _numbers_by_images(records: TextRecords, reading: Reading, known: Sequence[int | None]) -> dict[str, int]:
    """What the numbers of labels mean by what most of their images are; nothing without a data set."""
    counts: dict[str, Counter[int]] = defaultdict(Counter)
    for column in TableColumns(records, reading).find_all("label", LABELS) if known else ():
        if squeezed(column) in TRUE_IS:  # its name says what they mean
            continue
        for value, label in zip(records.values(column), known, strict=True):
            if label is not None and is_number(value):
                counts[plain_number(value)][label] += 1
    return {number: found.most_common(1)[0][0] for number, found in counts.items()}
