import pytest

from bench.storage.connection import _connected
from tests.support.flaky_system import FlakySystem, empty_flaky_system


@pytest.fixture
def flaky(monkeypatch):
    """The file system behind `flaky://`, and no pause between attempts; `flaky.pauses` are those that were made."""
    pauses = []
    monkeypatch.setattr("bench.storage.object_store.time.sleep", pauses.append)
    monkeypatch.setattr(FlakySystem, "pauses", pauses, raising=False)
    _connected.cache_clear()
    yield empty_flaky_system()
    _connected.cache_clear()
