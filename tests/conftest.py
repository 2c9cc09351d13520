import gc
import signal

import pytest
from hypothesis import settings
from rich.console import Console

from bench.command.options import cache_folder
from bench.engine import timing
from bench.images.data_sets import embedded_corpus as built
from bench.platform.progress import Reporter

# how long an example takes says more of the machine than of the code; speed has benchmarks of its own
settings.register_profile("lineup", deadline=None, max_examples=50)
settings.load_profile("lineup")


def pytest_configure():
    """Heed the signals that tests send, whoever started this: in the background a shell has them ignored."""
    for number, handler in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, handler)


def pytest_collection_finish():
    """What was collected and imported stays until the end: the collector of garbage need not look at it again."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def _speeds_of_few_repeats(pytestconfig):
    """A speed takes no longer than its fewest repeats: hundreds of runs have one, and few tests look at it."""
    with pytest.MonkeyPatch.context() as patch:
        if not pytestconfig.getoption("benchmark_only"):
            patch.setattr(timing, "LEAST_SECONDS", 0.0)
        yield


@pytest.fixture(scope="session")
def embedded_corpus():
    """Folder of the full embedded corpus, made on first use and kept in the user's cache."""
    return built(cache_folder(), 2, Reporter(Console(quiet=True)))
