"""Somebody who does what a page says, block by block, in an empty folder.

`/data/...` and `/weights/...` are small trees; a run or a record that names no data is of one of them, and one that
names no detectors asks a quick one. What a page installs is found by its entry points, as pip would leave them.
"""

from __future__ import annotations

import ast
import importlib
import re
import shutil
import subprocess
import sys
import tomllib
from functools import partial
from pathlib import Path

import yaml

from bench.explanations import registry
from detectors import catalogue, checks
from protocols.degradations import catalogue as degradation_catalogue
from tests.support.command_line import call
from tests.support.documents import ROOT, blocks

RUN_DEFAULTS = {"--detectors": "hog_svm", "--data": "/data/GenImage"}
MAY_EXIT_WITH_1 = {"score"}  # a verdict that flips is an answer
SHOWN = {"text", "{toctree}", "{eval-rst}"}  # a tree of folders, and what the site is made of
PYTEST = ["-m", "pytest"]
CACHES = (
    catalogue._read,
    catalogue._distributions,
    degradation_catalogue._plugins,
    degradation_catalogue._plugin_kind,
    registry.explanations,
)


class PageReader:
    """Carries blocks out.

    Args:
        trees: The folder that holds the stand-ins `data` and `weights`.
        folder: An empty one to work in.
        monkeypatch: Takes back what is installed.
        slow: Whether tests of packages run in processes of their own, as the page has them.
    """

    def __init__(self, trees, folder, monkeypatch, *, slow):
        self._trees, self._patch, self._slow = trees, monkeypatch, slow
        self._names = {}  # of the Python of a page
        self._lineup = partial(call, {"LINEUP_CACHE": str(folder / "cache"), "COLUMNS": "120"})
        (folder / "work").mkdir()
        monkeypatch.chdir(folder / "work")

    def follow(self, page):
        """Carry out every block of a page, and forget what it brought."""
        before = set(sys.modules)
        try:
            for block in blocks(page):
                if block.kind != "only checked":
                    self._carry_out(block)
        finally:
            self._patch.undo()
            self._forget(name for name in set(sys.modules) - before if re.match("lineup_(?!bench)", name))

    def _carry_out(self, block):
        by_kind = {"file": self._write_file, "replace": self._replace}
        by_language = {"toml": self._make_recipes, "yaml": self._read_yaml, "python": self._execute, "sh": self._type}
        does = by_kind.get(block.kind) or by_language.get(block.language)
        assert does or block.language in SHOWN, f"{block.place}: nothing here knows what {block.language} is"
        if does:
            does(block)

    def _here(self, text):
        """A text with the stand-ins in the place of the paths that a page names."""
        return re.sub(r"(?<![\w.])/(data|weights)(?=/)", lambda match: f"{self._trees}/{match[1]}", text)

    def _write_file(self, block):
        self._write(Path(self._here(block.about)), self._here(block.text))

    def _write(self, path, text):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        self._forget([path.stem])
        if path.suffix == ".toml":
            tomllib.loads(text)

    def _replace(self, block):
        """Put a function, or a line that gives a name a value, in the place of the one that is there."""
        path, text = Path(block.about), block.text.rstrip()
        whole = path.read_text()
        if text.startswith("def "):
            name = ast.parse(text).body[0].name
            old = next(one for one in ast.parse(whole).body if getattr(one, "name", "") == name)
            old = ast.get_source_segment(whole, old)
        else:
            start = text.strip().partition("=")[0]
            (old,) = [line for line in whole.splitlines() if line.strip().startswith(f"{start}=")]
        changed = whole.replace(old, text)
        assert changed != whole, block.place
        self._write(path, changed)

    def _make_recipes(self, block):
        """A part of a settings file: its detectors take these options."""
        for name, options in tomllib.loads(block.text)["options"].items():
            values = {key: tuple(value) if isinstance(value, list) else value for key, value in options.items()}
            catalogue.recipe(name, "small", **values)

    def _read_yaml(self, block):
        yaml.safe_load(block.text)

    def _execute(self, block):
        code = compile(self._here(block.text), block.place, "exec", dont_inherit=True)  # annotations as a page has them
        exec(code, self._names)  # noqa: S102 - the page's own code

    def _type(self, block):
        """Type every line of a block of shell."""
        programs = {"lineup": self._run, "make": make_would_run, ".venv/bin/pip": self._install}
        for program, *words in block.commands:
            if program in programs:
                programs[program](words, block.place)
            elif words[:2] == PYTEST:
                self._test(Path(words[2]))
            else:
                script = ROOT / (words[0] if program == ".venv/bin/python" else program)
                assert script.is_file(), f"{block.place}: nothing here knows what {program} does"

    def _run(self, words, place):
        given = [self._here(word) for word in words]
        asks = words[0] == "run" or words[:2] == ["golden", "make"]
        if asks and not {"--settings", "--help", "--from", "--update"} & {*words}:
            for option, value in RUN_DEFAULTS.items():
                given += [] if option in words else [option, self._here(value)]
        done = self._lineup(*given)
        fine = {0, 1} if words[0] in MAY_EXIT_WITH_1 else {0}
        assert done.returncode in fine, f"{place}: {words}\n{done.stderr}"

    def _install(self, words, place):
        """What pip leaves of a package that is installed for editing; of an extra, that it exists."""
        target = words[-1]
        if target.startswith("."):
            extra = re.fullmatch(r"\.\[(\w+)\]", target)[1]
            extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
            assert extra in extras, place
            return
        folder = Path(target).absolute()
        project = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
        name, version = project["name"], project["version"]
        info = folder / f"{name.replace('-', '_')}-{version}.dist-info"
        info.mkdir(exist_ok=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        lines = []
        for group, points in project["entry-points"].items():
            lines += [f"[{group}]", *(f"{point} = {value}" for point, value in points.items())]
        (info / "entry_points.txt").write_text("\n".join(lines))
        self._patch.syspath_prepend(str(folder))
        self._patch.setenv("PYTHONPATH", str(folder))  # of processes that a check starts
        self._forget([])

    def _test(self, target):
        """The tests of a package; in a hurry, those of a detector are the contract checks in this process."""
        if not target.is_dir():
            assert (ROOT / target).is_file()
        elif self._slow:
            command = [sys.executable, *PYTEST, "-q", "-p", "no:cacheprovider", "--rootdir", target, target]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stdout
        else:
            checks.check(catalogue.recipe(target.name))

    def _forget(self, modules):
        """Forget what was imported, and what was read of packages: their files are others now."""
        for name in modules:
            sys.modules.pop(name, None)
        importlib.invalidate_caches()
        for known in CACHES:
            known.cache_clear()


def make_would_run(words, place=""):
    """What make would run for these words: the arguments of each `lineup` in it, as text."""
    command = [shutil.which("make"), "-n", *words]
    said = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert said.returncode == 0, f"{place}: {said.stderr}"
    return [line for line in said.stdout.replace("\\\n", " ").splitlines() if line.startswith(".venv/bin/lineup")]
