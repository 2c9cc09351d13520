import numpy as np
import pyarrow.parquet as pq
import pytest

from bench.cluster.shards import from_table, has_failures, to_table
from bench.engine.scoring.score_images import ScoredChunk
from detectors.api import Answer, Unavailable

KEYS = [("fit a", "none"), ("fit b", "jpeg:65")]


def answer(scores, odds=None, **diagnostics):
    odds = None if odds is None else np.array(odds, np.float32)
    return Answer(np.array(scores, np.float32), {name: np.array(values) for name, values in diagnostics.items()}, odds)


def test_answers_come_back_bit_for_bit_through_a_file(tmp_path):
    numbers = np.random.default_rng(0).random(3).astype(np.float32)
    parts = [
        ScoredChunk(
            KEYS[1], np.array([2, 0, 1]), answer(numbers, np.log(numbers), predicted=["x", "y", "x"], count=[1, 2, 3])
        ),
        ScoredChunk(KEYS[0], np.array([1]), answer([np.nextafter(np.float32(0.5), np.float32(1))])),
    ]
    pq.write_table(to_table(parts, {key: place for place, key in enumerate(KEYS)}), tmp_path / "a.parquet")
    run_positions = np.array([10, 20, 30])
    found = list(from_table(pq.read_table(tmp_path / "a.parquet"), KEYS, run_positions))
    assert [part.key for part in found] == [KEYS[1], KEYS[0]]
    assert found[0].images.tolist() == [30, 10, 20]
    for part, before in zip(found, parts, strict=True):
        assert part.answer.scores.tobytes() == before.answer.scores.tobytes()
        assert part.answer.scores.dtype == np.float32
        assert part.answer.diagnostics.keys() == before.answer.diagnostics.keys()
    assert found[0].answer.log_odds.tobytes() == parts[0].answer.log_odds.tobytes()
    assert found[1].answer.log_odds is None
    assert found[0].answer.diagnostics["predicted"].tolist() == ["x", "y", "x"]
    assert found[0].answer.diagnostics["count"].dtype == np.int64
    found[0].answer.scores[0] = 0  # it may be written to


@pytest.mark.parametrize("error", [ValueError("no scores"), Unavailable("no weights")])
def test_errors_come_back_in_words(error):
    part = ScoredChunk(KEYS[0], np.array([0]), error, unprepared=True)
    table = to_table([part], {KEYS[0]: 0})
    (found,) = from_table(table, KEYS, np.array([7]))
    assert has_failures(table)
    assert (type(found.answer).__name__, str(found.answer)) == (type(error).__name__, str(error))
    assert found.unprepared
    assert not has_failures(to_table([ScoredChunk(KEYS[0], np.array([0]), answer([0.5]))], {KEYS[0]: 0}))
