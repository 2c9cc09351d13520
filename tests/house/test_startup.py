"""What a command imports before it answers: a mistyped word, a list and a table come at once.

Seconds differ from machine to machine; what is imported does not.
"""

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from bench.golden.golden_record import read_golden
from bench.platform.shipped_results import shipped_results
from tests.support.command_line import call
from tests.support.miniature import write_folder
from tests.support.result_folders import store_run

COMPUTING = {"torch", "torchvision", "timm", "open_clip", "sklearn", "skimage", "skops"}
TABLES = {"pandas", "pyarrow", "scipy"}
# Runs each list of arguments in a fork of one interpreter that has imported the command, and beside it only what is
# light and not ours, which most of them import: what computes and tables would be seen in every fork.
MAIN = """
import json, os, sys, tempfile
import decimal, multiprocessing, numpy, pydantic, rich.markdown, ssl, typer.rich_utils
import bench.command.main
from lineup_bench.start import command

answers = []
for arguments in json.loads(sys.argv[1]):
    with tempfile.TemporaryFile("w+") as printed, tempfile.TemporaryFile("w+") as modules:
        child = os.fork()
        if not child:
            os.dup2(printed.fileno(), 1)
            os.dup2(printed.fileno(), 2)
            sys.argv = ["lineup", *arguments]
            code = 0
            try:
                command()
            except SystemExit as end:
                code = end.code or 0
            sys.stdout.flush()
            json.dump(sorted(sys.modules), modules)
            modules.flush()
            os._exit(code)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        printed.seek(0)
        modules.seek(0)
        answers.append([code, printed.read(), json.load(modules)])
json.dump(answers, sys.stdout)
"""


def start_all(commands, cwd, **environment):
    """Of each command: exit code, what was printed, and the modules that were imported by then."""
    written = json.dumps([[str(argument) for argument in arguments] for arguments in commands])
    variables = {**os.environ, **environment}
    done = subprocess.run(
        [sys.executable, "-c", MAIN, written], capture_output=True, text=True, check=True, cwd=cwd, env=variables
    )
    return [(code, text, set(modules)) for code, text, modules in json.loads(done.stdout)]


def started(*arguments, cwd, **environment):
    """The same of one command."""
    return start_all([arguments], cwd, **environment)[0]


MISTAKES = {
    ("run", "--detectors", "hog_svn"): "Did you mean hog_svm?",
    ("run", "--protocol", "degradatoin"): "Did you mean degradation?",
    ("run", "--detector", "hog_svm"): "did you mean --detectors?",
    ("run", "--device", "tpu"): "device 'tpu' is not known",
    ("run", "--setting", "big"): "setting 'big' is not known",
    ("run", "--seed", "one"): "seed 'one' is not a whole number",
    ("run", "--executor", "ray"): "no executor is named 'ray'",
    ("run", "--track", "wandb"): "give mlflow:http://127.0.0.1:5000",
    ("run", "--data", "/nowhere"): "data /nowhere does not exist",
    ("run", "--data", "genimag:/nowhere"): "layout 'genimag' is not known",
    ("run", "--settings", "/nowhere.toml"): "settings /nowhere.toml cannot be read",
    ("data", "/nowhere"): "data /nowhere does not exist",
    ("degrade", "/nowhere", "--degradations", "jpeg:9", "--out", "o"): "data /nowhere does not exist",
    ("degrade", ".", "--profile", "techjam", "--out", "o"): "did you mean techjam-2026?",
    ("import", "/nowhere.json", "--data", "."): "/nowhere.json is no file",
    ("score", "photos", "--detector", "cnnsport", "--weights", "a.pth"): "Did you mean cnnspot?",
    ("show", "cnnsport"): "Did you mean cnnspot?",
    ("rescore", "/nowhere", "--threshold", "2"): "--threshold '2' is neither a probability",
    ("rescore", "/nowhere", "--calibrate", "isotonic"): "choose temperature, platt",
}
HELP_AND_LISTS = [
    (),
    ("--version",),
    ("--help",),
    ("run", "--help"),
    ("score", "--help"),
    ("degrade", "--help"),
    ("import", "--help"),
    ("rescore", "--help"),
    ("leaderboard", "--help"),
    ("check", "--help"),
    ("compare", "--help"),
    ("serve", "--help"),
    ("explain", "--help"),
    ("report", "--help"),
    ("figure", "--help"),
    ("list",),
    ("list", "--long"),
    ("list", "--json"),
    ("list", "--markdown"),
    ("list", "--long", "cnnspot"),
    ("show", "clip_probe"),
]


@pytest.fixture(scope="module")
def answers(tmp_path_factory):
    """The answers to mistakes, help and lists, by arguments."""
    commands = [*MISTAKES, *HELP_AND_LISTS]
    return dict(zip(commands, start_all(commands, tmp_path_factory.mktemp("empty")), strict=True))


@pytest.mark.parametrize(("arguments", "words"), MISTAKES.items())
def test_a_mistake_is_told_before_anything_heavy_is_imported(answers, arguments, words):
    code, text, modules = answers[arguments]
    assert code == 2
    assert words in text
    assert not modules & (COMPUTING | TABLES)


@pytest.mark.parametrize("arguments", HELP_AND_LISTS)
def test_help_and_lists_come_without_what_computes(answers, arguments):
    code, text, modules = answers[arguments]
    assert code == 0
    assert text.strip()
    assert not modules & (COMPUTING | TABLES)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A result folder: the golden record, as a run would have left it."""
    return store_run(read_golden(shipped_results() / "golden" / "degradation"), tmp_path_factory.mktemp("run"))


def test_a_table_needs_nothing_that_computes(tmp_path, finished):
    for code, text, modules in start_all([("leaderboard", finished), ("matrix", finished, "hog_svm")], tmp_path):
        assert code == 0
        assert "hog_svm" in text
        assert not modules & COMPUTING
        assert "scipy.stats" not in modules


def test_a_run_that_finds_everything_in_its_folders_needs_nothing_that_computes(tmp_path):
    data = write_folder(tmp_path / "data")
    arguments = ["run", "--data", data, "--detectors", "checkerboard,hog_svm", "--no-baselines", "--device", "cpu"]
    arguments += ["--out", tmp_path / "out"]
    cache = {"LINEUP_CACHE": str(tmp_path / "cache")}
    assert call(cache, *arguments).returncode == 0
    code, text, modules = started(*arguments, cwd=tmp_path, **cache)
    assert code == 0, text
    assert "18 cells reused" in text
    assert not modules & COMPUTING


def test_what_computes_is_seen_where_it_is_imported(tmp_path):
    _, _, modules = started(
        "run", "--data", write_folder(tmp_path), "--detectors", "hog_svm", "--dry-run", cwd=tmp_path
    )
    assert {"pandas", "scipy"} <= modules
    assert all(find_spec(name) for name in COMPUTING | TABLES)  # a name that is no package would never be seen


# Runs the command in this very process: it may start no other, and import nothing but its own and what typer needs.
ALONE = """
import io, os, sys
from contextlib import redirect_stdout
import typer, typer.completion, typer.rich_utils

app = typer.Typer(add_completion=False)
@app.command()
def command(option: bool = False) -> None: "A command of typer alone."
with redirect_stdout(io.StringIO()):
    app([], standalone_mode=False)
    app(["--help"], standalone_mode=False)
before = {name.partition(".")[0] for name in sys.modules}
os.fork = None
sys.argv = ["lineup", *sys.argv[1:]]
from lineup_bench.start import main
try:
    main()
except SystemExit:
    pass
after = {name.partition(".")[0] for name in sys.modules}
print(*(after - before - sys.stdlib_module_names - {"bench", "detectors", "protocols", "lineup_bench"}))
"""
ASKED_BY_A_SHELL = {
    "_LINEUP_COMPLETE": "complete_fish",
    "_TYPER_COMPLETE_FISH_ACTION": "get-args",
    "_TYPER_COMPLETE_ARGS": "lineup ",
}


@pytest.mark.parametrize(
    ("arguments", "environment"),
    [(("--help",), {}), (("--version",), {}), ((), {}), ((), ASKED_BY_A_SHELL)],
    ids=["help", "version", "no command", "completion"],
)
def test_what_runs_nothing_starts_no_process_and_imports_nothing_heavier_than_typer(arguments, environment):
    done = subprocess.run(
        [sys.executable, "-c", ALONE, *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environment},
    )
    assert done.returncode == 0, done.stderr
    *printed, imported = done.stdout.splitlines()
    assert printed
    assert imported == ""


def test_the_module_of_the_harness_is_the_command_as_well():
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-m", "bench", "list"], capture_output=True, text=True, check=False, cwd=root
    )
    assert done.returncode == 0
    assert "cross_generator" in done.stdout
