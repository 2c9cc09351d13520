import io
import pickle
from collections import Counter
from dataclasses import dataclass, field

import pytest
from rich.console import Console

from bench.cluster.told_errors import ToldError
from bench.cluster.unit_loop import ATTEMPTS, PATIENCE, UnitLoop
from bench.cluster.values import Loss, Needs, NodeResources, UnitAnswer
from bench.platform.errors import InputError
from bench.platform.progress import Reporter

SMALL = NodeResources("a", "host", 1.0, 0.0, 4e9)


@dataclass(frozen=True)
class Work:
    name: str
    detectors: tuple[str, ...] = ("x",)
    needs: Needs = field(default_factory=Needs)
    kept: bool = False

    @property
    def text(self):
        return f"work {self.name} by {'+'.join(self.detectors)}"

    def known(self):
        return UnitAnswer(Counter(known=1)) if self.kept else None

    def compute(self):
        return UnitAnswer(Counter(made=1))

    def only(self, places):
        return Work(self.name, tuple(self.detectors[place] for place in places), self.needs)


class Scripted:
    """A cluster in which each wait takes a second; what becomes of a unit is a function of it and of the attempt."""

    def __init__(self, become, nodes=(SMALL,)):
        self.become, self.alive, self.now = become, list(nodes), 0.0
        self.given, self.attempts = [], []

    def nodes(self):
        return list(self.alive)

    def submit(self, number, payload, needs):
        self.given.append((number, pickle.loads(payload)))  # noqa: S301 - its own

    def wait(self, seconds):
        self.now += seconds
        kept, found = [], []
        for number, unit in self.given:
            self.attempts.append(unit)
            end = self.become(unit, sum(one == unit for one in self.attempts), self.now)
            (kept if end is None else found).append((number, unit) if end is None else (number, end))
        self.given = kept
        return [(number, end if isinstance(end, Loss) else pickle.dumps(end)) for number, end in found]

    def probe(self, node, payload):
        raise NotImplementedError


def loop_on(cluster, looked=lambda _: None):
    output = io.StringIO()
    loop = UnitLoop(cluster, pickle.dumps, Reporter(Console(file=output, width=300)), looked, lambda: cluster.now)
    return loop, output


def fine(unit, attempt, now):
    return unit.compute()


def test_groups_end_in_order_whatever_ends_first():
    cluster = Scripted(lambda unit, attempt, now: unit.compute() if now > {"a": 9, "b": 5, "c": 1}[unit.name] else None)
    loop, _ = loop_on(cluster)
    groups = [[Work("a"), Work("b")], [Work("c")]]
    assert [[end.unit.name for end in ends] for ends in loop.in_order(groups, lambda: 10)] == [["a", "b"], ["c"]]


def test_no_more_is_given_out_than_the_window_and_units_are_made_when_they_are():
    made = []

    def groups():
        for name in "abcdefgh":
            made.append(name)
            yield [Work(name)]

    loop, _ = loop_on(Scripted(fine))
    ends = loop.in_order(groups(), lambda: 2)
    assert next(ends)[0].unit.name == "a"
    assert len(made) <= 3


def test_what_is_known_is_not_given_out():
    cluster = Scripted(fine)
    (ends,) = loop_on(cluster)[0].in_order([[Work("a", kept=True)]], lambda: 1)
    assert ends[0].answer.counts == Counter(known=1)
    assert cluster.attempts == []


def test_a_loss_is_repeated_with_a_line_and_its_reason():
    cluster = Scripted(lambda unit, attempt, now: Loss("its node died") if attempt < ATTEMPTS else unit.compute())
    loop, output = loop_on(cluster)
    (end,) = loop.ends(loop.give_out(Work("a")))
    assert end.answer.counts == Counter(made=1)
    assert output.getvalue().count("its node died") == ATTEMPTS - 1
    assert f"attempt 2 of {ATTEMPTS}" in output.getvalue()


def test_who_brings_a_process_down_fails_alone_and_is_not_tried_again():
    cluster = Scripted(
        lambda unit, attempt, now: Loss("its process died") if "bad" in unit.detectors else unit.compute()
    )
    loop, output = loop_on(cluster)
    first, second = (loop.ends(loop.give_out(Work(name, ("good", "bad", "fine")))) for name in ("one", "two"))
    failed = {end.unit.detectors: end.failures for end in first}
    assert failed.keys() == {("good",), ("bad",), ("fine",)}
    assert failed["good",] == failed["fine",] == {}
    reason = failed["bad",][0]
    assert reason.kind == "ProcessDied"
    assert f"its process died, {ATTEMPTS} times" in reason.text
    assert {end.unit.detectors: end.failures for end in second} == {("bad",): {0: reason}, ("good", "fine"): {}}
    assert sum("bad" in unit.detectors for unit in cluster.attempts) == 2 * ATTEMPTS
    assert "given up" in output.getvalue()


def test_it_is_found_before_all_units_have_died_as_often():
    cluster = Scripted(
        lambda unit, attempt, now: Loss("its process died") if "bad" in unit.detectors else fine(unit, 0, 0)
    )
    units = [[Work(name, ("good", "bad"))] for name in "abcdefgh"]
    ends = list(loop_on(cluster)[0].in_order(units, lambda: len(units)))
    assert sum("bad" in unit.detectors for unit in cluster.attempts) == 2 * len(units) + 2 + ATTEMPTS
    for group in ends:
        assert {end.unit.detectors: bool(end.failures) for end in group} == {("good",): False, ("bad",): True}


def test_a_detectors_own_exception_is_no_loss():
    told = ToldError("ValueError", "odd")
    cluster = Scripted(lambda unit, attempt, now: UnitAnswer(error=told))
    (end,) = (loop := loop_on(cluster)[0]).ends(loop.give_out(Work("a")))
    assert end.failures == {0: told}
    assert len(cluster.attempts) == 1


def test_a_fault_of_the_input_ends_the_run():
    loop, _ = loop_on(Scripted(lambda *_: UnitAnswer(error=ToldError("InputError", "an image is gone"))))
    with pytest.raises(InputError, match="an image is gone"):
        loop.ends(loop.give_out(Work("a")))


@pytest.mark.parametrize(
    ("nodes", "there"),
    [([SMALL], "1 CPU, 0 GPU and 3.7 GiB on host"), ([], "no node that is alive")],
)
def test_what_no_node_can_run_ends_with_what_is_asked_and_what_is_there(nodes, there):
    cluster = Scripted(lambda *_: None, nodes)
    loop, _ = loop_on(cluster)
    with pytest.raises(InputError) as refused:
        loop.ends(loop.give_out(Work("a", needs=Needs(1, 1))))
    assert "1 CPU, 1 GPU and 1.0 GiB of memory" in str(refused.value)
    assert there in str(refused.value)
    assert PATIENCE <= cluster.now <= PATIENCE + 12


def test_a_node_that_joins_late_is_looked_at_and_used():
    big = NodeResources("b", "other", 8.0, 1.0, 64e9)
    looked = []
    cluster = Scripted(lambda unit, attempt, now: unit.compute() if big in cluster.alive and now > 45 else None)
    loop, _ = loop_on(cluster, looked.append)
    ticket = loop.give_out(Work("a", needs=Needs(1, 1)))
    original = cluster.wait
    cluster.wait = lambda seconds: (cluster.alive.append(big) if cluster.now == 40 else None, original(seconds))[1]
    assert loop.ends(ticket)[0].failures == {}
    assert [big in nodes for nodes in looked][-1]


def test_the_last_node_that_could_run_it_dies():
    cluster = Scripted(lambda unit, attempt, now: (cluster.alive.clear(), None)[1] if now > 100 else None)
    loop, _ = loop_on(cluster)
    with pytest.raises(InputError, match="no node that is alive"):
        loop.ends(loop.give_out(Work("a")))
    assert cluster.now >= 100 + PATIENCE


def test_a_long_wait_is_told_every_half_minute():
    cluster = Scripted(lambda unit, attempt, now: unit.compute() if now > 100 else None)
    loop, output = loop_on(cluster)
    loop.begin_stage(3)
    loop.ends(loop.give_out(Work("a")))
    assert output.getvalue().count("cluster: 0 of 3 units done, 1 given out to 1 node\n") == 3


def test_a_node_that_joined_is_given_work_beside_what_the_first_ones_have():
    made, cluster = [], Scripted(lambda unit, attempt, now: unit.compute() if unit.name != "a" or now > 20 else None)

    def groups():
        for name in "abcdefghijkl":
            made.append(name)
            yield [Work(name)]

    loop, _ = loop_on(cluster)
    ends = loop.in_order(groups(), lambda: 2 * len(loop.nodes))
    cluster.alive.append(NodeResources("b", "other", 1.0, 0.0, 4e9))
    next(ends)
    assert made == ["a", "b", "c"]
    assert len(loop.nodes) == 2
    for _ in range(3):
        next(ends)
    assert made == list("abcdefgh")


def test_a_unit_is_counted_once_whatever_became_of_its_parts():
    def become(unit, attempt, now):
        return Loss("its process died") if "bad" in unit.detectors else unit.compute() if now > 200 else None

    loop, output = loop_on(Scripted(become))
    loop.begin_stage(4)
    list(
        loop.in_order([[Work("one", ("good", "bad"))], [Work("two", ("bad",))], [Work("three", kept=True)]], lambda: 9)
    )
    loop.ends(loop.give_out(Work("four", ("fine",))))
    assert "cluster: 2 of 4 units done" in output.getvalue()
    assert loop._done == 4
