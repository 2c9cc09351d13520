"""JSON as it is found in files of others, read in one way."""

from __future__ import annotations

import json
import re
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
