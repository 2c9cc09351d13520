import io
from shutil import copytree

import pytest
from lineup_checkerboard import Checkerboard
from rich.console import Console

from bench.platform.progress import Reporter
from tests.support.miniature import Bench, NearestMeanRecipe, write_folder


@pytest.fixture(scope="session")
def miniature(tmp_path_factory):
    """The miniature data set, for those who only read it."""
    return write_folder(tmp_path_factory.mktemp("miniature") / "data")


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
    """A reporter that nobody hears."""
    return Reporter(Console(file=io.StringIO()))
