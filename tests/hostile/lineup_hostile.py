"""Detectors that misbehave, each in one way: none of them may change what any other detector gets.

Each is the detector of tests/plugin with one method that does harm. Those of `ENDING` end the process of a run, so that
each is run by itself; all others are compared in one run.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import threading
import time
import warnings
from dataclasses import dataclass, replace

import numpy as np
from lineup_checkerboard import Checkerboard, CheckerboardDetector


class Silent(Exception):
    """An exception whose text cannot be had."""

    def __str__(self):
        raise RuntimeError("no text")


class HostileDetector(CheckerboardDetector):
    """Calls `harm(stage)` before it prepares and scores."""

    def __init__(self, cut, slope, recipe):
        super().__init__(cut, slope)
        self.recipe = recipe

    def prepare(self, sample):
        self.recipe.harm("prepare")
        return super().prepare(sample)

    def score(self, batch):
        self.recipe.harm("score")
        return self.recipe.spoil(super().score(batch))


@dataclass(frozen=True)
class Hostile(Checkerboard):
    """A recipe that does harm at one stage."""

    def harm(self, stage):
        """What is done at "fit", "restore", "prepare" and "score"."""

    def spoil(self, scores):
        """What becomes of scores."""
        return scores

    def fit(self, train, seed, runtime):
        self.harm("fit")
        fitted = super().fit(train, seed, runtime)
        return self.restored(fitted.state())

    def restore(self, state, runtime):
        self.harm("restore")
        return self.restored(state)

    def restored(self, state):
        return HostileDetector(float(state["cut"][0]), float(state["slope"][0]), self)


NAMES = []


def hostile(name, *stages, spoil=False, single_threaded=False):
    """A recipe of this name that calls the decorated function at these stages, or spoils its scores with it."""

    def decorate(function):
        card = replace(Checkerboard.card, name=name)
        body = {"card": card, "__annotations__": {}, "__module__": __name__}
        body["single_threaded_fit"] = property(lambda self: single_threaded)  # fitted in a process of its own
        if spoil:
            body["spoil"] = lambda self, scores: function(scores)
        else:
            body["harm"] = lambda self, stage: function() if stage in stages else None
        made = dataclass(frozen=True)(type(name, (Hostile,), body))
        globals()[name] = made
        NAMES.append(name)
        return function

    return decorate


@hostile("exits_in_fit", "fit")
@hostile("exits_in_prepare", "prepare")
@hostile("exits_in_score", "score")
def _exit():
    sys.exit(0)


@hostile("interrupts_in_fit", "fit")
@hostile("interrupts_in_prepare", "prepare")
@hostile("interrupts_in_score", "score")
def _interrupt():
    raise KeyboardInterrupt


@hostile("says_nothing", "score")
def _say_nothing():
    raise Silent


@hostile("runs_out_of_memory", "score")
def _run_out_of_memory():
    raise MemoryError


@hostile("dies_in_its_process", "fit", single_threaded=True)
def _die():
    os.kill(os.getpid(), signal.SIGKILL)


@hostile("exits_in_its_process", "fit", single_threaded=True)
def _exit_at_once():
    os._exit(0)


@hostile("scores_of_wrong_shape", spoil=True)
def _wrong_shape(scores):
    return np.stack([scores, scores])


@hostile("scores_that_are_nan", spoil=True)
def _nan(scores):
    return np.full_like(scores, np.nan)


@hostile("scores_that_are_texts", spoil=True)
def _texts(scores):
    return ["generated" for _ in scores]


@hostile("scores_above_one", spoil=True)
def _above(scores):
    return scores + 2


@hostile("sleeps_in_score", "score")
def _sleep():
    time.sleep(3_600)


@hostile("never_returns", "score")
def _never():
    while True:
        try:
            while True:
                pass
        except Exception:  # noqa: BLE001, S110 - as careless code has it
            pass


@hostile("prints", "fit", "restore", "prepare", "score")
def _print():
    print("{not: json}")  # noqa: T201
    os.write(1, b"{not: json}\n")


@hostile("leaves_threads", "score")
def _leave_threads():
    threading.Thread(target=time.sleep, args=(3_600,), daemon=False).start()


@hostile("changes_seeds", "fit", "restore", "prepare", "score")
def _change_seeds():
    import torch

    random.seed(1)
    np.random.seed(1)  # noqa: NPY002 - the harm that is meant
    torch.manual_seed(1)


@hostile("changes_torch", "fit", "restore", "prepare", "score")
def _change_torch():
    import torch

    torch.set_default_dtype(torch.float64)
    torch.set_default_device("meta")
    torch.set_num_threads(1)
    torch.set_grad_enabled(False)
    torch.set_flush_denormal(True)
    torch.use_deterministic_algorithms(mode=True)
    torch.set_float32_matmul_precision("medium")


@hostile("changes_the_process", "fit", "restore", "prepare", "score")
def _change_process():
    from PIL import Image, ImageFile

    os.chdir("/")
    os.environ["LINEUP_CACHE"] = "/"
    os.environ.pop("HOME", None)
    Image.MAX_IMAGE_PIXELS = 1
    ImageFile.LOAD_TRUNCATED_IMAGES = True
    np.seterr(all="raise")
    warnings.simplefilter("error")
    sys.setrecursionlimit(200)


@hostile("changes_signals", "fit", "restore", "score")
def _change_signals():
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)


@hostile("ends_in_fit", "fit")
@hostile("ends_in_prepare", "prepare")
@hostile("ends_in_score", "score")
def _end():
    os._exit(0)


@hostile("crashes_in_score", "score")
def _crash():
    os.kill(os.getpid(), signal.SIGSEGV)


ENDING = ("ends_in_fit", "ends_in_prepare", "ends_in_score", "crashes_in_score")
TOGETHER = tuple(sorted(set(NAMES) - set(ENDING)))
HARMLESS = ("prints", "leaves_threads", "changes_seeds", "changes_torch", "changes_the_process", "changes_signals")
