import io

import pytest
from lineup_checkerboard import Checkerboard
from rich.console import Console

from bench.platform.progress import Reporter
from tests.support.miniature import Bench, NearestMeanRecipe, write_folder


@pytest.fixture
def make_bench(tmp_path):
    """Make a bench over the miniature; keyword arguments are `Bench`'s."""
    folder = write_folder(tmp_path / "data")

    def make(name="a", recipes=None, **options):
        chosen = recipes or [NearestMeanRecipe("small"), Checkerboard("small")]
        return Bench(folder, tmp_path / name, {recipe.card.name: recipe for recipe in chosen}, **options)

    return make


@pytest.fixture
def quiet():
    """A reporter that nobody hears."""
    return Reporter(Console(file=io.StringIO()))
