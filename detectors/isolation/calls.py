"""Calls of detectors: whatever one does, it fails by itself, and others compute as if it had not been there.

A detector is code of anybody. It may end the process, raise what is no `Exception`, take forever, or change what the
whole process shares. `contained` is the one context around every call of one: it turns all of that into an `Exception`,
which becomes the reason of a failed cell, and sets back what was changed.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from types import FrameType
from typing import Any

from detectors.isolation.process_state import ProcessState, kept_state

STOPS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))
STUCK = 124  # exit code of a process whose call took too long and could not be interrupted, as `timeout` has it
LEAST_GRACE = 10.0  # seconds in which a call that was interrupted may end
SLOT = 256  # bytes for what one thread does
SLOTS = 64
Handler = Callable[[int, FrameType | None], Any]


class DetectorMisbehaved(RuntimeError):
    """A detector did what would have ended the run. The message says what."""


class GivenUp(RuntimeError):
    """A call that ended earlier runs. The message says how, and what to do."""


class _TookTooLong(BaseException):
    """Raised inside a call: no `Exception`, so that a detector that catches those does not catch it."""


class CallRecord:
    """What every thread is calling now, in memory that another process may read after this one has died."""

    def __init__(self, memory: Any) -> None:  # noqa: ANN401 - anything that takes bytes at a slice
        self._memory = memory
        self._slots: dict[int, int] = {}
        self._lock = threading.Lock()

    @contextmanager
    def running(self, what: str) -> Iterator[None]:
        """Note a call of this thread while the context lasts; the one around it afterwards."""
        with self._lock:
            start = SLOT * (self._slots.setdefault(threading.get_ident(), len(self._slots)) % SLOTS)
        before = bytes(self._memory[start : start + SLOT])
        self._memory[start : start + SLOT] = what.encode(errors="replace")[:SLOT].ljust(SLOT, b"\0")
        try:
            yield
        finally:
            self._memory[start : start + SLOT] = before

    @staticmethod
    def read(memory: bytes) -> list[str]:
        """What was called, of memory that a record wrote."""
        slots = (memory[start : start + SLOT] for start in range(0, SLOT * SLOTS, SLOT))
        return sorted({text for slot in slots if (text := slot.rstrip(b"\0").decode(errors="replace"))})


@dataclass(frozen=True)
class CallRules:
    """What holds for calls in a context.

    Attributes:
        timeout: Seconds that a call about one batch may take; None for any time.
        state: In which calls begin; None for the state that they find.
        record: Where running calls are noted; None for nowhere.
        given_up: Calls that are not tried any more, and why.
    """

    timeout: float | None = None
    state: ProcessState | None = None
    record: CallRecord | None = None
    given_up: Mapping[str, str] = field(default_factory=dict)


_RULES: ContextVar[CallRules] = ContextVar("rules of calls", default=CallRules())  # noqa: B039 - it is frozen
_NOTED: ContextVar[list[BaseException] | None] = ContextVar(
    "what handlers of signals raised during a call", default=None
)


@contextmanager
def call_rules(rules: CallRules) -> Iterator[None]:
    """A context in which calls follow some rules, in threads that are started with a copy of its variables too."""
    token = _RULES.set(rules)
    try:
        yield
    finally:
        _RULES.reset(token)


@contextmanager
def batch_limit(seconds: float | None) -> Iterator[None]:
    """A context in which a call about one batch may take some seconds, None for any time; other rules stay."""
    with call_rules(replace(_RULES.get(), timeout=seconds)):
        yield


@contextmanager
def contained(what: str, *, batch: bool = False) -> Iterator[None]:
    """A context for one call of a detector. Raises an `Exception` where it raises anything at all.

    A signal to the process is no fault of the detector: what its handler raises is passed on, also where the detector
    caught it.

    Args:
        what: The call in words, the same in every run, such as "scoring by hog_svm".
        batch: Whether it is about one batch or image, and may take as long as the rules say.

    Raises:
        DetectorMisbehaved: It raised what is no `Exception` or has no text, or took too long.
        GivenUp: It ended earlier runs.
    """
    rules, noted = _RULES.get(), list[BaseException]()
    if what in rules.given_up:
        raise GivenUp(rules.given_up[what])
    called = False
    try:
        with ExitStack() as stack:
            noted = stack.enter_context(_surroundings(what, rules, batch=batch))
            called = True
            yield
            called = False
    except Exception as error:
        if noted:
            raise noted[-1] from None
        if _text(error) is None:
            raise DetectorMisbehaved(first_line(error)) from None
        raise
    except BaseException as error:
        if noted or not (called or isinstance(error, _TookTooLong)):
            raise
        raise DetectorMisbehaved(_deed(error, rules)) from error
    if noted:
        raise noted[-1]


@contextmanager
def _surroundings(what: str, rules: CallRules, *, batch: bool) -> Iterator[list[BaseException]]:
    """What is around a call; gives what handlers of signals raise during it."""
    limit = rules.timeout if batch else None
    with (
        nullcontext() if rules.record is None else rules.record.running(what),
        kept_state(rules.state),
        _noted_signals() as noted,
        nullcontext() if limit is None else _time_limit(limit),
    ):
        yield noted


def first_line(error: BaseException) -> str:
    """An exception in one line: its type, and the first line of its text that is not empty, if it has one."""
    return _named(error, next((line for line in (_text(error) or "").splitlines() if line.strip()), ""))


def in_words(error: BaseException) -> str:
    """An exception with the whole of its text in one line."""
    return _named(error, " ".join((_text(error) or "").split()))


def _named(error: BaseException, text: str) -> str:
    """A text behind the type of an exception."""
    return f"{type(error).__name__}: {text}" if text else f"{type(error).__name__}, without a text"


def _text(error: BaseException) -> str | None:
    """The text of an exception; None where it cannot be had: it may be made by anybody's code."""
    try:
        return str(error)
    except Exception:  # noqa: BLE001 - whatever it raises
        return None


def _deed(error: BaseException, rules: CallRules) -> str:
    if isinstance(error, _TookTooLong):
        return f"it took longer than {rules.timeout:g} s for one batch (--timeout)"
    if isinstance(error, SystemExit):
        return f"it calls sys.exit({error.code!r}), which would end the run"
    return f"it raises {type(error).__name__}, which would end the run"


@contextmanager
def _noted_signals() -> Iterator[list[BaseException]]:
    """What handlers of signals raise while the context lasts, and in contexts inside it."""
    if threading.current_thread() is not threading.main_thread():
        yield []  # handlers run in the main thread alone
        return
    outer = _NOTED.get()
    noted: list[BaseException] = [] if outer is None else outer
    token = _NOTED.set(noted)
    before = {number: handler for number in STOPS if callable(handler := signal.getsignal(number))}
    for number, handler in before.items():
        signal.signal(number, _noting(noted, handler))
    try:
        yield noted
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        _NOTED.reset(token)


def _noting(noted: list[BaseException], handler: Handler) -> Handler:
    def note(number: int, frame: FrameType | None) -> Any:  # noqa: ANN401 - as handlers are typed
        try:
            return handler(number, frame)
        except BaseException as raised:
            noted.append(raised)
            raise

    return note


@contextmanager
def _time_limit(seconds: float) -> Iterator[None]:
    """A context in which `_TookTooLong` is raised after some seconds, again and again; then the process is ended.

    Python runs nothing in a thread that waits inside a library, so that such a call cannot be interrupted.
    """
    late = _Lateness(threading.current_thread())
    before = signal.getsignal(signal.SIGALRM)
    if late.in_main_thread:
        signal.signal(signal.SIGALRM, late.raise_in_main_thread)
    watcher = threading.Thread(target=late.watch, args=(seconds,), daemon=True)
    watcher.start()
    try:
        yield
    finally:
        late.end()
        watcher.join()
        if late.in_main_thread:
            signal.signal(signal.SIGALRM, before)
    if late.came:
        raise _TookTooLong  # once more, for a detector that caught it


class _Lateness:
    """Interrupts a call of one thread when its time is over."""

    def __init__(self, thread: threading.Thread) -> None:
        self.in_main_thread = thread is threading.main_thread()
        self.came = False
        self._thread = thread.ident or 0
        self._over = threading.Event()
        self._lock = threading.Lock()

    def watch(self, seconds: float) -> None:
        """Wait until the call ends or is late; interrupt it then, and end the process where that does not help."""
        last = max(LEAST_GRACE, seconds)
        ended = self._over.wait(seconds)
        while not ended and last > 0:
            self._interrupt()
            ended, last = self._over.wait(min(1.0, last)), last - 1.0
        if not ended:
            os._exit(STUCK)

    def _interrupt(self) -> None:
        with self._lock:
            if self._over.is_set():
                return
            self.came = True
            if self.in_main_thread:
                signal.pthread_kill(self._thread, signal.SIGALRM)  # which ends a wait of Python too
            elif not _is_importing(sys._current_frames().get(self._thread)):  # noqa: SLF001 - documented all the same
                _raise_in_thread(self._thread, _TookTooLong)

    def raise_in_main_thread(self, _: int, frame: FrameType | None) -> None:
        """The handler of the signal."""
        if not self._over.is_set() and not _is_importing(frame):
            raise _TookTooLong

    def end(self) -> None:
        """Take that the call has ended: nothing is raised any more."""
        with self._lock:
            self._over.set()
            if not self.in_main_thread:
                _raise_in_thread(self._thread, None)


def _is_importing(frame: FrameType | None) -> bool:
    """Whether a frame is part of an import: interrupted there, a library in C crashes when it is imported next."""
    while frame is not None and not frame.f_code.co_filename.startswith("<frozen importlib"):
        frame = frame.f_back
    return frame is not None


def _raise_in_thread(thread: int, kind: type[BaseException] | None) -> None:
    """Let a thread raise an exception at its next step; None takes back one that it has not raised yet."""
    raised = None if kind is None else ctypes.py_object(kind)
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), raised)
