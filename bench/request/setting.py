"""The setting of a run: published sizes and budgets, or those of the embedded corpus."""

from __future__ import annotations

from bench.platform.errors import InputError
from bench.records.settings import former_name
from detectors.card import SETTINGS, Setting

AUTO = "auto"


def require_setting(given: str, choices: tuple[str, ...] = (AUTO, *SETTINGS)) -> None:
    """Raise `InputError` unless `given` is one of the choices."""
    if given not in choices:
        msg = f"setting {given!r}{former_name(given) or ' is not known'}; choose {', '.join(choices)}"
        raise InputError(msg)


def choose_setting(given: str, *, real_data: bool, device: str) -> Setting:
    """The setting that was given; else "paper" for real data on a GPU, and "small" otherwise."""
    if given == "paper" or (given == AUTO and real_data and device != "cpu"):
        return "paper"
    return "small"
