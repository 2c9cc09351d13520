"""The house stands as it was planned: names resolve to our files, layers hold, texts and tools agree."""

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import bench
import detectors
import lineup_bench
import protocols

ROOT = Path(__file__).parents[2]
FORBIDDEN = "{} is not allowed to import {}:".format
# what a contract forbids: the file, the line, the contract, and what is said of this breach and of no other
BREACHES = [
    (
        "detectors/handcrafted/hog_svm.py",
        "import protocols.api",
        "the harness knows protocols and detectors",
        FORBIDDEN("detectors", "protocols"),
    ),
    (
        "detectors/heads/linear.py",
        "import detectors.handcrafted.hog_svm",
        "no room of detectors imports one above it",
        FORBIDDEN("detectors.heads", "detectors.handcrafted"),
    ),
    (
        "detectors/types.py",
        "import detectors.heads.linear",
        "no room of detectors imports one above it",
        FORBIDDEN("detectors.types", "detectors.heads"),
    ),
    (
        "detectors/handcrafted/srm.py",
        "import detectors.handcrafted.hog_svm",
        "methods are independent",
        "- detectors.handcrafted.srm -> detectors.handcrafted.hog_svm",
    ),
    (
        "protocols/api.py",
        "import detectors.catalogue",
        "protocols know of detectors what samples are",
        FORBIDDEN("protocols", "detectors.catalogue"),
    ),
    (
        "bench/engine/run.py",
        "import detectors.networks.cnnspot",
        "the harness sees detectors only through their contract",
        FORBIDDEN("bench", "detectors.networks"),
    ),
    (
        "bench/records/store.py",
        "import bench.engine.cache",
        "no room of bench imports one above it",
        FORBIDDEN("bench.records", "bench.engine"),
    ),
    ("bench/engine/plan.py", "import bench.engine.run", "nothing imports in a circle", "- .plan -> .run"),
    ("bench/brand_new.py", "", "no room of bench imports one above it", "- bench.brand_new"),
]


@pytest.mark.parametrize("package", [bench, detectors, protocols, lineup_bench])
def test_package_names_resolve_to_our_files(package):
    assert Path(package.__file__).parent == ROOT / package.__name__


def packed(text):
    """Without white space: the report is wrapped to the width of a terminal."""
    return "".join(text.split())


def broken_contracts(folder):
    """The import contracts that the packages in a folder break: by name, what is said of it, packed."""
    command = [
        sys.executable,
        "-c",
        "import sys; sys.path.insert(0, '.'); from importlinter.cli import lint_imports_command as c; c()",
        "--no-cache",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder)
    report = packed(done.stdout)
    assert "Contracts:" in report, done.stdout + done.stderr
    names = [
        one["name"] for one in tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    ]
    found = [name for name in names if packed(f"{name} BROKEN") in report]
    assert (done.returncode == 0) == (not found), done.stdout + done.stderr
    headers = [packed(name) + "-" * len(name) for name in found]
    ends = [*headers, "\0"][1:]  # the report has the contracts in their order, and no NUL
    return {
        name: report.partition(header)[2].partition(end)[0]
        for name, header, end in zip(found, headers, ends, strict=True)
    }


def test_layers_hold():
    assert broken_contracts(ROOT) == {}


def test_every_breach_of_a_layer_is_seen(tmp_path):
    for name in ("bench", "detectors", "protocols", "lineup_bench"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("*.safetensors", "__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for file, line, *_ in BREACHES:
        with (tmp_path / file).open("a") as module:
            module.write(f"\n{line}\n")
    found = broken_contracts(tmp_path)
    unseen = [
        (file, contract)
        for file, _, contract, said in BREACHES
        if not any(name.startswith(contract) and packed(said) in text for name, text in found.items())
    ]
    assert unseen == []


def test_dependencies_and_constraints_agree():
    from packaging.requirements import Requirement

    pinned = {}
    for line in (ROOT / "constraints.txt").read_text().splitlines():
        name, _, version = line.partition("==")
        pinned[name.lower().replace("_", "-")] = version
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    for text in [*project["dependencies"], *extras["dev"], *extras["docs"]]:
        requirement = Requirement(text)
        name = requirement.name.lower().replace("_", "-")
        assert pinned[name] in requirement.specifier, f"{name} is pinned outside of what pyproject.toml allows"


def test_the_contract_stays_small():
    lines = (ROOT / "detectors" / "api.py").read_text().splitlines()
    assert len(lines) <= 210


def test_commit_hooks_run_what_make_runs():
    hooks = re.findall(r"entry: make (\S+)", (ROOT / ".pre-commit-config.yaml").read_text())
    targets = re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert hooks == ["lint", "types"]
    assert set(hooks) <= set(targets)


def test_editors_and_the_formatter_agree_on_the_length_of_lines():
    length = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["ruff"]["line-length"]
    assert f"max_line_length = {length}" in (ROOT / ".editorconfig").read_text()
