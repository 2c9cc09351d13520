"""Files with something wrong in them: bytes changed anywhere, or values in the place of others."""

from __future__ import annotations

import json

from hypothesis import strategies as st

DEEP = "[" * 3000
WORDS = (  # what may stand anywhere in a text
    *("", "\0", "\r", "\ufeff", "\x1b[31m", "\x9b31m", "'", '"', "\\", "{", "[", "]", ",", "=", "."),
    *("\\u0000", "\\ud800", "\n", "[options]"),
    *("9" * 20, "9" * 400, "9" * 5000, "-1", "1e999", "NaN", "null", "true", "../../x", "x" * 1000, DEEP),
    '{"a":' * 3000,
    *("<script>", "=1+1", "\N{RIGHT-TO-LEFT OVERRIDE}", "2020-01-01"),
)  # fmt: skip
VALUES = (  # what may stand in the place of any value
    *(None, True, 0, -1, 1.5, 10**25, 10**400, float("inf"), float("nan"), "", "\0", "\x1b[31m", "../../x", "x" * 1000),
    *([], {}, [None], {"a": {"a": 1}}, [[1]], "=1+1", "\N{RIGHT-TO-LEFT OVERRIDE}"),
)  # fmt: skip


def changed_bytes(data: bytes):
    """A strategy of the same bytes with some cut out, put in or flipped, up to three times."""
    place = st.integers(0, len(data))
    words = st.sampled_from([word.encode("utf-8") for word in WORDS]) | st.binary(max_size=8)
    edit = st.tuples(place, st.sampled_from((0, 0, 1, 4, 40, len(data))), words)

    def apply(edits):
        result = data
        for start, removed, added in edits:
            result = result[:start] + added + result[start + removed :]
        return result

    return st.lists(edit, min_size=1, max_size=3).map(apply)


def changed_values(whole: object):
    """A strategy of the text of a JSON document, one or two of whose values or keys are others."""
    places = [*_places(whole)]
    edit = st.tuples(st.sampled_from(places), st.sampled_from(VALUES), st.booleans())

    def apply(edits):
        result = json.loads(json.dumps(whole))
        for place, value, renames in edits:
            _put(result, place, value, renames=renames)
        return json.dumps(result)

    return st.lists(edit, min_size=1, max_size=2).map(apply)


def _places(value, path=()):
    """The place of every value in another one, of the first three of a list alone."""
    if path:
        yield path
    named = value.items() if isinstance(value, dict) else enumerate(value[:3]) if isinstance(value, list) else ()
    for name, inner in named:
        yield from _places(inner, (*path, name))


def _put(whole, place, value, *, renames):
    """Put a value, or a key, in the place of another, as far as the place is still there."""
    for step in place[:-1]:
        try:
            whole = whole[step]
        except (LookupError, TypeError):
            return
    if isinstance(whole, dict) and renames:
        whole[str(value)] = whole.pop(place[-1], value)
    elif isinstance(whole, dict) or (isinstance(whole, list) and isinstance(place[-1], int) and place[-1] < len(whole)):
        whole[place[-1]] = value
