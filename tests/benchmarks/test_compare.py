"""What became slower beyond noise: from made-up files, and the interval against its promise."""

import json
import math
from itertools import combinations

import numpy as np
import pytest
from scipy.stats import mannwhitneyu

from tests.benchmarks.compare import _null, main, ratio_interval

CPU = {"brand_raw": "AMD EPYC", "count": 2}


def times(name, median, rounds=10, noise=0.02):
    """Rounds around a median; the same name gives the same ones."""
    rng = np.random.default_rng(list(name.encode()))
    return list(median * np.exp(noise * rng.standard_normal(rounds)))


@pytest.fixture
def compared(tmp_path, capsys):
    """Compare files of these rounds by name: the exit code, what was printed, and what was said of errors."""

    def compare(old, new, *options, machines=(CPU, CPU)):
        for name, rounds, cpu in zip(("old", "new"), (old, new), machines, strict=True):
            benchmarks = [{"fullname": key, "stats": {"data": data}} for key, data in rounds.items()]
            machine = {"cpu": cpu, "machine": "x86_64", "system": "Linux", "node": name}
            (tmp_path / f"{name}.json").write_text(json.dumps({"machine_info": machine, "benchmarks": benchmarks}))
        code = main([str(tmp_path / "old.json"), str(tmp_path / "new.json"), *options])
        return code, *capsys.readouterr()

    return compare


def test_what_became_slower_is_named_with_its_ratio_and_fails(compared):
    old = {"decode": times("a", 0.010), "embed": times("b", 2.0), "report": times("c", 3e-5)}
    new = {"decode": times("d", 0.015), "embed": times("e", 2.0), "report": times("f", 1e-5)}
    code, said, _ = compared(old, new)
    slower, faster, last = said.splitlines()
    assert code == 1
    assert slower.startswith("slower: decode: 1.5")
    assert "ms to 1" in slower
    assert faster.startswith("faster: report: 0.3")
    assert last.endswith("1 slower, 1 faster by more than 10% beyond noise")


def test_the_same_within_noise_passes(compared):
    code, said, _ = compared({"decode": times("a", 0.010)}, {"decode": times("b", 0.0101)})
    assert (code, len(said.splitlines())) == (0, 1)


def test_a_small_change_counts_where_less_is_asked_for(compared):
    old, new = {"decode": times("a", 1.0, 40, 0.005)}, {"decode": times("b", 1.06, 40, 0.005)}
    assert compared(old, new)[0] == 0
    assert compared(old, new, "--least", "2")[0] == 1


def test_one_slow_round_is_noise(compared):
    old = {"decode": times("a", 0.010)}
    assert compared(old, {"decode": [*times("b", 0.010)[:-1], 5.0]})[0] == 0


def test_the_more_benchmarks_the_more_it_takes(compared):
    """Five rounds that are all slower are 1 of 252 orders: enough for one benchmark, and too few among twenty."""
    old, new = ({f"b{place}": times(f"{name}{place}", 1.0, 5) for place in range(20)} for name in "xy")
    slow = times("slow", 2.0, 5)
    assert compared({"b0": old["b0"]}, {"b0": slow})[0] == 1
    code, said, _ = compared(old, new | {"b0": slow})
    assert code == 0
    assert said.startswith("too few rounds to test, with the ratio of medians: b0 (")


def test_missing_and_new_benchmarks_are_said(compared):
    old = {"decode": times("a", 1.0), "gone": times("b", 1.0)}
    code, said, _ = compared(old, {"decode": times("c", 1.0), "fit": times("d", 1.0), "score": times("e", 1.0)})
    assert code == 0
    assert said.splitlines()[:2] == ["missing now: gone", "new: fit, score"]


def test_files_of_two_machines_are_one_line(compared):
    old = {"decode": times("a", 1.0)}
    code, said, error = compared(old, old, machines=(CPU, CPU | {"count": 64}))
    assert (code, said, len(error.splitlines())) == (2, "", 1)
    assert "AMD EPYC, 2, x86_64, Linux and AMD EPYC, 64, x86_64, Linux" in error


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"machine_info": {}, "benchmarks": [{"fullname": "a", "stats": {"median": 1}}]}']
)
def test_a_file_without_rounds_is_one_line(tmp_path, capsys, text):
    path = tmp_path / "old.json"
    path.write_text(text)
    assert main([str(path), str(path)]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1
    assert main([str(tmp_path / "nowhere.json"), str(path)]) == 2


def test_the_null_distribution_is_that_of_all_orders():
    for first, second in ((1, 1), (3, 4), (5, 2)):
        places = combinations(range(first + second), first)
        found = np.bincount([sum(one) - first * (first - 1) // 2 for one in places], minlength=first * second + 1)
        assert _null(first, second) == pytest.approx(np.cumsum(found) / math.comb(first + second, first))


def test_the_interval_ends_where_the_test_does():
    old, new = np.array(times("a", 1.0, 9, 0.2)), np.array(times("b", 1.3, 11, 0.2))
    low, high = ratio_interval(old, new, 0.01)
    inside, outside = (mannwhitneyu(new, old * low * factor, alternative="greater", method="exact").pvalue
                       for factor in (1.0001, 0.9999))  # fmt: skip
    assert outside <= 0.01 < inside
    assert low < 1.3 < high


def test_the_interval_holds_the_ratio_as_often_as_it_promises():
    rng, misses = np.random.default_rng(0), 0
    for _ in range(400):
        old, new = rng.lognormal(0, 0.3, 12), 1.5 * rng.lognormal(0, 0.3, 12)
        low, high = ratio_interval(old, new, 0.05)
        misses += not low <= 1.5 <= high
    assert 15 <= misses <= 60  # of 400, at most a tenth


def test_many_rounds_of_one_process_count_as_blocks():
    drifting = list(1 + 0.2 * np.sin(np.arange(30_000) / 3000))
    low, high = ratio_interval(drifting, drifting[::-1], 0.05 / 100)
    assert low < 1 < high
