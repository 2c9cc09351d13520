"""Release dates: train on the generators of the past, test on those of the next window of time."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

from protocols.api import (
    Cell,
    EvaluationProtocol,
    Group,
    Images,
    MatrixLayout,
    Scope,
    Subset,
    Unanswerable,
    grouped,
    option,
)
from protocols.subsets import all_together, cells_of, held_out_generators, trained_cells
from protocols.toml_files import UnreadableToml, read_toml

SHIPPED = Path(__file__).with_name("release_dates.toml")
FORM = '[NAME] with date = "YYYY-MM" or "YYYY-MM-DD", source = "..." and, for other spellings, names = ["...", "..."]'
KEYS = {"date", "source", "names"}
LENGTHS: Mapping[str, int] = {"year": 4, "month": 7}  # characters of a date that name its window
BEFORE = "before "


@dataclass(frozen=True)
class ReleaseDates(EvaluationProtocol):
    """Every detector, trained on all generators released before a window of time, tested on every generator.

    Dates are those that the data itself states, then from the table that the user gives, then from the one that ships;
    both tables state the source of each.
    """

    table: str = option("", f"A TOML file of dates that goes before the one that ships: {FORM}.", names="file")
    window: Literal["year", "month"] = option("year", "The windows of time.")
    leave_out_undated: bool = option(default=False, about="Leave out generators without a date.")

    name: ClassVar[str] = "release_dates"
    title: ClassVar[str] = "Release dates: train on generators released before a window (rows), test on each (columns)"
    source: ClassVar[str] = "Lineup; dates of papers and of releases, each with its source in the table"
    view: ClassVar[MatrixLayout] = MatrixLayout(rows="train", columns="test")

    def cells(self, scope: Scope) -> list[Cell]:
        """One cell per detector, seed, window but the first, and generator. Raises `Unanswerable`."""
        windows = self._windows(scope.images)
        tests = [one for one in held_out_generators(scope.images) if set(one.generators) <= windows.keys()]
        if not scope.trained:
            return cells_of(scope, [(test, test) for test in tests])
        known = [name for name in all_together(scope.images, ()) if name in windows]
        trains = []
        for window in sorted(set(windows.values())):
            if past := tuple(name for name in known if windows[name] < window):
                trains.append(Subset(past, "train", label=BEFORE + window))
        if not trains:
            msg = (
                f"all generators were released in one {self.window} ({', '.join(sorted(set(windows.values())))}), and "
                "without a past nothing can be trained; choose --window month, or add generators"
            )
            raise Unanswerable(msg)
        return cells_of(scope, [(train, test) for train in trains for test in tests])

    def _windows(self, images: Images) -> dict[str, str]:
        """The window of the release of each generator. Raises `Unanswerable` for one without a date."""
        own = {_plain(name): date for name, date in images.release_dates.items()}
        tables = [own, *([read_dates(Path(self.table))] if self.table else []), read_dates(SHIPPED)]
        dates = {name: release_date(name, tables) for name in images.generators}
        undated = [name for name, date in dates.items() if not date]
        if len(undated) == len(dates) or (undated and not self.leave_out_undated):
            msg = (
                f"no release date of {', '.join(undated)} is known; give them in a file with --table, as {FORM}, or "
                "leave those out with --leave-out-undated"
            )
            raise Unanswerable(msg)
        return {name: date[: LENGTHS[self.window]] for name, date in dates.items() if date}

    def groups(self, cells: Sequence[Cell], scope: Scope) -> list[Group]:
        """Generators of the past, of the window that follows it, and of later ones."""
        windows = self._windows(scope.images)
        trained = [
            (cell, windows[cell.test.generators[0]], train.name.removeprefix(BEFORE))
            for cell, train in trained_cells(cells)
        ]
        return [
            grouped("past", (cell for cell, released, window in trained if released < window), "home"),
            grouped("next window", (cell for cell, released, window in trained if released == window), "away"),
            grouped("later", (cell for cell, released, window in trained if released > window)),
        ]


def release_date(name: str, tables: Sequence[Mapping[str, str]]) -> str:
    """The date of a generator in the first table that has it; "" for none.

    Args:
        name: As the data calls it.
        tables: As `read_dates` gives them, the one that decides first.
    """
    plain = _plain(name)
    return next((table[plain] for table in tables if plain in table), "")


def read_dates(path: Path) -> dict[str, str]:
    """Dates by the plain names of generators. Raises `Unanswerable` for a file that is no such table."""
    try:
        whole = read_toml(path)
    except UnreadableToml as error:
        msg = f"the table of release dates {path} cannot be read ({error}); give a TOML file of {FORM}"
        raise Unanswerable(msg) from error
    dates = {}
    for name, entry in whole.items():
        for spelling in (name, *_checked(entry, name, path).get("names", ())):
            dates[_plain(spelling)] = str(entry["date"])
    return dates


def _checked(entry: Any, name: str, path: Path) -> Mapping[str, Any]:  # noqa: ANN401 - whatever the file has
    """An entry with a date and a source. Raises `Unanswerable`."""
    if fault := _fault(entry):
        msg = f"the table of release dates {path} has {name} {fault}; write {FORM}"
        raise Unanswerable(msg)
    checked: Mapping[str, Any] = entry
    return checked


def _fault(entry: Any) -> str:  # noqa: ANN401 - whatever the file has
    """What is wrong with an entry; "" for nothing."""
    if not isinstance(entry, dict) or "date" not in entry or not entry.get("source"):
        return "without a date or its source"
    if not _is_date(str(entry["date"])):
        return f"with date {entry['date']!r}, which is no month and no day of the calendar"
    if unknown := sorted(entry.keys() - KEYS):
        return f"with {unknown[0]!r}, which is not known"
    spellings = entry.get("names", [])
    if not isinstance(spellings, list) or not all(isinstance(one, str) for one in spellings):
        return f"with names {spellings!r}, which are no list of texts"
    return ""


def _is_date(text: str) -> bool:
    """Whether a text is a month or a day of the calendar."""
    if not re.fullmatch(r"\d{4}-\d{2}(-\d{2})?", text):
        return False
    try:
        dt.date.fromisoformat(text if len(text) > LENGTHS["month"] else f"{text}-01")
    except ValueError:
        return False
    return True


def _plain(name: str) -> str:
    """A name in small letters and digits alone."""
    return re.sub(r"[^a-z0-9]", "", name.lower())
