"""Settings of a run in a TOML file: the options of `lineup run` by name, and the options of detectors.

    protocol = "cross_generator"
    detectors = ["cnnspot", "residual"]
    seeds = 3

    [options.cnnspot]
    tune = "top"

What is given on the command line wins over the file. Every run writes its own into its result folder, with absolute
paths; a relative path in a file begins in the folder of the file.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path
from typing import Any

from bench.images.data_names import EMBEDDED, layout_and_place
from bench.records.settings import OPTIONS, SettingsFile
from bench.request.protocol_catalogue import protocol_class
from bench.request.run_request import DetectorOptions
from bench.storage.connection import is_store
from detectors import catalogue
from detectors.entries import WrongEntry, parse_entry
from detectors.identity import options_of
from protocols.api import EvaluationProtocol, NameKind
from protocols.file_protocol import SUFFIX as PROTOCOL_SUFFIX
from protocols.profiles import SUFFIX as PROFILE_SUFFIX

OWN_PATHS: dict[str, NameKind] = {  # options of `lineup run` that may have paths, with what their texts name
    **dict.fromkeys(("out", "weights_dir"), "file"),
    **dict.fromkeys(("data", "real"), "data_sets"),
    "base_degradation": "degradations",
}
PATH_KINDS = {"file", "data_sets", "degradations"}


def with_absolute_paths(settings: SettingsFile, folder: Path) -> SettingsFile:
    """The same settings whose relative paths, which begin in `folder`, are absolute: they hold in any folder.

    What names a checkpoint or a file of weights is a path where there is such a file, and else a name.
    """
    return _with_paths(settings, _PathNames(folder))


def with_relative_paths(settings: SettingsFile, folder: Path, within: Path) -> SettingsFile:
    """The same settings whose absolute paths to what lies in `within` begin in `folder`: they may move together."""
    return _with_paths(settings, _PathNames(folder, folder, within))


@dataclass(frozen=True)
class _PathNames:
    """How paths are written.

    Attributes:
        begin: Where relative paths begin.
        end: Where those begin that are written; None where they are to be absolute.
        within: Paths elsewhere are absolute in any case.
    """

    begin: Path
    end: Path | None = None
    within: Path = Path()

    def written(self, text: str) -> str:
        """A path as it is to be written."""
        path = self.begin.absolute() / Path(text).expanduser()
        if self.end is None or not path.resolve().is_relative_to(self.within.resolve()):
            return str(path)
        return Path(os.path.relpath(path.resolve(), self.end.resolve())).as_posix()


def _with_paths(settings: SettingsFile, folder: _PathNames) -> SettingsFile:
    """The same settings with other names for its paths."""
    values = dict(settings.values)
    if str(values.get("protocol", "")).endswith(PROTOCOL_SUFFIX):
        values["protocol"] = _absolute(values["protocol"], folder)
    try:
        own = _path_options(protocol_class(str(values.get("protocol", ""))))
    except catalogue.UnknownName:
        own = {}
    values = _with_absolute_values(values, OWN_PATHS | own, folder)
    if values.get("detectors"):
        values["detectors"] = _mapped(values["detectors"], partial(_row_text, folder=folder))
    tables = {
        detector: {name: _file_text(detector, name, value, folder) for name, value in table.items()}
        for detector, table in settings.recipe_options.items()
    }
    return SettingsFile(values, tables)


def with_absolute_options(
    protocol: type[EvaluationProtocol], values: Mapping[str, Any], folder: Path
) -> dict[str, Any]:
    """Options of a protocol whose relative paths, which begin in `folder`, are absolute."""
    return _with_absolute_values(values, _path_options(protocol), _PathNames(folder))


def _path_options(protocol: type[EvaluationProtocol]) -> dict[str, NameKind]:
    """The options of a protocol that may have paths, with what their texts name."""
    kinds = {one.name: one.metadata.get("names") for one in fields(protocol)}
    return {name: kind for name, kind in kinds.items() if kind in PATH_KINDS}


def _with_absolute_values(
    values: Mapping[str, Any], kinds: Mapping[str, NameKind], folder: _PathNames
) -> dict[str, Any]:
    """Values whose relative paths are absolute; `kinds` says of those that may have some what their texts name."""
    return {
        name: _with_absolute_value(value, kinds[name], folder) if name in kinds and value else value
        for name, value in values.items()
    }


def _with_absolute_value(value: Any, kind: NameKind, folder: _PathNames) -> Any:  # noqa: ANN401 - a text or a list
    if kind == "file":
        return _absolute(value, folder)
    if kind == "degradations":
        return _mapped(value, partial(_degradation_text, folder=folder))
    change = partial(_data_text, folder=folder)
    whole = isinstance(value, str) and (folder.begin / value).exists()  # a comma may be part of a path
    return change(value) if whole else _mapped(value, change)


def _absolute(path: Any, folder: _PathNames) -> str:  # noqa: ANN401 - a text or a path
    return str(path) if is_store(str(path)) else folder.written(str(path))


def _degradation_text(text: str, folder: _PathNames) -> str:
    """A degradation as it is; a file of a profile as it is named from anywhere."""
    return _absolute(text, folder) if text.endswith(PROFILE_SUFFIX) else text


def _mapped(value: Any, change: Callable[[str], str]) -> Any:  # noqa: ANN401 - a text or a list
    """A list, or a text of several parts with commas between, with every part changed."""
    if isinstance(value, list | tuple):
        return [change(str(part)) for part in value]
    return ",".join(change(part.strip()) for part in str(value).split(",") if part.strip())


def _data_text(text: str, folder: _PathNames) -> str:
    """A data set as it is named from anywhere."""
    layout, place = layout_and_place(text)
    if text == EMBEDDED or "://" in place:
        return text
    return (f"{layout}:" if layout else "") + _absolute(place, folder)


def _row_text(text: str, folder: _PathNames) -> str:
    """A row as it is named from anywhere; a text that names none as it is."""
    try:
        entry = parse_entry(text)
    except WrongEntry:
        return text
    options = [f":{name}={_file_text(entry.detector, name, value, folder)}" for name, value in entry.options.items()]
    return entry.detector + "".join(options) + (f"@{_existing(entry.checkpoint, folder)}" if entry.checkpoint else "")


def _file_text(detector: str, name: str, value: Any, folder: _PathNames) -> Any:  # noqa: ANN401 - as TOML has it
    """The value of an option of a detector, absolute where it is the path of a file."""
    try:
        options = options_of(type(catalogue.recipe(detector)))
    except catalogue.UnknownName:
        return value
    takes_file = any(option.name == name and option.metadata.get("file") for option in options)
    return _existing(value, folder) if takes_file and isinstance(value, str) else value


def _existing(text: str, folder: _PathNames) -> str:
    return folder.written(text) if text and (folder.begin.absolute() / text).exists() else text


def to_toml(values: Mapping[str, Any], options: DetectorOptions) -> str:
    """The text of a settings file with these values; options without a value are left out."""
    lines = list(_lines(values))
    for detector, table in options.items():
        lines += ["", f"[{OPTIONS}.{json.dumps(detector)}]", *_lines(table)]
    return "\n".join(lines) + "\n"


def _lines(values: Mapping[str, Any]) -> Iterable[str]:
    """One line per value."""
    for name, value in values.items():
        if value is not None:
            yield f"{name} = {_toml(value)}"


def _toml(value: Any) -> str:  # noqa: ANN401 - whatever an option may be
    """A value as TOML has it; what is no truth value, number or list is a text."""
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_toml, value))}]"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    return json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007f")
