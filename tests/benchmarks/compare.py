"""Compare two files of benchmarks, as `make benchmark` writes them, and say what became slower beyond noise.

    .venv/bin/python -m tests.benchmarks.compare OLD.json NEW.json [--least 10]

A benchmark is slower where the lower end of the interval of new / old time lies above 1 by more than `--least` per
cent. The interval is that of Hodges and Lehmann for a shift of logarithms (Hollander, Wolfe and Chicken, Nonparametric
Statistical Methods, 2014, section 4.3), from the exact null distribution of Mann and Whitney, at 5% for any false
verdict of all benchmarks. Neighbouring rounds share noise: rounds count as at most `BLOCKS` blocks of consecutive ones,
each with its median. What two processes do not share (where memory lies, what else runs) no interval sees: `--least`
allows for it.

Exits with 1 where something became slower, and with 2 for files that cannot be compared.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import typer

LEAST = 10.0  # per cent
LEVEL = 0.05  # for any false verdict of slower, and as much for any of faster
BLOCKS = 30
ROUNDS = 8  # of a benchmark at least: all of them slower are 1 of 12,870 orders, which counts among 600 benchmarks
MACHINE = (("cpu", "brand_raw"), ("cpu", "count"), ("machine",), ("system",))
Rounds = Mapping[str, Sequence[float]]  # seconds of each round, by name of the benchmark


class IncomparableFiles(Exception):
    """Files that cannot be compared, with why in one line."""


@dataclass(frozen=True)
class BenchmarkFile:
    """A file of benchmarks: the machine, and the rounds of each benchmark."""

    machine: str
    rounds: Rounds


@dataclass(frozen=True)
class Change:
    """How the time of a benchmark changed.

    Attributes:
        name: Of the benchmark.
        old: Median of its rounds in seconds.
        new: The same in the new file.
        low: The lower end of the interval of new / old; 0 where there are too few rounds to say anything.
        high: The upper end; infinite where there are too few.
        rounds: How many rounds there are in both files.
    """

    name: str
    old: float
    new: float
    low: float
    high: float
    rounds: tuple[int, int]

    @property
    def tested(self) -> bool:
        """Whether there are rounds enough."""
        return self.low > 0

    def verdict(self, least: float) -> str:
        """Whether it became slower or faster, by more than `least` as a share."""
        if not self.tested:
            return "not tested"
        return "slower" if self.low > 1 + least else "faster" if self.high < 1 / (1 + least) else "alike"


def read_benchmarks(path: Path) -> BenchmarkFile:
    """A file that `pytest --benchmark-json` wrote. Raises `IncomparableFiles` for any other."""
    try:
        whole = json.loads(path.read_bytes())
        rounds = {one["fullname"]: [float(value) for value in one["stats"]["data"]] for one in whole["benchmarks"]}
        machine = ", ".join(str(_at(whole["machine_info"], keys)) for keys in MACHINE)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        msg = (
            f"{path} is no file of benchmarks with their rounds ({type(error).__name__}: {error}); see `make benchmark`"
        )
        raise IncomparableFiles(msg) from error
    if broken := [name for name, values in rounds.items() if not values or min(values) <= 0]:
        msg = f"{path} is damaged: {broken[0]} has no rounds, or one that took no time"
        raise IncomparableFiles(msg)
    return BenchmarkFile(machine, rounds)


def _at(values: Mapping[str, object], keys: Sequence[str]) -> object:
    """What lies in a document below some keys; "unknown" where it is not there."""
    found: object = values
    for key in keys:
        found = found.get(key, "unknown") if isinstance(found, Mapping) else "unknown"
    return found


def compare(old: BenchmarkFile, new: BenchmarkFile) -> list[Change]:
    """How the benchmarks that both files have changed. Raises `IncomparableFiles` for files of two machines."""
    if old.machine != new.machine:
        msg = f"the files are of two machines, whose times are not compared: {old.machine} and {new.machine}"
        raise IncomparableFiles(msg)
    both = sorted(old.rounds.keys() & new.rounds.keys())
    if not both:
        msg = "the files have no benchmark in common; they are of other tests"
        raise IncomparableFiles(msg)
    return [_change(name, old.rounds[name], new.rounds[name], LEVEL / len(both)) for name in both]


def _change(name: str, old: Sequence[float], new: Sequence[float], level: float) -> Change:
    low, high = ratio_interval(old, new, level)
    return Change(name, float(np.median(old)), float(np.median(new)), low, high, (len(old), len(new)))


def ratio_interval(old: Sequence[float], new: Sequence[float], level: float) -> tuple[float, float]:
    """Where the ratio of new to old times lies.

    Args:
        old: Times, above 0.
        new: The same.
        level: The probability of either end to be beyond the ratio.

    Returns:
        Its ends; 0 and infinite where there are too few times.
    """
    first, second = (np.log(_blocks(times)) for times in (old, new))
    ratios = np.sort(np.subtract.outer(second, first), axis=None)
    beyond = int(np.searchsorted(_null(len(first), len(second)), level, side="right"))  # values of U that are too rare
    if not beyond:
        return 0.0, math.inf
    return float(np.exp(ratios[beyond - 1])), float(np.exp(ratios[-beyond]))


def _blocks(times: Sequence[float]) -> np.ndarray:
    """The medians of consecutive times in blocks, at most `BLOCKS` of them."""
    return np.array([np.median(part) for part in np.array_split(np.asarray(times), min(BLOCKS, len(times)))])


@cache
def _null(first: int, second: int) -> np.ndarray:
    """P(U <= u) for u from 0 to first * second, were all values of one distribution."""
    counts = [1, *[0] * (first * second)]  # of orders with each U: the coefficients of a Gaussian binomial
    for step in range(1, first + 1):
        for place in range(len(counts) - 1, second + step - 1, -1):
            counts[place] -= counts[place - second - step]
        for place in range(step, len(counts)):
            counts[place] += counts[place - step]
    return np.cumsum(np.array(counts, float)) / math.comb(first + second, first)


def report(old: BenchmarkFile, new: BenchmarkFile, changes: Sequence[Change], least: float) -> Iterator[str]:
    """What changed, in lines: slower ones first, then faster ones, then what could not be compared."""
    verdicts = {kind: [one for one in changes if one.verdict(least) == kind] for kind in ("slower", "faster")}
    for kind, found in verdicts.items():
        for one in sorted(found, key=lambda change: change.old / change.new):
            yield (
                f"{kind}: {one.name}: {one.new / one.old:.2f} [{one.low:.2f}, {one.high:.2f}] times the time, "
                f"{_seconds(one.old)} to {_seconds(one.new)}"
            )
    untested = [f"{one.name} ({one.new / one.old:.2f})" for one in changes if not one.tested]
    if untested:
        yield f"too few rounds to test, with the ratio of medians: {', '.join(untested)}"
    for title, names in (
        ("missing now", old.rounds.keys() - new.rounds.keys()),
        ("new", new.rounds.keys() - old.rounds.keys()),
    ):
        if names:
            yield f"{title}: {', '.join(sorted(names))}"
    counts = ", ".join(f"{len(found)} {kind}" for kind, found in verdicts.items())
    yield f"{len(changes)} benchmarks compared on {new.machine}: {counts} by more than {100 * least:g}% beyond noise"


def _seconds(value: float) -> str:
    for unit, size in (("s", 1.0), ("ms", 1e-3)):
        if value >= size:
            return f"{value / size:.3g} {unit}"
    return f"{value / 1e-6:.3g} us"


def main(arguments: Sequence[str] | None = None) -> int:
    """Compare the files that the command line names; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.compare", description="What became slower?")
    parser.add_argument("old", type=Path)
    parser.add_argument("new", type=Path)
    parser.add_argument("--least", type=float, default=LEAST, help="per cent that count (default: %(default)g)")
    given = parser.parse_args(arguments)
    try:
        old, new = read_benchmarks(given.old), read_benchmarks(given.new)
        changes = compare(old, new)
    except IncomparableFiles as error:
        typer.echo(f"benchmarks: {error}", err=True)
        return 2
    for line in report(old, new, changes, given.least / 100):
        typer.echo(line)
    return int(any(one.verdict(given.least / 100) == "slower" for one in changes))


if __name__ == "__main__":
    sys.exit(main())
