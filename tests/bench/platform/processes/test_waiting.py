"""Waiting in the main thread, which does not sleep so deeply that a signal passes it by."""

import signal
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from bench.platform.outside.interruption import Interrupted, signals_as_exceptions
from bench.platform.processes.waiting import as_finished, result_of


@pytest.mark.parametrize("waiting", [result_of, lambda future: list(as_finished([future]))])
def test_a_signal_that_is_handed_to_another_thread_ends_the_wait(waiting):
    """The system wakes the thread that it hands a signal to, and Python heeds it in the main thread alone."""

    def signalled_here():
        time.sleep(0.1)
        signal.pthread_kill(threading.get_ident(), signal.SIGTERM)

    given_up = threading.Timer(10, (endless := Future()).set_result, (None,))
    given_up.start()
    threading.Thread(target=signalled_here).start()
    with pytest.raises(Interrupted) as ended, signals_as_exceptions():
        waiting(endless)
    assert not endless.done()
    given_up.cancel()
    assert ended.value.exit_code == 128 + signal.SIGTERM


def test_results_and_faults_come_as_they_are():
    with ThreadPoolExecutor(1) as pool:
        assert result_of(pool.submit(int, "7")) == 7
        with pytest.raises(ValueError, match="invalid literal"):
            result_of(pool.submit(int, "seven"))
        with pytest.raises(TimeoutError, match="its own"):
            result_of(pool.submit(raising, TimeoutError("its own")))


def test_what_finishes_first_comes_first():
    late, early = Future(), Future()
    early.set_result("early")
    finished = as_finished([late, early])
    assert next(finished).result() == "early"
    late.set_result("late")
    assert [one.result() for one in finished] == ["late"]


def raising(error):
    raise error
