"""Several runs in one TOML file: what they have in common, what is crossed, and what each has of its own.

    [run]                          # options of `lineup run`, as a settings file has them
    detectors = ["hog_svm", "residual"]
    limit = 40

    [run.options.hog_svm]          # options of detectors

    [cross]                        # a run for each value, and for each pair of values of several options
    data = ["embedded", "/data/photos"]
    seed = [0, 1]

    [[runs]]                       # a run each, with a name; where values are crossed too, a run for each of them
    name = "plain"

    [[runs]]
    name = "jpeg"
    base_degradation = "jpeg:65"
Own options win over crossed ones, and those over common ones.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

from bench.images.data_names import layout_and_place
from bench.platform.errors import InputError
from bench.platform.files import plain_name
from bench.records.settings import SettingsFile, settings_of
from bench.request.settings_file import with_absolute_paths
from protocols.toml_files import UnreadableToml, read_toml

COMMON, CROSS, RUNS, NAME = "run", "cross", "runs", "name"
MOST_RUNS = 1000
_RUN_NAME = re.compile(r"\w[\w.+=,@-]{0,79}")
_ITS_OWN = {"out": "its folder has its name", "settings": "give the options themselves"}  # of a run of a sweep


@dataclass(frozen=True)
class SweepRun:
    """A run of a sweep.

    Attributes:
        name: Its own in the sweep.
        settings: As its settings file has them, with absolute paths.
        where: What messages call it: the file and the name.
    """

    name: str
    settings: SettingsFile
    where: str


def read_sweep(path: Path) -> list[SweepRun]:
    """The runs of a sweep, in the order of the file.

    Args:
        path: The file. Relative paths in it begin in its folder.

    Raises:
        InputError: It cannot be read, asks for no run, or two of its runs have one name. Whether their options are
            known is not looked at.
    """
    where = f"sweep {path}"
    try:
        whole = read_toml(path)
    except UnreadableToml as error:
        msg = f"{where} cannot be read ({error}); give a TOML file"
        raise InputError(msg) from error
    if unknown := [name for name in whole if name not in {COMMON, CROSS, RUNS}]:
        msg = f"{where}: {unknown[0]!r} is none of its parts; put options of all runs into [{COMMON}]"
        raise InputError(f"{msg}, and those of one into [[{RUNS}]] (the parts are {COMMON}, {CROSS} and {RUNS})")
    common = settings_of(_table(whole, COMMON, where), f"{where}, [{COMMON}]")
    crossed = _crossed(_table(whole, CROSS, where), f"{where}, [{CROSS}]")
    runs = [
        _run(common, own, dict(zip(crossed, values, strict=True)), where, path.parent)
        for own in _own_tables(whole, where, crossed=bool(crossed))
        for values in product(*crossed.values())
    ]
    _require_names_of_their_own(runs, where)
    return runs


def _table(whole: Mapping[str, Any], name: str, where: str) -> Mapping[str, Any]:
    """A table of the file; an empty one where it has none. Raises `InputError` for anything else."""
    table = whole.get(name, {})
    if not isinstance(table, dict):
        msg = f"{where}: {name} is no table; write [{name}] and its options below"
        raise InputError(msg)
    return table


def _crossed(table: Mapping[str, Any], where: str) -> dict[str, list[Any]]:
    """The values that are crossed, by option. Raises `InputError` where one has no list of them."""
    for name, values in table.items():
        if not isinstance(values, list) or not values:
            msg = f'{where}: {name} is no list of values; write {name} = ["one", "another"]'
            raise InputError(msg)
    return {name.replace("-", "_"): values for name, values in table.items()}


def _own_tables(whole: Mapping[str, Any], where: str, *, crossed: bool) -> Sequence[Mapping[str, Any]]:
    """What each run has of its own; one run of nothing where values are crossed alone. Raises `InputError`."""
    tables = whole.get(RUNS, [])
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        msg = f"{where}: {RUNS} is no list of tables; write [[{RUNS}]] once for each run"
        raise InputError(msg)
    if not tables and not crossed:
        msg = f"{where} asks for no run; write [[{RUNS}]] with a name for each, or lists of values into [{CROSS}]"
        raise InputError(msg)
    for place, table in enumerate(tables, start=1):
        if not isinstance(table.get(NAME), str) or not _RUN_NAME.fullmatch(table[NAME]):
            msg = (
                f"{where}: run {place} of [[{RUNS}]] has the name {table.get(NAME)!r}; give each up to 80 letters, "
                "digits and .+=,@_-, a letter or digit first"
            )
            raise InputError(msg)
    return tables or [{}]


def _run(
    common: SettingsFile, table: Mapping[str, Any], point: Mapping[str, Any], where: str, folder: Path
) -> SweepRun:
    """The run of one table at one point of what is crossed."""
    parts = [str(table[NAME])] if NAME in table else []
    name = "-".join([*parts, *(f"{option}={_value_name(value)}" for option, value in point.items())])
    where = f"{where}, run {name!r}"
    own = settings_of({option: value for option, value in table.items() if option != NAME}, where)
    values = {**common.values, **point, **own.values}
    for option, reason in _ITS_OWN.items():
        if option in values:
            msg = f"{where}: a run of a sweep has no option {option!r}: {reason}"
            raise InputError(msg)
    detectors = dict.fromkeys([*common.recipe_options, *own.recipe_options])
    options = {one: {**common.recipe_options.get(one, {}), **own.recipe_options.get(one, {})} for one in detectors}
    return SweepRun(name, with_absolute_paths(SettingsFile(values, options), folder), where)


def _value_name(value: Any) -> str:  # noqa: ANN401 - as TOML has it
    """A value as part of a name: of paths their last parts."""
    return plain_name("+".join(_texts(value)))


def _texts(value: Any) -> Iterator[str]:  # noqa: ANN401 - as TOML has it
    for one in value if isinstance(value, list) else [value]:
        text = str(one).lower() if isinstance(one, bool) else str(one)
        yield Path(layout_and_place(text)[1]).name if "/" in text else text


def _require_names_of_their_own(runs: Sequence[SweepRun], where: str) -> None:
    """Raise `InputError` where two runs have one name on any file system, or there are too many."""
    counts = Counter(run.name.casefold() for run in runs)
    if twice := [run.name for run in runs if counts[run.name.casefold()] > 1]:
        msg = f"{where}: two runs are called {twice[0]!r}; give each a name of its own in [[{RUNS}]]"
        raise InputError(msg)
    if len(runs) > MOST_RUNS:
        msg = f"{where} asks for {len(runs):,} runs, and {MOST_RUNS:,} are the most; split it"
        raise InputError(msg)
