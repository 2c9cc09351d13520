"""A call that ended two runs, at one of them alone, is given up."""

from bench.records.sudden_ends import SUDDEN_ENDS, add_sudden_end, calls_given_up, has_sudden_ends


def test_a_call_is_given_up_after_two_ends(tmp_path):
    assert not has_sudden_ends(tmp_path)
    add_sudden_end(tmp_path, ["scoring by a"], "was ended by SIGSEGV")
    assert has_sudden_ends(tmp_path)
    assert calls_given_up(tmp_path) == {}
    add_sudden_end(tmp_path, ["scoring by b"], "ended with exit code 0")
    assert calls_given_up(tmp_path) == {}
    add_sudden_end(tmp_path, ["scoring by a"], "was ended by SIGSEGV")
    assert calls_given_up(tmp_path) == {
        "scoring by a": "the process was ended by SIGSEGV during scoring by a in 2 runs; delete "
        f"{tmp_path / SUDDEN_ENDS} to have it tried again"
    }


def test_one_that_ran_beside_others_is_given_up_only_if_it_was_alone_once(tmp_path):
    add_sudden_end(tmp_path, ["preparing for a", "preparing for b"], "died")
    add_sudden_end(tmp_path, ["preparing for b", "preparing for a"], "died")
    assert calls_given_up(tmp_path) == {}
    add_sudden_end(tmp_path, ["preparing for b"], "died")
    assert list(calls_given_up(tmp_path)) == ["preparing for b"]


def test_one_that_is_known_to_be_the_reason_is_given_up_at_once(tmp_path):
    add_sudden_end(tmp_path, ["scoring by a"], "took longer than --timeout", at_once=True)
    assert list(calls_given_up(tmp_path)) == ["scoring by a"]


def test_a_damaged_file_counts_for_none(tmp_path):
    for text in ("", "{", "[" * 10_000, "[1]", '[{"calls": [3], "how": "x"}]', '{"a": 1}'):
        (tmp_path / SUDDEN_ENDS).write_text(text)
        assert calls_given_up(tmp_path) == {}
