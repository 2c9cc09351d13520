"""Tables of facts beside images: CSV, JSON, JSON Lines, text lists, and Parquet files without images, as columns."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any
from unicodedata import normalize

from bench.images.annotations.hub_card import card_class_names
from bench.images.annotations.text_rows import rows_of
from bench.images.files.tree import Tree
from bench.platform.errors import InputError

RECORD_SUFFIXES = (".csv", ".json", ".jsonl", ".parquet", ".tsv", ".txt")


class Records(ABC):
    """Rows of facts, read column by column.

    Attributes:
        where: What messages call the table.
        columns: Names of its columns, in order.
        rows: The number of its rows.
        damage: Where it is damaged and what to do; "" for a table that could be read whole.
    """

    where: str
    columns: Sequence[str]
    rows: int
    damage: str = ""

    @abstractmethod
    def values(self, column: str) -> Sequence[Any]:
        """One value per row."""

    def class_names(self, column: str) -> Sequence[str] | None:
        """Names of the classes that the numbers of a column stand for; None where the table states none."""
        del column
        return None

    def example(self, row: int) -> str:
        """What messages call a row."""
        return f"row {row + 1}"


class TextRecords(Records):
    """Rows that were read as text, or as values of JSON.

    Args:
        where: What messages call the table.
        columns: Its columns, with one value per row each.
        damage: Where it is damaged; "" for nowhere.
    """

    def __init__(self, where: str, columns: Mapping[str, Sequence[Any]], damage: str = "") -> None:
        self.where = where
        self.damage = damage
        self._values = columns
        self.columns = list(columns)
        self.rows = len(next(iter(columns.values()), ()))

    def values(self, column: str) -> Sequence[Any]:
        """One value per row."""
        return self._values[column]


def read_records(tree: Tree, name: str) -> TextRecords | None:
    """A table of facts by its suffix, without Parquet; None where a file is no table, as a `.txt` that is no text.

    A damaged one is read as far as it can be understood, by which may be found out whether it is of any use.

    Raises:
        InputError: It cannot be read as text.
    """
    where = f"{tree.where}/{name}"
    try:
        text = tree.read_text(name)
    except InputError:
        if name.lower().endswith(".txt"):
            return None
        raise
    rows, damage = rows_of(name, text)
    return TextRecords(where, with_class_names(as_columns(rows), card_class_names(tree)), damage) if rows else None


def as_columns(rows: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """Rows as columns, None where a row has no value of one."""
    columns = dict.fromkeys(column for row in rows for column in row)
    return {column: [row.get(column) for row in rows] for column in columns}


def with_class_names(
    columns: Mapping[str, Sequence[Any]], classes: Mapping[str, Sequence[str]]
) -> dict[str, Sequence[Any]]:
    """Columns with the names of classes in place of their numbers, where all that a column holds are such numbers.

    Args:
        columns: One value per row each, numbers as such or as texts.
        classes: By column, the names of its classes in the order of their numbers.
    """
    named = dict(columns)
    for column in columns.keys() & classes.keys():
        names = {str(number): name for number, name in enumerate(classes[column])}
        texts = ["" if value is None else str(value).strip() for value in columns[column]]
        if set(texts) <= {*names, ""}:
            named[column] = [names.get(text) for text in texts]
    return named


MAX_STRIPPED = 4  # leading folders of stated paths that a tree may not have
MAX_BASES = 8  # folders in which the paths of a table may begin


class PathIndex:
    """Finds the images of a tree by the paths that tables state.

    Letters may be composed otherwise (NFD), be of another case where that tells no two images apart, separators may be
    those of Windows, and a suffix may be missing.

    Args:
        paths: Of the images.
    """

    def __init__(self, paths: Iterable[str]) -> None:
        self._paths: dict[str, str | None] = {}
        self._named: dict[str, list[str]] = defaultdict(list)
        self._exact = {_composed(path): path for path in paths}
        self._folders = {folder for path in self._exact for folder in _folders_above(path.casefold())}
        for composed, path in self._exact.items():
            folded = composed.casefold()
            for spelling in {folded, folded.rpartition(".")[0]}:
                self._paths[spelling] = None if spelling in self._paths else path
                self._named[spelling.rpartition("/")[2]].append(spelling)

    def find(self, texts: Sequence[object], folder: str) -> list[str | None]:
        """The image that a table means by each path; None for one that is not there.

        All paths of a table begin in one place: in its own folder, at the top, or in the one folder, below its own or
        else anywhere, in which they are found; or as many folders above as they name first. Names without a folder
        may be anywhere, where each is that of one image. A table in a folder of images says nothing of images outside,
        unless its paths name other folders.

        Args:
            texts: The paths.
            folder: The folder of the table.
        """
        stated = [_composed(str(text)).strip().replace("\\", "/").removeprefix("./").lstrip("/") for text in texts]
        bare = not any("/" in path for path in stated)
        inside = folder if _composed(folder).casefold() in self._folders else ""
        best = max((self._found(base, stated) for base in ([folder] if bare and inside else [folder, ""])), key=_count)
        if _count(best) == len(stated):
            return best
        best = max(best, _only_best([self._found(base, stated) for base in self._bases(stated, inside)]), key=_count)
        if bare and not inside:
            best = max(best, [self._by_name(path) for path in stated], key=_count)
        return best

    def _found(self, base: str, stated: Sequence[str]) -> list[str | None]:
        """The images at these paths below a folder, without as many leading folders as finds most of them."""
        best: list[str | None] = [None] * len(stated)
        for stripped in range(MAX_STRIPPED + 1):
            best = max(best, [self._at(base, path.split("/", stripped)[stripped:]) for path in stated], key=_count)
            if _count(best) == len(stated):
                break
        return best

    def _bases(self, stated: Sequence[str], inside: str) -> list[str]:
        """Folders in which a path begins, the first that is found: below a table's own folder, or else anywhere.

        Args:
            stated: The paths.
            inside: The table's own folder, where it holds images; "" for anywhere.
        """
        own = f"{_composed(inside).casefold()}/" if inside else ""
        for end in (f"/{path.casefold()}" for path in stated if path):
            named = self._named.get(end.rpartition("/")[2], ())
            found = [spelling.removesuffix(end) for spelling in named if spelling.endswith(end)]
            bases = [base for base in found if f"{base}/".startswith(own)]
            if bases:
                return bases[:MAX_BASES]
        return []

    def _by_name(self, name: str) -> str | None:
        spellings = self._named.get(name.casefold(), ())
        return self._paths[spellings[0]] if len(spellings) == 1 else None

    def _at(self, base: str, tail: Sequence[str]) -> str | None:
        """The image at a path below a folder; None for a path of fewer folders than are stripped."""
        if not tail or not tail[0]:
            return None
        path = f"{base}/{tail[0]}" if base else tail[0]
        return self._exact.get(path) or self._paths.get(path.casefold())


def _folders_above(path: str) -> Iterator[str]:
    """The folders of a path, from its own to the top one."""
    while path := path.rpartition("/")[0]:
        yield path


def _only_best(found: Iterable[list[str | None]]) -> list[str | None]:
    """The result with most images; an empty one where there are none, or several."""
    ordered = sorted(found, key=_count, reverse=True)
    tied = len(ordered) > 1 and _count(ordered[0]) == _count(ordered[1]) and ordered[0] != ordered[1]
    return ordered[0] if ordered and not tied else []


def _count(found: Sequence[str | None]) -> int:
    return sum(path is not None for path in found)


def _composed(text: str) -> str:
    return normalize("NFC", text)
