"""The menu: every command is there, under its heading, and is imported when it is asked for."""

import re
from itertools import groupby

import pytest

from bench.command.menu.entries import BEGIN, COMPARE, LOOK, MACHINE, MENU, RUN, SHARE
from bench.command.menu.lazy_group import whole_commands
from tests.support.command_line import call, one_line


def test_help_has_all_commands_under_headings_in_the_order_of_use_and_the_first_steps_last():
    done = call({"COLUMNS": "100"}, "--help")
    assert done.returncode == 0
    headings = [BEGIN, RUN, LOOK, COMPARE, SHARE, MACHINE]
    assert re.findall(r"^╭─ (?!Options)(.*?) ─", done.stdout, re.M) == headings
    assert re.findall(r"^│ ([a-z]+) ", done.stdout, re.M) == [entry.name for entry in MENU]
    assert done.stdout.index("lineup run:") > done.stdout.index(MENU[-1].about)


def test_entries_of_one_heading_stand_together():
    panels = [entry.panel for entry in MENU]
    assert [panel for panel, _ in groupby(panels)] == list(dict.fromkeys(panels))


def test_every_command_can_be_imported_and_says_what_it_does():
    commands = whole_commands()
    assert list(commands) == [entry.name for entry in MENU]
    for name, command in commands.items():
        assert command.name == name
        assert command.help
        assert all(one.help for one in command.params if one.name != "help"), name


def test_one_command_is_imported_alone():
    assert list(whole_commands(["check"])) == ["check"]


@pytest.mark.parametrize(("typed", "meant"), [("leaderbord", "leaderboard"), ("dotcor", "doctor")])
def test_a_mistyped_command_is_told_the_similar_one(typed, meant):
    assert f"Did you mean {meant!r}?" in one_line(call({}, typed))


def test_groups_offer_what_they_do_and_nothing_about_completion():
    groups = [command for command in whole_commands().values() if hasattr(command, "commands")]
    assert {group.name for group in groups} >= {"cache", "golden", "weights"}
    assert not [parameter.name for group in groups for parameter in group.params if "completion" in parameter.name]


def test_paragraphs_of_a_help_are_lines_that_the_terminal_breaks():
    described = [
        one for command in whole_commands().values() for one in (command, *getattr(command, "commands", {}).values())
    ]
    assert any("\n\n" in one.help for one in described)
    assert not [one.name for one in described if "\n" in one.help.replace("\n\n", "")]
