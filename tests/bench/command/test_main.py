"""The command's exit codes: 2 for what cannot be used, 3 for a fault of Lineup's own, never 1 for either."""

import pytest

import bench.command.main
from bench.platform.errors import InputError


@pytest.mark.parametrize(
    ("raised", "code"),
    [(InputError("no such thing"), 2), (PermissionError(13, "Permission denied", "/x"), 2), (KeyError("ours"), 3)],
)
def test_exit_codes(monkeypatch, capsys, raised, code):
    def failing():
        raise raised

    monkeypatch.setattr(bench.command.main, "_command", lambda: failing)
    with pytest.raises(SystemExit) as stopped:
        bench.command.main.main()
    assert stopped.value.code == code
    printed = capsys.readouterr().err
    assert printed.startswith("lineup: ") == (code == 2)
