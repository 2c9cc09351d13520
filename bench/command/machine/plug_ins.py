"""What other packages add, and whether it can be imported."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from bench.command.machine.findings import MachineFinding
from bench.command.machine.libraries import DISTRIBUTION
from bench.command.machine.trials import Trial, import_plug_in, reason

TOPIC = "Plug-ins"
GROUPS = (
    *("lineup.detectors", "lineup.protocols", "lineup.degradations", "lineup.layouts", "lineup.metrics"),
    *("lineup.report_sections", "lineup.figures", "lineup.executors"),
)


def trials() -> dict[str, Trial]:
    """What is tried: the import of every entry point of another package."""
    return {_title(one): (import_plug_in, (one.group, one.name)) for one in _foreign()}


def examine_plug_ins(answers: Mapping[str, Any]) -> Iterator[MachineFinding]:
    """Every entry point of another package."""
    for one in _foreign():
        package = f"{one.dist.name} {one.dist.version}" if one.dist else "a package without a name"
        answer = answers[_title(one)]
        if isinstance(answer, BaseException):
            text = f"of {package} cannot be imported ({reason(answer)})"
            yield MachineFinding(TOPIC, _title(one), "problem", text, "repair or uninstall that package")
        else:
            yield MachineFinding(TOPIC, _title(one), "ok", package)


def _foreign() -> list[EntryPoint]:
    return [
        one for group in GROUPS for one in entry_points(group=group) if not one.dist or one.dist.name != DISTRIBUTION
    ]


def _title(one: EntryPoint) -> str:
    return f"{one.group.removeprefix('lineup.').rstrip('s').replace('_', ' ')} {one.name}"
