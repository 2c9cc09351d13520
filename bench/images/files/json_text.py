"""JSON as it is found in files of others."""

from __future__ import annotations

import json
from typing import Any


def parse_json(text: str | bytes) -> Any:  # noqa: ANN401 - whatever JSON holds
    """The value in a text. Raises `ValueError`, also for one that is nested more deeply than can be read."""
    try:
        return json.loads(text)
    except RecursionError as error:
        msg = "its values are nested too deeply"
        raise ValueError(msg) from error
