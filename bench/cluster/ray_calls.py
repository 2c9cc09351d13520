"""The one module that knows Ray. It repeats nothing by itself, and it places work softly.

Ray reads of the environment when it is imported whether a token is asked for: `ray_process` sets that first.
"""

from __future__ import annotations

import socket
import sys
import time
from contextlib import suppress
from typing import Any, cast

import ray
from ray import exceptions
from ray.cluster_utils import Cluster
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from bench.cluster.bridge import OpenRequest

PROBE_SECONDS = 60.0
LISTENING_SECONDS = 10.0
# whatever other addresses the machine has, though ports are open at these too; Ray takes 127.0.0.1 for one of them on
# Linux, and fails
LOOPBACK = "127.0.0.2" if sys.platform == "linux" else "127.0.0.1"
OF_ONE_NODE = {"object_store_memory": 100 << 20, "include_dashboard": False, "node_ip_address": LOOPBACK}
LOSSES: dict[type[Exception], str] = {
    exceptions.NodeDiedError: "its node died",
    exceptions.OutOfMemoryError: "its node ran out of memory, and its process was ended",
    exceptions.WorkerCrashedError: "its process died",
}


class RayCalls:
    """What is asked of Ray."""

    def __init__(self) -> None:
        self._running: dict[Any, int] = {}  # by reference of Ray
        self._local: Any = None
        self._work: Any = None
        self._lineup = ""

    def open(self, asked: OpenRequest) -> None:
        """Connect to a cluster, or start one."""
        address = asked.address.text
        if asked.address.kind == "local":
            address = self._start(asked)
        else:
            _require_listening(asked.named if address == "auto" else address)
        ray.init(
            address=address,
            log_to_driver=False,
            configure_logging=False,
            runtime_env={"env_vars": asked.variables},
        )
        self._work = ray.remote(max_retries=0, retry_exceptions=False)(_work)
        self._probe = ray.remote(max_retries=0, num_cpus=0)(_probe)
        self._lineup = asked.lineup

    def _start(self, asked: OpenRequest) -> str:
        """Start nodes on this machine that share it, for this run alone; their address."""
        count = asked.address.nodes or 1
        share = {"num_cpus": max(1, asked.cores // count), "memory": asked.memory * 7 // 10 // count, **OF_ONE_NODE}
        self._local = Cluster(shutdown_at_exit=True)
        self._local.add_node(**share, temp_dir=asked.folder, num_gpus=asked.gpus)  # whose numbers are known on one
        for _ in range(count - 1):
            self._local.add_node(**share)
        return str(self._local.address)

    def nodes(self) -> list[tuple[str, str, float, float, float]]:
        """The nodes that are alive: key, host, CPUs, GPUs, bytes of memory."""
        return [
            (one["NodeID"], one["NodeManagerHostname"], *(there.get(kind, 0.0) for kind in ("CPU", "GPU", "memory")))
            for one in cast("Any", ray).nodes()  # Ray has no types for it, and is no dependency
            if one["Alive"]
            for there in (one["Resources"],)
        ]

    def submit(self, number: int, payload: bytes, needs: tuple[int, int, int]) -> None:
        """Give a unit to Ray."""
        cpus, gpus, memory = needs
        options = {"num_cpus": cpus, "num_gpus": gpus, "memory": memory}
        self._running[self._work.options(**options).remote(payload)] = number

    def wait(self, seconds: float) -> list[tuple[int, bytes, str]]:
        """What came to an end: number, answer, and where there is none how that was."""
        if not self._running:
            time.sleep(seconds)
            return []
        ready, _ = ray.wait(list(self._running), num_returns=1, timeout=seconds)
        if ready:  # all that is, and not one at a time
            ready, _ = ray.wait(list(self._running), num_returns=len(self._running), timeout=0)
        return [(self._running.pop(reference), *_result(reference)) for reference in ready]

    def probe(self, node: str, payload: bytes) -> tuple[bytes, str]:
        """The answer of one node, or how there is none."""
        where = NodeAffinitySchedulingStrategy(node, soft=False)
        reference = self._probe.options(scheduling_strategy=where).remote(payload, self._lineup)
        return _result(reference, PROBE_SECONDS)

    def close(self) -> None:
        """Cancel what runs, and end the nodes that were started here."""
        for reference in self._running:
            with suppress(Exception):
                ray.cancel(reference, force=True)
        with suppress(Exception):
            ray.shutdown()
        if self._local is not None:
            with suppress(Exception):
                self._local.shutdown()


def _work(payload: bytes) -> bytes:
    """What a node does."""
    from bench.cluster.worker import answer

    return answer(payload)


def _probe(payload: bytes, lineup: str) -> bytes:
    """What a node does that is looked at: it may have another version of Lineup, or none."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        found = version("lineup-bench")
    except PackageNotFoundError:
        found = "none"
    if found != lineup:
        raise RuntimeError(f"it has Lineup {found}, and this is {lineup}: install the same on all nodes")
    return _work(payload)


def _result(reference: Any, seconds: float | None = None) -> tuple[bytes, str]:  # noqa: ANN401 - of Ray
    """What a task returned, or how there is nothing."""
    try:
        return ray.get(reference, timeout=seconds), ""
    except exceptions.GetTimeoutError:
        return b"", f"it did not answer for {seconds:.0f} s"
    except exceptions.RayTaskError as error:
        return b"", first_line(error.cause)
    except exceptions.RayError as error:
        return b"", LOSSES.get(type(error), f"{type(error).__name__}: {first_line(error)}")


def first_line(error: BaseException) -> str:
    """The first line of an exception's text that is not empty, or its type."""
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)


def fault(error: BaseException, address: str) -> str:
    """Why a cluster at an address cannot be opened, in one line."""
    text = " ".join(str(error).split())
    if "version mismatch" in text.lower():
        return f"the cluster {address} has other versions ({text}): install the same Python and Ray on all nodes"
    asked = "is it started, is that its address, and has this machine its token (RAY_AUTH_TOKEN_PATH)?"
    return f"the cluster {address} cannot be reached ({first_line(error)}); {asked}"


def _require_listening(address: str) -> None:
    """Raise `OSError` where nobody listens at HOST:PORT: Ray would try for minutes."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if host and port.isdigit():
        socket.create_connection((host.strip("[]"), int(port)), LISTENING_SECONDS).close()
