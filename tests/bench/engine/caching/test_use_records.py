"""What a run uses is known while it goes on and after it, whatever became of it."""

import pytest

from bench.engine.caching.use_records import USES, RunUse, known_uses, recorded_use

USE = RunUse("/runs/one", "cross_generator", "cats", {"hog_svm": ["fitted/a"]}, {"cats": ["inspected/b"]}, ["graphs"])


def test_a_run_goes_on_until_it_ends(tmp_path):
    with recorded_use(tmp_path, USE):
        (during,) = known_uses(tmp_path)
    (after,) = known_uses(tmp_path)
    assert (during.going_on, after.going_on) == (True, False)
    assert during.use == USE
    assert after.use.ended >= USE.started
    assert after.use.paths == {"fitted/a", "inspected/b", "graphs"}


def test_a_folder_has_one_record_and_two_folders_have_two(tmp_path):
    other = RunUse("/runs/two", "degradation", "dogs", {}, {}, [])
    for use in (USE, other, USE):
        with recorded_use(tmp_path, use):
            pass
    assert [one.use.out for one in known_uses(tmp_path)] == ["/runs/two", "/runs/one"]


def test_a_run_that_fails_has_ended(tmp_path):
    with pytest.raises(KeyboardInterrupt), recorded_use(tmp_path, USE):
        raise KeyboardInterrupt
    assert known_uses(tmp_path)[0].use.ended


@pytest.mark.parametrize("text", ["", "{", "[]", '{"out": "/runs/one"}', '{"a": 1}', "\0"])
def test_a_record_that_cannot_be_read_is_one_of_an_unknown_use(tmp_path, text):
    (tmp_path / USES).mkdir()
    (tmp_path / USES / f"{'0' * 32}.json").write_text(text)
    (found,) = known_uses(tmp_path)
    assert (found.use, found.going_on) == (None, False)
