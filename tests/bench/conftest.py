import io
from shutil import copytree

import pytest
from lineup_checkerboard import Checkerboard
from rich.console import Console

from bench.platform.progress import Reporter
from tests.support.command_line import call
from tests.support.miniature import Bench, NearestMeanRecipe, write_folder


@pytest.fixture(scope="session")
def miniature(tmp_path_factory):
    """The miniature data set, for those who only read it."""
    return write_folder(tmp_path_factory.mktemp("miniature") / "data")


@pytest.fixture(scope="session")
def kept_run(miniature, tmp_path_factory):
    """A run that kept its fitted detectors, of "even" on every generator under two degradations: folder and cache."""
    cache, out = tmp_path_factory.mktemp("cache"), tmp_path_factory.mktemp("kept") / "run"
    done = call(
        {"LINEUP_CACHE": str(cache), "COLUMNS": "200"},
        *("run", "--data", miniature, "--detectors", "npr,hog_svm", "--protocol", "degradation"),
        *("--train-on", "even", "--degradations", "jpeg:65,blur:1", "--test-all", "--out", out, "--keep-fitted"),
    )
    assert done.returncode == 0, done.stderr
    return out, cache


@pytest.fixture
def make_bench(miniature, tmp_path):
    """Make a bench over a copy of the miniature, which a test may damage; keyword arguments are `Bench`'s."""
    folder = copytree(miniature, tmp_path / "data")

    def make(name="a", recipes=None, **options):
        chosen = recipes or [NearestMeanRecipe("small"), Checkerboard("small")]
        return Bench(folder, tmp_path / name, {recipe.card.name: recipe for recipe in chosen}, **options)

    return make


@pytest.fixture
def settings_file(tmp_path):
    """Write a settings file of this text; gives its path."""

    def write(text):
        path = tmp_path / "run.toml"
        path.write_text(text)
        return path

    return write


@pytest.fixture
def quiet():
    """A reporter that nobody hears, and whose lines of one test a test may read."""
    return Reporter(Console(file=io.StringIO()))


@pytest.fixture(scope="session")
def silent():
    """A reporter that nobody hears, for fixtures that several tests share."""
    return Reporter(Console(file=io.StringIO()))
