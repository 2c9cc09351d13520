"""JSON: as it is found in files of others, read in one way, and as answers are written, in one way too."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import asdict, is_dataclass
from pathlib import PurePath
from typing import Any

_PART_OF_A_PAIR = re.compile(r"\\u[dD][89a-fA-F]")  # of two escapes that are one character together


def parse_json(text: str | bytes) -> Any:  # noqa: ANN401 - whatever JSON holds
    """The value in a text, all of whose texts can be written as UTF-8.

    Args:
        text: JSON, as bytes in any UTF.

    Raises:
        ValueError: It is no JSON, is nested more deeply than can be read, has a number of thousands of digits, or half
            of a character that is written as a pair. The message is one line.
    """
    try:
        text = text if isinstance(text, str) else text.decode(json.detect_encoding(text))
        value = json.loads(text)
        if "\\u" in text and _PART_OF_A_PAIR.search(text):
            json.dumps(value, ensure_ascii=False).encode()
    except RecursionError as error:
        msg = "its values are nested too deeply"
        raise ValueError(msg) from error
    except json.JSONDecodeError:
        raise
    except UnicodeDecodeError as error:
        msg = f"it is no text, from byte {error.start + 1} on"
        raise ValueError(msg) from error
    except UnicodeEncodeError as error:
        msg = f"it has half of a character, {error.object[error.start]!a}"
        raise ValueError(msg) from error
    except ValueError as error:  # a number that Python does not convert
        msg = "it has a whole number of thousands of digits"
        raise ValueError(msg) from error
    return value


def json_document(value: object) -> str:
    """A value as one JSON document, texts as they are.

    Args:
        value: Texts, numbers, None, paths, dataclasses, arrays, tables, and mappings and sequences of these. A table
            becomes a list of its rows; a number that is none, or has no end, becomes null.
    """
    return json.dumps(json_parts(value), indent=1, ensure_ascii=False, allow_nan=False)


def json_parts(value: Any) -> Any:  # noqa: ANN401 - whatever is answered
    """A value as JSON can hold it."""
    if is_dataclass(value) and not isinstance(value, type):
        value = asdict(value)
    if hasattr(value, "to_dict"):  # a table
        value = value.to_dict(orient="records")
    if hasattr(value, "tolist"):  # an array, or a number of one
        value = value.tolist()
    if isinstance(value, Mapping):
        return {str(name): json_parts(part) for name, part in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [json_parts(part) for part in value]
    if isinstance(value, PurePath):
        return str(value)
    return None if isinstance(value, float) and not math.isfinite(value) else value
