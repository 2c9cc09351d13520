"""What a process of a node does: it reads a unit, computes it under the rules of the run, and says how it ended.

Units and answers are pickled by Lineup's own processes for one another; nothing that a user or a store gave is.
"""

from __future__ import annotations

import os
import pickle
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import get_args

import pyarrow as pa

from bench.cluster.told_errors import ToldError
from bench.cluster.values import UnitAnswer, WorkUnit
from bench.engine.cache import Cache
from bench.engine.selections import DistinctImages
from bench.engine.versions import versions
from bench.inference.backends import backend_key
from bench.platform.errors import InputError
from bench.platform.files import digest
from bench.platform.installed import ABSENT
from bench.platform.memory import keep_freed_memory
from detectors import catalogue
from detectors.api import Recipe, Runtime
from detectors.isolation.calls import CallRules, call_rules, in_words
from detectors.isolation.process_state import ProcessState
from detectors.types import NetworkKind


@dataclass(frozen=True)
class UnitSurroundings:
    """What holds for all units of a run.

    Attributes:
        folder: The working folder of the run: paths of images and weights may be relative to it.
        timeout: Seconds that a call of a detector about one batch may take; None for any time.
        given_up: Calls that are not tried any more, and why.
        recipes: Those that are registered in the process of the run, and not installed.
    """

    folder: str
    timeout: float | None = None
    given_up: Mapping[str, str] = field(default_factory=dict)
    recipes: Sequence[type[Recipe]] = ()

    @contextmanager
    def around(self) -> Iterator[None]:
        """A context in which a unit is computed."""
        if Path(self.folder).is_dir():
            os.chdir(self.folder)
        catalogue.register(self.recipes)
        with call_rules(CallRules(self.timeout, ProcessState.now(), None, self.given_up)):
            yield


def answer(payload: bytes) -> bytes:
    """The answer to a unit, `UnitAnswer`, both as they are sent.

    Args:
        payload: A pickled pair of the unit and its `UnitSurroundings`.
    """
    try:
        keep_freed_memory()
        unit, surroundings = _received(payload)
        with surroundings.around():
            found = unit.compute()
    except Exception as error:  # noqa: BLE001 - it is raised, or becomes a reason, where the unit was given out
        found = UnitAnswer(error=ToldError.of(error))
    return pickle.dumps(found)


def _received(payload: bytes) -> tuple[WorkUnit | NodeProbe, UnitSurroundings]:
    """What was sent. Raises `InputError` where it cannot be read here, which is no fault of a detector."""
    try:
        unit, surroundings = pickle.loads(payload)  # noqa: S301 - Lineup's own
    except Exception as error:
        missing = isinstance(error, OSError | InputError)  # an archive of images
        mend = "let all nodes find the images there" if missing else "install the same Lineup and plug-ins on all nodes"
        raise InputError(f"a process of a node cannot read what it is sent ({in_words(error)}): {mend}") from error
    return unit, surroundings


@dataclass(frozen=True)
class NodeProbe:
    """Looks whether a node finds the cache and the images of a run where the run has them.

    Attributes:
        cache: The cache.
        token: What the run wrote into it, another one in every run.
        node: The key of the node.
        samples: One image of each of its data sets.
        runtime: Where the node computes.
        libraries: As `libraries_here` has them on the machine of the run.
    """

    cache: Cache
    token: str
    node: str
    samples: DistinctImages
    runtime: Runtime
    libraries: Mapping[str, str]

    @property
    def question(self) -> str:
        """The key in the cache of what the run wrote for all nodes."""
        return digest("probe", self.token)

    @property
    def echo(self) -> str:
        """The key in the cache of what the node writes for the run."""
        return digest("echo", self.token, self.node)

    def compute(self) -> UnitAnswer:
        """Look. Raises `InputError` where something is not there, or is another: keys name what the run has."""
        there = libraries_here(self.runtime)
        names = [name for name in sorted({*there, *self.libraries}) if there.get(name) != self.libraries.get(name)]
        if names:
            have = ", ".join(
                f"{name} {there.get(name, ABSENT)} in place of {self.libraries.get(name, ABSENT)}" for name in names
            )
            msg = f"its libraries are not those of this machine ({have}): install the same on all nodes"
            raise InputError(msg)
        table = self.cache.read_shard(self.question)
        if table is None or table["token"].to_pylist() != [self.token]:
            msg = f"it has another cache folder at {self.cache.root}: let LINEUP_CACHE be a folder that all nodes share"
            raise InputError(msg)
        self.cache.write_shard(self.echo, token_table(self.token))
        for position in range(len(self.samples)):
            try:
                self.samples[position]
            except OSError as error:
                msg = f"it cannot read {self.samples.where(position)} ({error}): let all nodes find the images there"
                raise InputError(msg) from error
        return UnitAnswer()


def libraries_here(runtime: Runtime) -> dict[str, str]:
    """Versions of what changes scores, as keys have them: libraries, packages of detectors, what computes networks."""
    backend = backend_key(runtime, frozenset(get_args(NetworkKind)))
    return {**versions(), **catalogue.distributions_of_detectors(), "backend": backend or ABSENT}


def token_table(token: str) -> pa.Table:
    """What is written into the cache for another machine to read."""
    return pa.table({"token": [token]})


def sent(unit: WorkUnit | NodeProbe, surroundings: UnitSurroundings) -> bytes:
    """A unit as it is sent. Raises `InputError` for one that other processes cannot have."""
    try:
        return pickle.dumps((unit, surroundings))
    except (TypeError, AttributeError, pickle.PicklingError) as error:
        msg = f"a cluster computes what is installed on its nodes, and this cannot be sent there ({error})"
        raise InputError(msg) from error
