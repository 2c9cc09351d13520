"""The columns of one table: found by their usual names or as a user states, and what their values mean.

A label is read by words: class names in the schema, texts, or a column whose name says what its truth means
(`is_fake`). Numbers without names are read only where a column of generators explains every one of them, for a table
that is recognised by all its columns, or as `--classes` states; else reading refuses and shows what each number is of.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NoReturn

from bench.images.annotations.folder_levels import shown
from bench.images.annotations.records import Records
from bench.images.annotations.stated_facts import SKIPPED
from bench.images.reading import ClassName, Reading
from bench.images.vocabulary.class_words import (
    THIRD_CLASSES,
    UNDECIDED,
    guessed_class,
    label_of,
    label_of_name,
    split_word,
    words_of,
)
from bench.images.vocabulary.generator_names import canonical_name, is_known_generator
from bench.images.vocabulary.known_tables import known_table
from bench.platform.errors import InputError

LABELS = (
    "label", "labels", "cls", "class_label", "target", "binary_label", "is_fake", "is_generated", "is_ai",
    "is_ai_generated", "ai_generated", "fake", "is_real", "label_a", "label_str", "label_name", "typ",
)  # fmt: skip
GENERATORS = (
    "generator", "generator_name", "model", "model_name", "source_model", "gen_model", "generative_model", "model_id",
)  # fmt: skip
SPLITS = (
    "split", "partition", "subset", "set", "phase", "data_split", "dataset_split", "split_name", "split_type",
    "set_name", "data_set", "set_type", "usage",
)  # fmt: skip
CLASS_CONTENTS = ("class", "category", "type")  # columns of contents, or of labels where all are words for a class
CONTENTS = ("class", "category", "content", "object", "scene")
GROUPS = ("video", "video_id", "clip", "clip_id", "group", "group_id", "pair_id", "original_id", "real_id")
TRUE_IS = {"isfake": 1, "isgenerated": 1, "isai": 1, "isaigenerated": 1, "aigenerated": 1, "fake": 1, "isreal": 0}
NO_GENERATORS = THIRD_CLASSES | {"ambiguous", "other", "uncertain", "unknown", "unlabeled", "unlabelled"}
EMPTY = frozenset({"", "-", "n/a", "na", "nan", "none", "null"})  # texts of a generator that is not stated
MAX_ASKED = 9  # values that are shown: a column of so many is hardly one of labels
EXAMPLES = 3  # of each value that is not understood
MAX_DIGITS = 15  # of a number that stands for a class: longer ones are ids
LABEL_OF: Mapping[ClassName, int] = MappingProxyType({"real": 0, "generated": 1, "skip": SKIPPED})


class TableColumns:
    """The columns of one table.

    Args:
        records: The table.
        reading: What the user states.
        numbers: What numbers without names mean, where that is known: labels by the text of the number.
    """

    def __init__(self, records: Records, reading: Reading, numbers: Mapping[str, int] = MappingProxyType({})) -> None:
        self._records = records
        self._reading = reading
        self._numbers = numbers

    def _refuse(self, what: str) -> NoReturn:
        names = ", ".join(filter(None, map(str, self._records.columns)))
        msg = f"{self._records.where} {what}; its columns are {names}"
        raise InputError(msg)

    def find(self, role: str, names: Sequence[str], fits: Callable[[str], bool] = lambda _: True) -> str | None:
        """The column of a role: the stated one, where it is there, or the first of the usual names whose values fit."""
        if role in self._reading.columns:
            return self._stated(role)
        by_name = {squeezed(str(column)): str(column) for column in self._records.columns}
        named = (by_name.get(squeezed(name)) for name in names)
        return next((column for column in named if column is not None and fits(column)), None)

    def _stated(self, role: str) -> str | None:
        column = self._reading.columns[role]
        return column if column in self._records.columns else None

    def find_all(self, role: str, names: Sequence[str]) -> list[str]:
        """The stated column of a role, or all of the usual names."""
        if role in self._reading.columns:
            return list(filter(None, [self._stated(role)]))
        usual = set(map(squeezed, names))
        return [str(column) for column in self._records.columns if squeezed(str(column)) in usual]

    def values(self, column: str) -> list[Any]:
        """The values of a column, class names in place of their numbers."""
        values, names = list(self._records.values(column)), self._records.class_names(column)
        if any(isinstance(value, list | dict) for value in values):
            self._refuse(f"has lists or structs in {column}, one value is wanted")
        if names is None:
            return values
        unknown = {str(value) for value in values if not isinstance(value, int) or not 0 <= value < len(names)}
        if unknown:
            self._refuse(f"has {column} {shown(unknown)}, beside its {len(names)} classes")
        return [names[value] for value in values]

    def texts(self, column: str | None) -> list[str]:
        """The values of a column as texts, "" for none."""
        if column is None:
            return [""] * self._records.rows
        return ["" if value is None else str(value).strip() for value in self.values(column)]

    def makers(self, column: str | None) -> list[str]:
        """The values of a column of generators, "" where it says that there is none."""
        return ["" if text.lower() in EMPTY else text for text in self.texts(column)]

    def holds_splits(self, column: str) -> bool:
        """Whether a column holds the words of splits. Raises `InputError` for one that holds others too."""
        values = set(self.texts(column)) - {""}
        unknown = {value for value in values if not split_word(value)}
        if unknown and (column.lower() == "split" or unknown != values):
            self._refuse(f"states splits that are not known, {shown(unknown)}; wanted are train, val and test")
        return bool(values) and not unknown

    def splits(self, column: str | None) -> list[str]:
        """The split of every row, "" for none. Raises `InputError` for another word in a column that a user states."""
        texts = self.texts(column)
        known = {text: split_word(text) for text in set(texts)}
        if unknown := [text for text, split in known.items() if text and not split]:
            self._refuse(f"states splits that are not known, {shown(unknown)}; wanted are train, val and test")
        return [known[text] for text in texts]

    def find_label(self) -> tuple[str, Sequence[int | None]] | None:
        """The column of labels, and the label of every row; None where there is no such column.

        Raises:
            InputError: Two columns differ, or none can be understood.
        """
        candidates = self.find_all("label", LABELS)
        if not candidates:
            other = self.find("label", CLASS_CONTENTS, self._holds_classes)
            return (other, self.labels(other)) if other else None
        understood: dict[str, list[int | None]] = {}
        faults: list[InputError] = []
        for column in candidates:
            try:
                understood[column] = self.labels(column)
            except InputError as error:
                faults.append(error)
        if not understood:
            raise faults[0]
        first, *others = understood
        for column in others:
            if understood[column] != understood[first]:
                self._refuse(f"has the columns {first} and {column}, which differ; name one: --columns label={first}")
        return first, understood[first]

    def _holds_classes(self, column: str) -> bool:
        values = {value for value in self.texts(column) if value}
        return bool(values) and all(label_of_name(value) is not None for value in values)

    def labels(self, column: str) -> list[int | None]:
        """The label of every row. Raises `InputError` for a value that stands for neither class."""
        values = self.values(column)
        distinct = list(dict.fromkeys(values))
        found = {value: self._label(column, value) for value in distinct}
        unknown = [value for value in distinct if found[value] is None and _has_letters(value)]
        if self._are_generators(distinct):
            found |= {value: 1 for value in unknown if _may_be_generator(str(value))}
        if left := [value for value in distinct if found[value] is None]:
            self._refuse_values(column, values, left)
        return [found[value] for value in values]

    def _label(self, column: str, value: object) -> int | None:
        """What one value says by itself."""
        stated = self._reading.class_of(_spelled(value))
        if stated is None and is_number(value):
            stated = self._reading.class_of(plain_number(value))
        if stated:
            return LABEL_OF[stated]
        return self._number_label(column, value) if is_number(value) else label_of(value)

    def _number_label(self, column: str, value: object) -> int | None:
        """What a number says: by all the columns of its table, by the name of its column, or by other facts."""
        known = known_table([str(name) for name in self._records.columns])
        if known and known.label == column:
            return known.classes.get(plain_number(value))
        number, truth = plain_number(value), TRUE_IS.get(squeezed(column))
        if truth is None or number not in {"0", "1"}:
            return self._numbers.get(number)
        return truth if number == "1" else 1 - truth

    @staticmethod
    def _are_generators(values: Iterable[object]) -> bool:
        """Whether texts are generators beside real images: none of them says only that it is generated."""
        labels = [label_of(value) for value in values]
        return 0 in labels and 1 not in labels

    def _refuse_values(self, column: str, values: Sequence[Any], left: Sequence[Any]) -> NoReturn:
        numbers = all(map(is_number, left))
        left, more = sorted(left, key=str)[:MAX_ASKED], len(left) - MAX_ASKED
        what = "labels that are numbers without names" if numbers else "labels that say neither real nor generated"
        counted = ("real", "generated", *["skip"] * len(left)) if len(left) > 1 else (UNDECIDED,)
        meanings = counted if numbers else [guessed_class(str(value)) for value in left]
        option = ",".join(f"{_spelled(value)}={meaning}" for value, meaning in zip(left, meanings, strict=False))
        examples = "; ".join(f"{_spelled(value)}: {self._examples(values, value)}" for value in left)
        others = f", and {more} more" if more > 0 else ""
        self._refuse(f"has {what} in {column}; say what each means, such as --classes {option} ({examples}{others})")

    def _examples(self, values: Sequence[Any], value: object) -> str:
        rows = [row for row, found in enumerate(values) if found == value][:EXAMPLES]
        return ", ".join(map(self._records.example, rows))

    def labels_by_generator(self, generator: str | None, makers: Sequence[str]) -> list[int | None]:
        """Labels where generators alone are stated: one whose name means real is real; None where none is stated."""
        if generator is None:
            return [None] * self._records.rows
        if numbers := [name for name in dict.fromkeys(makers) if is_number(name) and not self._reading.class_of(name)]:
            self._refuse_values(generator, makers, numbers)
        found = {name: self._maker_label(generator, name) for name in set(makers)}
        return [found[name] for name in makers]

    def _maker_label(self, column: str, name: str) -> int | None:
        stated = self._reading.class_of(_spelled(name))
        if stated or not name:
            return LABEL_OF[stated] if stated else None
        if label_of(name) == 0:
            return 0
        if not _may_be_generator(name):
            what = "which may be real images or a generator; say which"
            self._refuse(f"has {name!r} in {column}, {what}: --classes {name}={UNDECIDED}")
        return 1

    def generators(
        self, labels: Sequence[int | None], label: str | None, generator: str | None, makers: Sequence[str]
    ) -> list[str]:
        """The generator of every row, "" of real ones. Raises `InputError` for a generated row of a real one's name."""
        if generator is None:
            names = self.texts(label) if label else [""] * len(labels)
            own = {name: name for name in set(names) if label_of_name(name) is None and not is_number(name)}
            own = {name: canonical_name(name) for name in own if self._reading.class_of(name) is None}
            return [own.get(name, "") if kind == 1 else "" for name, kind in zip(names, labels, strict=True)]
        rows = list(zip(makers, labels, strict=True))
        wrong = {name for name, kind in rows if kind == 1 and name and is_no_maker(name)}
        if not wrong and any(name and kind == 0 and not is_no_maker(name) for name, kind in rows):
            wrong = {name for name, kind in rows if kind == 1 and not name}  # and real rows have one
        if wrong:
            what = f"has generated rows whose {generator} is {shown(map(repr, wrong))}"
            self._refuse(f"{what}; are the classes swapped? see --classes")
        named = {name: _maker_name(generator, name) for name in set(makers)}
        return [named[name] if kind == 1 else "" for name, kind in zip(makers, labels, strict=True)]


def _spelled(value: object) -> str:
    """A value as `--classes` calls it: "none" where there is none."""
    return str("" if value is None else value).strip() or "none"


def squeezed(column: str) -> str:
    """A column's name in small letters without marks: `IsFake` and `is_fake` are one name."""
    return re.sub(r"[\W_]", "", column.lower())


def _maker_name(column: str, name: str) -> str:
    return f"{column} {name}" if is_number(name) else canonical_name(name)


def _may_be_generator(name: str) -> bool:
    """Whether a text that names no class may be a generator: no third class, nothing that is not stated, no real."""
    return name.lower() not in NO_GENERATORS | EMPTY and "real" not in words_of(name)


def is_no_maker(name: str) -> bool:
    """Whether a text in a column of generators names none: it is empty, or says that a row is real."""
    return not name or (label_of(name) == 0 and not is_known_generator(name))


def is_number(value: object) -> bool:
    """Whether a value is a number or a truth value, as text too."""
    if isinstance(value, str):
        return bool(re.fullmatch(rf"-?\d{{1,{MAX_DIGITS}}}(\.0*)?|true|false", value.strip().lower()))
    return isinstance(value, bool | int | float) and abs(value) < 10**MAX_DIGITS and value == int(value)


def _has_letters(value: object) -> bool:
    """Whether a value may be a name: a text that is more than a long number."""
    return isinstance(value, str) and not is_number(value) and any(map(str.isalpha, value))


def plain_number(value: object) -> str:
    """A number or truth value as the text of a whole number: `True`, "true", `1.0` and "1" are "1"."""
    text = str(value).strip().lower()
    return str(int(text == "true" if text in {"true", "false"} else float(text)))
