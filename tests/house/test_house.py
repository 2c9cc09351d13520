"""The house stands as it was drawn: names resolve to our files, layers hold, the command line is light."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import bench
import detectors
import protocols

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("package", [bench, detectors, protocols])
def test_package_names_resolve_to_our_files(package):
    assert Path(package.__file__).parent == ROOT / package.__name__


def run(*command):
    return subprocess.run([sys.executable, *command], capture_output=True, text=True, check=False, cwd=ROOT)


@pytest.mark.parametrize("arguments", ["--help", "list"])
def test_help_and_lists_do_not_import_torch(arguments):
    code = f"""
import sys
sys.argv = ["lineup", {arguments!r}]
from bench.command.main import main
try:
    main()
except SystemExit:
    pass
sys.exit("torch" in sys.modules or "pandas" in sys.modules)
"""
    assert run("-c", code).returncode == 0


def test_the_module_is_the_command():
    done = run("-m", "bench", "list")
    assert done.returncode == 0
    assert "cross_generator" in done.stdout


def test_layers_hold():
    done = subprocess.run(
        [Path(sys.executable).parent / "lint-imports", "--no-cache"],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    assert done.returncode == 0, done.stdout


def test_dependencies_and_constraints_agree():
    from packaging.requirements import Requirement

    pinned = {}
    for line in (ROOT / "constraints.txt").read_text().splitlines():
        name, _, version = line.partition("==")
        pinned[name.lower().replace("_", "-")] = version
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    for text in [*project["dependencies"], *project["optional-dependencies"]["dev"]]:
        requirement = Requirement(text)
        name = requirement.name.lower().replace("_", "-")
        assert pinned[name] in requirement.specifier, f"{name} is pinned outside of what pyproject.toml allows"


def test_the_contract_stays_small():
    lines = (ROOT / "detectors" / "api.py").read_text().splitlines()
    assert len(lines) <= 200
