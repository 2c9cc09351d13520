"""Settings files: what they cannot say is refused, and what is written reads the same."""

import tomllib

import pytest

from bench.platform.errors import InputError
from bench.request.settings_file import read_settings as read
from bench.request.settings_file import to_toml as written


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("limit = [", "cannot be read ("),
        ("[limit]\na = 3", "limit is a table or a date"),
        ("options = 3", "holds one table per detector"),
    ],
)
def test_what_a_file_cannot_say_is_one_clear_line(settings_file, text, words):
    with pytest.raises(InputError) as raised:
        read(settings_file(text))
    assert words in str(raised.value)
    assert "\n" not in str(raised.value)


def test_what_is_written_reads_the_same():
    values = {"data": 'a "quoted"\npath', "limit": None, "test_all": True, "max_unreadable": 0.25}
    values |= {"sizes": [1, 2], "share": float("inf"), "tiny": 1e-300, "named": "😀\x7f", "flags": [True]}
    options = {"cnnspot": {"curriculum": ["a", "b"]}}
    again = tomllib.loads(written(values, options))
    assert again.pop("options") == options
    assert again == {name: value for name, value in values.items() if value is not None}
