import io

import numpy as np
import pytest
from rich.console import Console

from bench.evaluation.joined_runs import only_rows
from bench.golden.changed_decisions import compare_decisions, decision_changes
from bench.golden.golden_record import golden_from, pack, unpack
from bench.report.gate_report import decision_report
from tests.support.synthetic_runs import falling, make_run, with_detector, with_scores, without

CELL = "alpha/fog/haze/none/0"


@pytest.fixture(scope="module")
def golden():
    """Three seeds of two detectors, in 16 bits."""
    return unpack(pack(golden_from([make_run(falling(), seeds=(0, 1, 2), n=20)])))


@pytest.fixture(scope="module")
def now():
    """The first seed of one of them, in full."""
    return make_run(falling(), ["alpha"], n=20)


def moved(run, rows, to):
    """The same run with other scores of these images of `CELL`."""
    scores = run.scores.copy()
    chosen = scores.index[scores["key"] == CELL][rows]
    scores.loc[chosen, "score"] = np.asarray(to, np.float32)
    return with_scores(run, scores)


def on_side(run, rows, *, right):
    scores = run.scores[run.scores["key"] == CELL].iloc[rows]
    return np.where((scores["label"] == 1) == right, 0.9, 0.1)


def test_the_decisions_of_the_record_are_compared_with_their_own_seed_alone(golden, now):
    found = compare_decisions(golden, now)
    assert (found.exit_code, found.obstacles, found.near) == (0, (), 0)
    assert found.compared == 16 * 40
    assert 0 < found.largest_move < 2e-5  # of 16 bits
    assert tuple(found.cells.columns) == decision_changes()


def test_one_changed_decision_fails_the_gate_in_either_direction(golden, now):
    for right in (True, False):
        rows = slice(0, 40)
        before = moved(golden, rows, on_side(golden, rows, right=not right))
        after = moved(now, rows, on_side(now, rows, right=not right))
        changed = moved(after, [7], on_side(after, [7], right=right))
        found = compare_decisions(before, changed)
        assert (found.exit_code, found.changed) == (1, ("alpha",))
        row = found.cells.iloc[0]
        assert (row["train"], row["test"], row["images"]) == ("fog", "haze", 40)
        assert (row["now wrong"], row["now right"]) == (int(not right), int(right))


def test_rounding_at_the_threshold_is_told_apart(golden, now):
    before, after = moved(golden, [3], 0.50004), moved(now, [3], 0.49996)
    found = compare_decisions(before, after)
    assert (found.exit_code, found.near, len(found.cells)) == (0, 1, 0)
    assert "1 further decisions within 0.0001 of the threshold changed" in printed(found)


def test_a_score_that_leaves_the_threshold_is_no_rounding(golden, now):
    before, after = moved(golden, [3], 0.50004), moved(now, [3], 0.4)
    assert compare_decisions(before, after).exit_code == 1


def test_what_was_not_scored_cannot_be_compared(golden, now):
    failed = without(now, now.cells["key"].eq(CELL), "failed", "no room")
    found = compare_decisions(golden, failed)
    assert (found.exit_code, found.obstacles) == (2, ("alpha: 1 cells failed: no room",))
    newer = compare_decisions(golden, with_detector(now, "alpha", version=2, key="alpha.2.small"))
    assert newer.exit_code == 2
    assert "this run alpha.2.small (version 2)" in newer.obstacles[0]
    assert "Not comparable" in printed(newer)


def test_other_detectors_of_the_record_are_not_missed(golden):
    both = make_run(falling(), n=20)
    assert compare_decisions(golden, only_rows(both, ["beta"])).obstacles == ()


def printed(found, width=100):
    console = Console(width=width, file=io.StringIO())
    console.print(decision_report(found))
    return console.file.getvalue()


def test_the_report_names_cell_count_and_direction_in_100_characters(golden, now):
    rows = slice(0, 30)
    changed = moved(now, rows, on_side(now, rows, right=False))
    text = printed(compare_decisions(golden, changed))
    assert max(map(len, text.splitlines())) <= 100
    assert "Cells with changed decisions: 1" in text
    line = next(line for line in text.splitlines() if line.strip().startswith("alpha"))
    assert line.split()[1:6] == ["fog", "haze", "none", "0", "40"]
    assert "640 decisions compared" in text


def test_every_block_of_a_narrow_terminal_names_the_cells(golden, now):
    rows = slice(0, 30)
    text = printed(compare_decisions(golden, moved(now, rows, on_side(now, rows, right=False))), width=60)
    blocks = [line.split() for line in text.splitlines() if line.strip().startswith("alpha")]
    assert len(blocks) > 1
    assert {tuple(block[:5]) for block in blocks} == {("alpha", "fog", "haze", "none", "0")}
