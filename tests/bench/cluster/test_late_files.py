from bench.cluster import late_files
from bench.cluster.late_files import BETWEEN, LATEST, awaited


def test_what_a_shared_folder_shows_late_is_waited_for_and_what_it_never_shows_is_not_for_ever(monkeypatch):
    pauses = []
    monkeypatch.setattr(late_files.time, "sleep", pauses.append)
    monkeypatch.setattr(late_files.time, "monotonic", lambda: float(sum(pauses)))
    assert awaited(lambda: "seen" if sum(pauses) > 60 else None) == "seen"
    assert 60 < sum(pauses) <= 60 + 2 * BETWEEN
    pauses.clear()
    assert awaited(lambda: None) is None
    assert LATEST <= sum(pauses) <= LATEST + BETWEEN
    pauses.clear()
    assert awaited(lambda: 1) == 1
    assert pauses == []
