import pytest
from rich.console import Console

from bench.data import embedded_corpus as built
from bench.options import cache_folder
from bench.progress import Reporter


@pytest.fixture(scope="session")
def embedded_corpus():
    """Folder of the full embedded corpus, made on first use and kept in the user's cache."""
    return built(cache_folder(), 2, Reporter(Console(quiet=True)))
