"""`lineup list` and `lineup show`: what they print, and what they refuse."""

import pytest

from tests.support.command_line import one_line


def test_an_unknown_protocol_is_one_line(lineup):
    refused = one_line(lineup("show", "degradatoin"))
    assert "no detector, protocol, degradation or profile is named 'degradatoin'. Did you mean degradation?" in refused


def test_a_card_is_printed_by_list_as_by_show(lineup):
    listed, shown = lineup("list", "--long", "npr"), lineup("show", "npr")
    assert (listed.returncode, shown.returncode) == (0, 0)
    assert listed.stdout == shown.stdout
    assert "name: npr" in shown.stdout.splitlines()
    assert "lineup list --long npr" in one_line(lineup("list", "npr"))


def test_a_profile_is_shown(lineup):
    lines = lineup("show", "techjam-2026").stdout.splitlines()
    assert lines[0] == "profile: techjam-2026"
    assert "score: 0.5 clean_auc + 0.5 pooled_auc" in lines
    assert any(line.startswith("degradations: jpeg:90, ") for line in lines)


def test_an_unknown_detector_is_one_line(lineup):
    assert "Did you mean cnnspot?" in one_line(lineup("show", "cnnsport"))


@pytest.mark.parametrize(
    "flags", [("--json", "--markdown"), ("--long", "--degradations"), ("--long", "npr", "--markdown")]
)
def test_a_list_is_printed_in_one_way(lineup, flags):
    assert "give one" in one_line(lineup("list", *flags))


def test_a_degradation_is_shown_and_not_a_folder_of_its_name(lineup, tmp_path, monkeypatch):
    (tmp_path / "text").mkdir()
    monkeypatch.chdir(tmp_path)
    shown = lineup("show", "text")
    assert shown.returncode == 0
    assert "degradation: text" in shown.stdout.splitlines()
    assert "| `text:N` |" in lineup("list", "--degradations").stdout
