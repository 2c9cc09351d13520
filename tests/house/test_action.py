"""The action of GitHub and the hook of pre-commit: their steps in a shell, as a runner starts them."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from lineup_checkerboard import CheckerboardDetector

from bench.command.menu.lazy_group import whole_commands
from tests.support.command_line import call
from tests.support.miniature import write_folder

ROOT = Path(__file__).parents[2]
ACTION = yaml.safe_load((ROOT / "action.yml").read_text())
STEPS = {step["id"]: step for step in ACTION["runs"]["steps"] if "run" in step}
EXPRESSION = re.compile(r"\$\{\{\s*(inputs|github)\.([\w-]+)\s*\}\}")
BASH = ["bash", "--noprofile", "--norc", "-eo", "pipefail"]  # as a runner has it for `shell: bash`
TELLING_TOOL = '#!/bin/sh\nprintf "%s\\n" "$@"\nexit {code}\n'  # prints each argument on a line


def run_step(step, inputs, environment):
    """A step of the action in a shell, with the environment that a runner would give it."""
    given = {name: one.get("default", "") for name, one in ACTION["inputs"].items()} | inputs

    def value(found):
        return given[found[2]] if found[1] == "inputs" else {"action_path": str(ROOT)}[found[2]]

    own = {name: EXPRESSION.sub(value, text) for name, text in step["env"].items()}
    script = Path(environment["RUNNER_TEMP"]) / "step.sh"
    script.write_text(step["run"])
    whole = {**os.environ, **environment, **own}
    return subprocess.run([*BASH, str(script)], env=whole, capture_output=True, text=True, check=False)


@pytest.fixture
def runner(tmp_path):
    """What a runner sets: a folder for temporary files, and files for outputs and the summary of the step."""
    for name in ("output", "summary"):
        (tmp_path / name).touch()
    (tmp_path / "bin").mkdir()
    return {
        "RUNNER_TEMP": str(tmp_path),
        "GITHUB_OUTPUT": str(tmp_path / "output"),
        "GITHUB_STEP_SUMMARY": str(tmp_path / "summary"),
        "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}",
        "OMP_NUM_THREADS": "1",
    }


def telling(runner, name, code=0):
    """A tool that prints its arguments in place of the real one."""
    tool = Path(runner["RUNNER_TEMP"]) / "bin" / name
    tool.write_text(TELLING_TOOL.format(code=code))
    tool.chmod(0o755)


def test_inputs_reach_the_shell_through_the_environment_alone():
    for step in STEPS.values():
        assert "${{" not in step["run"]
        assert step["shell"] == "bash"
        used = {found[2] for text in step["env"].values() for found in EXPRESSION.finditer(text)}
        assert used <= {*ACTION["inputs"], "action_path"}


def test_what_is_typed_is_handed_on_as_it_is_and_nothing_is_executed(runner, tmp_path):
    telling(runner, "lineup", code=1)
    evil = {
        "record": f"-x $(touch {tmp_path}/a)",
        "data": f"two words; touch {tmp_path}/b",
        "args": "--workers 2\n * `id`",
    }
    done = run_step(STEPS["check"], evil, runner)
    assert done.returncode == 1
    assert done.stdout.splitlines() == [
        *("golden", "check", "--workers", "2", "*", "`id`", f"--data=two words; touch {tmp_path}/b", "--"),
        f"-x $(touch {tmp_path}/a)",
    ]
    assert (tmp_path / "output").read_text() == "exit-code=1\n"
    assert not (tmp_path / "a").exists()
    assert not (tmp_path / "b").exists()


def test_lineup_is_installed_with_the_versions_that_are_known_to_work(runner):
    telling(runner, "python")
    done = run_step(STEPS["install"], {"packages": ".\nmine @ git+https://x\n"}, runner)
    assert done.stdout.splitlines()[-4:] == ["--", str(ROOT), ".", "mine @ git+https://x"]
    assert f"{ROOT}/constraints.txt" in done.stdout


def test_the_hook_is_a_command_that_there_is():
    (hook,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    assert (hook["id"], hook["language"], hook["pass_filenames"]) == ("lineup-golden-check", "system", False)
    group = whole_commands(["golden"])["golden"]
    assert hook["entry"].split() == ["lineup", "golden", "check"]
    assert "check" in group.commands


def test_the_page_on_the_gate_types_what_there_is():
    text = (ROOT / "docs" / "how-to" / "your-ci.md").read_text()
    blocks = re.findall(r"```(\w+)\n(.*?)```", text.replace("\\\n", " "), re.DOTALL)
    commands = {one.name: one for one in whole_commands(["golden"])["golden"].commands.values()}
    typed = [
        shlex.split(line) for kind, block in blocks for line in block.splitlines() if line.startswith("lineup golden")
    ]
    assert {words[2] for words in typed} == {"make", "check"}
    for words in typed:
        known = {flag for one in commands[words[2]].params for flag in (*one.opts, *one.secondary_opts)}
        assert {word for word in words[3:] if word.startswith("--")} <= {*known}
    workflow, hooks = (yaml.safe_load(block) for kind, block in blocks if kind == "yaml")
    (step,) = [step for step in workflow["jobs"]["gate"]["steps"] if "/lineup@" in step["uses"]]
    assert set(step["with"]) <= set(ACTION["inputs"])
    assert hooks["repos"][0]["hooks"][0]["id"] == "lineup-golden-check"


@pytest.mark.slow
def test_the_check_of_the_action_passes_and_fails_as_the_record_says(runner, tmp_path, monkeypatch):
    """The second record was made by a detector that has changed since."""
    environment = {"LINEUP_CACHE": str(tmp_path / "cache"), "COLUMNS": "120"}
    data, records = write_folder(tmp_path / "data", train=6, val=5), {}
    asked = ("--data", data, "--detectors", "checkerboard", "--train-on", "even", "--no-baselines", "--keep-fitted")
    for name in ("same", "other"):
        records[name] = tmp_path / name
        assert call(environment, "golden", "make", records[name], *asked).returncode == 0
        right = CheckerboardDetector.score
        monkeypatch.setattr(CheckerboardDetector, "score", lambda self, batch, right=right: 1 - right(self, batch))
    (tmp_path / "bin" / "lineup").symlink_to(shutil.which("lineup", path=str(Path(sys.executable).parent)))
    codes = {}
    for name, record in records.items():
        done = run_step(STEPS["check"], {"record": str(record), "args": "--workers 1"}, runner | environment)
        codes[name] = done.returncode
        assert (tmp_path / "output").read_text().endswith(f"exit-code={done.returncode}\n")
    assert codes == {"same": 0, "other": 1}
    summary = (tmp_path / "summary").read_text()
    assert summary.index("## same: passed") < summary.index("## other: failed")
    assert "train even, test faint" in summary
