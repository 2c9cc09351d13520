"""The description that a data set gives of itself, in the file `dataset.json` at its top."""

from __future__ import annotations

from typing import Any

from bench.images.files.tree import Tree
from bench.platform.errors import InputError
from bench.platform.outside.json_text import parse_json

DESCRIPTION = "dataset.json"


def read_description(tree: Tree) -> dict[str, Any]:
    """The object in `dataset.json`: `title`, `families` and what else it states; empty where there is no such file.

    Raises:
        InputError: It is not a JSON object, or its title or families are not texts.
    """
    if DESCRIPTION not in tree.listing.data:
        return {}
    where = f"{tree.where}/{DESCRIPTION}"
    try:
        facts: Any = parse_json(tree.read_text(DESCRIPTION))
    except ValueError as error:
        msg = f"{where} is not JSON ({error}); mend it or take it away"
        raise InputError(msg) from error
    families = facts.get("families", {}) if isinstance(facts, dict) else None
    texts = [facts.get("title", ""), *families, *families.values()] if isinstance(families, dict) else [None]
    if not all(isinstance(text, str) for text in texts):
        msg = f"{where} is not a JSON object with a text as title and texts as families; mend it or take it away"
        raise InputError(msg)
    return dict(facts)
