"""A call of a detector gives an answer or an `Exception`, whatever it does."""

import os
import signal
import sys
import threading
import time
from contextlib import suppress
from contextvars import copy_context
from importlib import import_module

import pytest

from detectors.isolation import calls
from detectors.isolation.calls import (
    SLOT,
    SLOTS,
    CallRecord,
    CallRules,
    DetectorMisbehaved,
    GivenUp,
    call_rules,
    contained,
    first_line,
    in_words,
)


class Silent(Exception):
    def __str__(self):
        raise ValueError


class Own(BaseException):
    pass


@pytest.mark.parametrize(
    ("raised", "said"),
    [
        (SystemExit(0), r"it calls sys\.exit\(0\), which would end the run"),
        (SystemExit("bye"), r"it calls sys\.exit\('bye'\)"),
        (KeyboardInterrupt(), "it raises KeyboardInterrupt, which would end the run"),
        (Own(), "it raises Own"),
        (Silent(), "Silent, without a text"),
    ],
)
def test_what_would_end_the_run_becomes_an_exception(raised, said):
    with pytest.raises(DetectorMisbehaved, match=said), contained("x"):
        raise raised


def test_an_exception_is_passed_on_as_it_is():
    with pytest.raises(KeyError, match="a"), contained("x"):
        raise KeyError("a")


def interrupt_and_swallow():
    with suppress(BaseException):  # as careless code has it
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(1)


def inside():
    with contained("inner"):
        interrupt_and_swallow()


@pytest.mark.parametrize("work", [interrupt_and_swallow, inside])
def test_an_interrupt_of_the_user_is_no_fault_of_the_detector_and_is_not_lost(work):
    with pytest.raises(KeyboardInterrupt), contained("outer"):
        work()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def swallow():
    for _ in range(2):
        with suppress(BaseException):  # as careless code has it
            time.sleep(30)


def loop():
    while True:
        pass


def timed(work):
    with (
        call_rules(CallRules(timeout=0.1)),
        pytest.raises(DetectorMisbehaved, match=r"longer than 0.1 s for one batch"),
        contained("x", batch=True),
    ):
        work()


@pytest.mark.parametrize("work", [lambda: time.sleep(30), loop])
def test_a_batch_that_takes_too_long_fails(work):
    start = time.monotonic()
    timed(work)
    assert time.monotonic() - start < 5


def test_a_batch_that_takes_too_long_fails_though_it_catches_everything():
    start = time.monotonic()
    timed(swallow)
    assert time.monotonic() - start < 8


def test_a_batch_that_takes_too_long_in_another_thread_fails():
    failed = []

    def work():
        timed(loop)
        failed.append(True)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join(10)
    assert failed == [True]


@pytest.mark.parametrize("in_main_thread", [True, False])
def test_an_import_is_not_cut_in_half(tmp_path, monkeypatch, in_main_thread):
    name = f"slow_to_import_{in_main_thread}".lower()
    (tmp_path / f"{name}.py").write_text("import time\nfor _ in range(40): time.sleep(0.01)\nwhole = True\n")
    monkeypatch.syspath_prepend(tmp_path)
    failed = []

    def work():
        timed(lambda: import_module(name))
        failed.append(sys.modules[name].whole)

    if in_main_thread:
        work()
    else:
        thread = threading.Thread(target=work)
        thread.start()
        thread.join(10)
    assert failed == [True]


def test_what_is_no_batch_may_take_its_time():
    with call_rules(CallRules(timeout=0.01)), contained("a training"):
        time.sleep(0.1)


def test_a_call_that_cannot_be_interrupted_ends_the_process(monkeypatch):
    ended = threading.Event()
    monkeypatch.setattr(calls, "LEAST_GRACE", 0.1)
    monkeypatch.setattr(calls.os, "_exit", lambda code: ended.set() if code == calls.STUCK else None)

    def work():
        with (
            pytest.raises(DetectorMisbehaved),
            call_rules(CallRules(timeout=0.1)),
            contained("x", batch=True),
        ):
            time.sleep(1)

    thread = threading.Thread(target=work)
    thread.start()
    assert ended.wait(5)
    thread.join()


def test_calls_that_run_can_be_read():
    memory = bytearray(SLOT * SLOTS)
    with call_rules(CallRules(record=CallRecord(memory))):
        with contained("outer"):
            assert CallRecord.read(memory) == ["outer"]
            with contained("inner"):
                assert CallRecord.read(memory) == ["inner"]
                context = copy_context()
                thread = threading.Thread(target=context.run, args=(hold, memory))
                thread.start()
                thread.join()
            assert CallRecord.read(memory) == ["outer"]
        assert CallRecord.read(memory) == []


def hold(memory):
    with contained("beside"):
        assert CallRecord.read(memory) == ["beside", "inner"]


def test_a_call_that_is_given_up_is_not_tried():
    with call_rules(CallRules(given_up={"x": "it ended two runs"})):
        with pytest.raises(GivenUp, match="it ended two runs"), contained("x"):
            pytest.fail("it was tried")
        with contained("y"):
            pass


def test_an_exception_in_words():
    assert first_line(ValueError("\n a\nb")) == "ValueError:  a"
    assert in_words(ValueError("a\n b")) == "ValueError: a b"
    assert (
        first_line(ValueError()) == in_words(Silent()).replace("Silent", "ValueError") == "ValueError, without a text"
    )
