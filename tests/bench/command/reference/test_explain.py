"""`lineup explain`: what is printed, and what is imported for it."""

import json
import os
import subprocess
import sys

import pytest

from bench.explanations.registry import all_names
from tests.support.command_line import call, one_line

IMPORTED = """
import json, sys
from bench.command.main import app
try:
    app(["explain", *sys.argv[1:]])
except SystemExit:
    pass
finally:
    print(json.dumps(sorted(sys.modules)))
"""


def explained(*arguments):
    return call({}, "explain", *arguments)


def test_a_column_is_explained_with_its_formula_and_where_it_stands():
    done = explained("EER")
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    assert lines[0] == "eer, EER"
    for label in ("means", "formula", "values", "source", "in"):
        assert sum(line.startswith(f"  {label}: ") for line in lines) == 1
    assert max(map(len, lines)) <= 100


def test_words_of_one_name_need_no_quotes():
    assert explained("off-diagonal", "low").stdout == explained("off-diagonal low").stdout


def test_without_a_name_every_column_is_listed():
    printed = " ".join(explained().stdout.split())
    assert [name for name in all_names() if name not in printed] == []


def test_an_unknown_name_is_one_line_with_the_nearest():
    done = explained("acuracy")
    assert done.returncode == 2
    assert "Did you mean accuracy?" in one_line(done)


def test_a_name_and_markdown_are_not_printed_together():
    assert "leave one of them out" in one_line(explained("EER", "--markdown"))


@pytest.mark.parametrize("arguments", [(), ("EER",), ("--markdown",)])
def test_nothing_that_computes_is_imported(arguments):
    done = subprocess.run(
        [sys.executable, "-c", IMPORTED, *arguments], capture_output=True, text=True, check=True, env={**os.environ}
    )
    modules = set(json.loads(done.stdout.splitlines()[-1]))
    assert "bench.explanations.registry" in modules
    assert not modules & {"torch", "pandas", "pyarrow", "sklearn", "matplotlib", "scipy.stats", "scipy.optimize"}
