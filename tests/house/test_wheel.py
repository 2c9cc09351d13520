"""The wheel, used outside of the checkout: commands, the corpus, the golden record."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bench.embedded.corpus import identity

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """A folder into which the wheel was installed, with nothing of the checkout before it on Python's path."""
    folder = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    subprocess.run(
        [*pip, "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", folder / "dist", ROOT], check=True
    )
    (wheel,) = (folder / "dist").glob("lineup_bench-*.whl")
    subprocess.run([*pip, "install", "--no-deps", "--target", folder / "site", wheel], check=True)
    return folder / "site"


@pytest.fixture
def run(installed, tmp_path):
    def command(*arguments, code=None):
        what = ["-c", code] if code else ["-m", "lineup_bench", *map(str, arguments)]
        environment = {**os.environ, "PYTHONPATH": str(installed)}
        return subprocess.run(
            [sys.executable, "-P", *what], capture_output=True, text=True, check=False, env=environment, cwd=tmp_path
        )

    return command


def test_its_modules_are_used_and_not_those_of_the_checkout(run, installed):
    code = "import bench, detectors, protocols; print(bench.__file__, detectors.__file__, protocols.__file__)"
    assert run(code=code).stdout.split() == [
        str(installed / name / "__init__.py") for name in ("bench", "detectors", "protocols")
    ]


def test_it_lists_and_shows_and_says_its_version(run):
    assert "clip_probe" in run("list").stdout
    assert "shipped" in run("list", "--long", "clip_probe").stdout
    assert run("--version").stdout.startswith("lineup ")


def test_the_page_of_a_live_run_is_in_it(run):
    code = "from bench.live.page import asset; print(*(len(asset(f'page.{one}')) for one in ('html', 'css', 'js')))"
    assert all(int(size) > 500 for size in run(code=code).stdout.split()[:3])
    assert len(run(code=code).stdout.split()) == 3


def test_its_corpus_is_that_of_the_checkout(run):
    assert run(code="from bench.embedded.corpus import identity; print(identity())").stdout.strip() == identity()


@pytest.mark.slow
def test_it_names_the_folder_of_the_corpus(run, embedded_corpus):
    done = run("corpus")
    assert done.returncode == 0, done.stderr
    assert Path(done.stdout.strip()) == embedded_corpus


def test_its_golden_record_and_published_tables_are_those_of_the_checkout(run, installed):
    code = "from bench.platform.shipped_results import shipped_results as place; print(place())"
    inside = Path(run(code=code).stdout.strip())
    assert inside == installed / "bench" / "results"
    for name in ("golden", "published"):
        there = {path.relative_to(inside): path.read_bytes() for path in (inside / name).rglob("*.*")}
        here = {
            path.relative_to(ROOT / "results"): path.read_bytes() for path in (ROOT / "results" / name).rglob("*.*")
        }
        assert there == here
        assert there


@pytest.mark.slow
def test_it_runs_the_gate(run):
    done = run("regress")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("none fell") == done.stdout.count("none changed") == 2
