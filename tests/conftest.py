from functools import cache

import pytest
from rich.console import Console

from bench.command.options import cache_folder
from bench.images.data_sets import embedded_corpus as built
from bench.platform.progress import Reporter
from detectors import catalogue


@pytest.fixture(scope="session", autouse=True)
def entry_points_asked_once():
    """What is installed stays so while tests run, and every data set that is read asks for all layouts."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(catalogue, "entry_points", cache(catalogue.entry_points))
        yield


@pytest.fixture(scope="session")
def embedded_corpus():
    """Folder of the full embedded corpus, made on first use and kept in the user's cache."""
    return built(cache_folder(), 2, Reporter(Console(quiet=True)))
