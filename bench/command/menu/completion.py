"""`lineup completion`: the words that a shell offers when the tab key is pressed."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from contextlib import redirect_stderr, suppress
from enum import StrEnum
from typing import Annotated, Any

import typer

from bench.platform.outside.terminal import say

VARIABLE = "_LINEUP_COMPLETE"
# typer's own scripts leave it to bash where a word ends, which cuts jpeg:65 and --detectors=npr in parts, call whatever
# `lineup` the path has, ask twice in fish, and show its errors to who types; these speak with typer as its own do
BASH = r"""_lineup_completion() {
    local IFS=$'\n' typed="${COMP_LINE:0:COMP_POINT}" part="${COMP_WORDS[COMP_CWORD]}" word
    [[ $part == [:=@] ]] && part=""
    word="${typed##*[[:space:]]}"
    COMPREPLY=( $( env _LINEUP_COMPLETE=complete_fish _TYPER_COMPLETE_FISH_ACTION=get-args \
                   _TYPER_COMPLETE_ARGS="$typed" "$1" 2>/dev/null | cut -f 1 ) )
    [[ $word == --*=* ]] && part="${word#*=}" word="$part"
    COMPREPLY=( "${COMPREPLY[@]#"${word%"$part"}"}" )
    [[ ${#COMPREPLY[@]} -eq 1 && $COMPREPLY == *[/:=,] ]] && compopt -o nospace
    return 0
}
complete -o default -F _lineup_completion lineup"""
ZSH = """#compdef lineup
_lineup_completion() {
    eval $(env _LINEUP_COMPLETE=complete_zsh _TYPER_COMPLETE_ARGS="${words[1,$CURRENT]}" "${words[1]}" 2>/dev/null)
}
compdef _lineup_completion lineup"""
FISH = """function __lineup_completion
    set -l typed (commandline -cp | string collect)
    set -l found (env _LINEUP_COMPLETE=complete_fish _TYPER_COMPLETE_FISH_ACTION=get-args \\
        _TYPER_COMPLETE_ARGS=$typed (commandline -opc)[1] 2>/dev/null | string match -r '.+')
    if test (count $found) -gt 0
        printf '%s\\n' $found
    else
        __fish_complete_path (commandline -ct)
    end
end
complete --command lineup --no-files --arguments '(__lineup_completion)'"""


class Shell(StrEnum):
    """A shell that completion is written for."""

    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"


def completion_command(shell: Annotated[Shell, typer.Argument(help="The shell that is to complete.")]) -> None:
    """Print the script that makes a shell complete commands, options and values; nothing is written.

    bash: put eval "$(lineup completion bash)" into ~/.bashrc.

    zsh: the same with zsh into ~/.zshrc, below compinit.

    fish: lineup completion fish > ~/.config/fish/completions/lineup.fish
    """
    say({Shell.BASH: BASH, Shell.ZSH: ZSH, Shell.FISH: FISH}[shell])


def is_asked_by_a_shell() -> bool:
    """Whether a shell asks what completes a line."""
    return VARIABLE in os.environ


def answer_shell(command: Callable[[], Any]) -> None:
    """Print what completes a line, and nothing where anything is wrong: the shell would show it to who types.

    Args:
        command: Makes the whole command.
    """
    os.environ["TERMINAL_WIDTH"] = "1000"  # typer would break what it says of an option into lines, each as a value
    from typer.completion import get_completion_inspect_parameters

    with suppress(Exception), redirect_stderr(io.StringIO()):
        get_completion_inspect_parameters()  # lets typer know of the shells
        command()(args=[], prog_name="lineup", complete_var=VARIABLE)
