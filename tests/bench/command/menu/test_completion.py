"""Completion, as the scripts of the shells ask for it, and in a real bash."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from unittest.mock import patch

import pytest

from bench.command.menu import completion
from tests.support.command_line import call

BASH_HERE = shutil.which("bash")
LINEUP = Path(sys.executable).with_name("lineup")
# Asks for what completes each line as readline does, with the words cut where bash cuts them.
BASH = r"""
while IFS=$'\t' read -r line words; do
    COMP_LINE="$line" COMP_POINT=${#line}
    IFS='|' read -r -a COMP_WORDS <<< "$words"
    [[ $words == *'|' ]] && COMP_WORDS+=("")
    COMP_CWORD=$(( ${#COMP_WORDS[@]} - 1 ))
    _lineup_completion lineup
    printf '%s\n' "$line: ${COMPREPLY[*]}"
done
"""


def asked(line, shell="fish", **more):
    """What a shell's script gets for a line: exit code, what is printed, and what the user would see of it."""
    environment = {
        "_LINEUP_COMPLETE": f"complete_{shell}",
        "_TYPER_COMPLETE_FISH_ACTION": "get-args",
        "_TYPER_COMPLETE_ARGS": line,
    }
    with patch("typer.rich_utils.MAX_WIDTH", 1000):  # which a process of its own reads of its environment, once
        done = call({**environment, **more}, "nothing that is looked at")
    return done.returncode, [one.partition("\t")[0] for one in done.stdout.splitlines() if one], done.stderr


@pytest.mark.parametrize(
    ("line", "first"),
    [
        ("lineup comp", "compare"),
        ("lineup run --dete", "--detectors"),
        ("lineup run --detectors hog_svm,spect", "hog_svm,spectrum"),
        ("lineup run --protocol cross", "cross_generator"),
        ("lineup run --protocol robustness --sev", "--severities"),
        ("lineup degrade x --degradations blur:1,jpeg:6", "blur:1,jpeg:60"),
        ("lineup degrade x --profile techj", "techjam-2026"),
        ("lineup data embe", "embedded"),
        ("lineup figure x rel", "reliability"),
        ("lineup explain balanced_a", "balanced_accuracy"),
        ("lineup cache pr", "prune"),
        ("lineup run --device cu", "cuda"),
        ("lineup runs list --protocol cross", "cross_generator"),
        ("lineup golden make record --detectors hog", "hog_svm"),
        ("lineup export x --what leaderboard,thr", "leaderboard,throughput"),
        ("lineup export x --form lat", "latex"),
        ("lineup leaderboard x --rank-by roc", "roc_auc"),
    ],
)
def test_commands_options_and_values_are_completed(line, first):
    code, words, errors = asked(line)
    assert (code, errors) == (0, "")
    assert first in words
    assert all(word.startswith(line.rpartition(" ")[2]) for word in words)


@pytest.mark.parametrize("line", ["lineup nonsense x", "lineup run --nothing ", "lineup run --settings /none.toml --d"])
def test_what_cannot_be_completed_says_nothing_to_who_types(line):
    assert asked(line) == (0, [], "")


def test_the_words_of_each_shell():
    assert asked("lineup lead", "zsh")[1] == ['_arguments \'*: :(("leaderboard":"Rank the detectors of runs."))\'']
    assert call({}, "completion", "zsh").stdout.startswith("#compdef lineup\n")
    assert "complete --command lineup --no-files" in call({}, "completion", "fish").stdout
    assert call({}, "completion", "csh").returncode == 2


@pytest.mark.skipif(BASH_HERE is None, reason="there is no bash")
def test_a_real_bash_completes_words_that_it_cuts_in_parts():
    script = call({}, "completion", "bash").stdout + BASH
    lines = {
        "lineup degrade x --degradations jpeg:6\tlineup|degrade|x|--degradations|jpeg|:|6": "60",
        "lineup run --detectors=npr,cnnsp\tlineup|run|--detectors|=|npr,cnnsp": "npr,cnnspot",
    }
    done = subprocess.run(
        [BASH_HERE, "--norc", "-c", f"set -u\ncompopt() {{ :; }}\n{script}"],
        input="".join(f"{line}\n" for line in lines),
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PATH": f"{LINEUP.parent}:{os.environ['PATH']}"},
    )
    assert done.stderr == ""
    typed = [line.partition("\t")[0] for line in lines]
    assert done.stdout.splitlines() == [f"{line}: {words}" for line, words in zip(typed, lines.values(), strict=True)]


def test_the_variable_is_the_one_that_typer_looks_at():
    assert completion.VARIABLE == "_LINEUP_COMPLETE"
    assert completion.VARIABLE in completion.BASH
