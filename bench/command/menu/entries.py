"""What `lineup` can do: each command with its place in the help and the module that it is imported from when it runs.

The order is that in which a user comes to need them.
"""

from __future__ import annotations

from dataclasses import dataclass

BEGIN, RUN, LOOK = "Begin", "Run", "Look at results"
COMPARE, SHARE, MACHINE = "Compare and gate", "Share", "This machine"


@dataclass(frozen=True, slots=True)
class MenuEntry:
    """One command of the menu.

    Attributes:
        name: As it is typed.
        panel: The heading that it stands under.
        about: What it is for, in a few words.
        target: `module:attribute` of its function, or of a typer app with commands of its own.
        command_class: `module:attribute` of the class of its command; "" for the usual one.
    """

    name: str
    panel: str
    about: str
    target: str
    command_class: str = ""


MENU = (
    MenuEntry("data", BEGIN, "Say what a folder or archive of images holds.", "bench.command.data:data_command"),
    MenuEntry("list", BEGIN, "Name what is installed.", "bench.command.cards:list_command"),
    MenuEntry(
        "show", BEGIN, "Show one detector, protocol or degradation, or a run.", "bench.command.cards:show_command"
    ),
    MenuEntry("new", BEGIN, "Write a file to begin with.", "bench.command.new:app"),
    MenuEntry(
        "run",
        RUN,
        "Answer a protocol; again, to do what is missing.",
        "bench.command.run:run_command",
        "bench.command.protocol_options:ProtocolCommand",
    ),
    MenuEntry("sweep", RUN, "Run what a file asks for, on one board.", "bench.command.runs.sweep:sweep_command"),
    MenuEntry("score", RUN, "Score images with checkpoints or fitted detectors.", "bench.command.score:score_command"),
    MenuEntry("serve", RUN, "Follow a run in a browser.", "bench.command.finished.serve:serve_command"),
    MenuEntry("runs", LOOK, "List, name, tag and remove runs.", "bench.command.runs.runs:app"),
    MenuEntry("leaderboard", LOOK, "Rank the detectors of runs.", "bench.command.leaderboard:leaderboard_command"),
    MenuEntry("matrix", LOOK, "Show the matrix of one detector.", "bench.command.leaderboard:matrix_command"),
    MenuEntry("figure", LOOK, "Answer one question about a run.", "bench.command.finished.figure:figure_command"),
    MenuEntry(
        "rescore",
        LOOK,
        "Measure a run at another threshold or calibration.",
        "bench.command.finished.rescore:rescore_command",
    ),
    MenuEntry("profile", LOOK, "Say where the time of a run went.", "bench.command.finished.profile:profile_command"),
    MenuEntry(
        "explain", LOOK, "Say what a column of a table means.", "bench.command.reference.explain:explain_command"
    ),
    MenuEntry(
        "compare",
        COMPARE,
        "Say whether two runs or detectors differ beyond chance.",
        "bench.command.finished.compare:compare_command",
    ),
    MenuEntry(
        "regress", COMPARE, "Compare this machine with the golden record.", "bench.command.regress:regress_command"
    ),
    MenuEntry(
        "golden", COMPARE, "Record what your detectors say, and see what moved.", "bench.command.gate.golden:app"
    ),
    MenuEntry("check", COMPARE, "Verify the files of a result folder.", "bench.command.finished.check:check_command"),
    MenuEntry("report", SHARE, "Write one page about runs.", "bench.command.finished.report:report_command"),
    MenuEntry(
        "import",
        SHARE,
        "Bring scores of another tool onto a board.",
        "bench.command.exchange.import_scores:import_command",
    ),
    MenuEntry(
        "export", SHARE, "Write tables and scores for other tools.", "bench.command.exchange.export:export_command"
    ),
    MenuEntry("degrade", SHARE, "Write degraded copies of images.", "bench.command.exchange.degrade:degrade_command"),
    MenuEntry("doctor", MACHINE, "Say what of this machine works.", "bench.command.machine.doctor:doctor_command"),
    MenuEntry("weights", MACHINE, "List, download or make weights.", "bench.command.weights:app"),
    MenuEntry("corpus", MACHINE, "Make the corpus that ships as code.", "bench.command.corpus:corpus_command"),
    MenuEntry("cache", MACHINE, "Show and prune the cache folder.", "bench.command.storage.cache:app"),
    MenuEntry(
        "completion",
        MACHINE,
        "Print the completion for bash, zsh or fish.",
        "bench.command.menu.completion:completion_command",
    ),
)
