"""TOML as users write it, read in one way: settings, protocols, profiles and tables of release dates."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

MAX_BYTES = 2**24
MAX_LEVELS = 100  # of tables in tables: the time that is needed grows with the square of them
WHOLE_NUMBERS = range(-(2**63), 2**63)  # those that TOML has
LONG_NUMBER = re.compile(r"\d{1000,}")  # in a text that may become a number: Python converts no number of thousands
_TOO_MANY_LEVELS = re.compile(rf"(?<![\w\"'-])(?:[\w\"'-]++[ \t]*+\.[ \t]*+){{{MAX_LEVELS}}}")


class UnreadableToml(ValueError):
    """A file that cannot be read as TOML. The message is the reason, in one line."""


def read_toml(path: Path) -> dict[str, Any]:
    """The content of a file: whole numbers of 64 bits, texts without NUL characters and numbers of 1,000 digits.

    Raises:
        UnreadableToml: There is no such file, it is something else, or its values are nested too deeply.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            msg = f"it has more than {MAX_BYTES:,} bytes"
            raise UnreadableToml(msg)
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        msg = f"it is no UTF-8 text, from byte {error.start + 1} on"
        raise UnreadableToml(msg) from error
    except (OSError, ValueError) as error:  # ValueError: of a path with a NUL character
        raise UnreadableToml(str(getattr(error, "strerror", None) or error)) from error
    return parse_toml(text)


def parse_toml(text: str) -> dict[str, Any]:
    """The content of a text, as `read_toml` has it. Raises `UnreadableToml`."""
    if _TOO_MANY_LEVELS.search(text):
        msg = f"its tables are nested in more than {MAX_LEVELS} levels"
        raise UnreadableToml(msg)
    try:
        whole = tomllib.loads(text)
        fault = _fault(whole)
    except tomllib.TOMLDecodeError as error:
        raise UnreadableToml(str(error)) from error
    except RecursionError as error:
        msg = "its values are nested too deeply"
        raise UnreadableToml(msg) from error
    except ValueError as error:  # a number of thousands of digits, which Python does not convert
        fault = "it has a whole number of more than 64 bits"
        raise UnreadableToml(fault) from error
    if fault:
        raise UnreadableToml(fault)
    return whole


def _fault(value: Any) -> str:  # noqa: ANN401 - whatever TOML holds
    """What is wrong with a value or with one in it; "" for nothing."""
    if isinstance(value, dict):
        return next((fault for pair in value.items() for part in pair if (fault := _fault(part))), "")
    if isinstance(value, list):
        return next((fault for part in value if (fault := _fault(part))), "")
    if isinstance(value, str) and "\0" in value:
        return f"the text {value!r:.60} has a NUL character"
    if isinstance(value, str) and LONG_NUMBER.search(value):
        return f"the text {value!r:.60} has a number of 1,000 digits or more"
    if isinstance(value, int) and value not in WHOLE_NUMBERS:
        return "it has a whole number of more than 64 bits"
    return ""
