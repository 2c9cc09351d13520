"""The command's exit codes: 2 for what cannot be used, 3 for a fault of Lineup's own, never 1 for either."""

import re
import signal

import pytest

import bench.command.main
from bench.platform.errors import InputError
from bench.platform.outside.interruption import Interrupted
from tests.support.command_line import call, one_line


@pytest.mark.parametrize(
    ("raised", "code"),
    [
        (InputError("no such thing"), 2),
        (PermissionError(13, "Permission denied", "/x"), 2),
        (KeyError("ours"), 3),
        (Interrupted(signal.SIGINT), 130),
        (Interrupted(signal.SIGTERM), 143),
        (Interrupted(signal.SIGHUP), 129),
    ],
)
def test_exit_codes(monkeypatch, capsys, raised, code):
    def failing(**_):
        raise raised

    monkeypatch.setattr(bench.command.main, "_command", lambda: failing)
    with pytest.raises(SystemExit) as stopped:
        bench.command.main.main()
    assert stopped.value.code == code
    printed = capsys.readouterr().err
    assert printed.startswith("lineup: ") == (code != 3)
    assert (printed.count("\n") == 1) == (code != 3)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("run", "--limit", "1"), "'--limit': Input should be greater than or equal to 2; `lineup run --help` says"),
        (("run", "--limit", "9" * 5000), r"9{60}\.\.\. has a number of 5,000 digits; give a smaller one"),
        (("nothing",), "No such command 'nothing'; `lineup --help` says what can be given"),
        (("data",), "Missing argument 'data'; `lineup data --help` says"),
        (("data", "/nowhere\x1b[31m\n" + "d" * 3000), r"File name too long: '/nowhere.*d{50}\.\.\.d{49}'$"),
        (("show", "\N{RIGHT-TO-LEFT OVERRIDE}"), r"is named '\\u202e'"),
    ],
)
def test_what_cannot_be_used_is_one_line_that_can_be_read(arguments, said):
    line = one_line(call({}, *arguments))
    assert re.search(said, line)
    assert line.isprintable()
    assert len(line) < 1500
