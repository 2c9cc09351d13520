"""The way to a cluster: a process of its own that knows Ray, so that this one does not, and that ends with this one.

What Ray prints goes into a file, what it reads of the environment and changes there stays there, and a signal of the
terminal comes to this process alone. Once this one is gone, even by SIGKILL, the other ends what it started.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench.cluster.address import ClusterAddress
from bench.cluster.values import Loss, Needs, NodeResources
from bench.platform.errors import InputError

RAY_PROCESS = "bench.cluster.ray_process"
SILENCE = 180.0  # seconds without an answer after which the cluster is taken for lost
END_SECONDS = 30.0  # in which the other process may end what it started


@dataclass(frozen=True)
class OpenRequest:
    """What the other process is to open.

    Attributes:
        address: The cluster.
        cores: Of this machine, which nodes of its own share.
        memory: Bytes of this machine, likewise.
        gpus: Its cards that the run uses.
        variables: Of the environment of every process of a node.
        folder: For files that last as long as the cluster.
        lineup: Version of Lineup, which nodes must have too.
        named: The address that the environment names for "auto"; empty where it names none.
    """

    address: ClusterAddress
    cores: int
    memory: int
    gpus: int
    variables: dict[str, str]
    folder: str
    lineup: str
    named: str = ""


class RayBridge:
    """A `ClusterClient` whose cluster is of Ray.

    Args:
        process: The other process.
        connection: To it.
        address: The cluster as the user wrote it.
        log: Where it prints.
    """

    def __init__(self, process: subprocess.Popen[bytes], connection: Connection, address: str, log: Path) -> None:
        self._process, self._connection, self._address, self._log = process, connection, address, log

    def ask(self, what: str, *given: object) -> Any:  # noqa: ANN401 - each question has an answer of its own type
        """Ask the other process. Raises `InputError` where it says that something is wrong, or is gone."""
        try:
            self._connection.send((what, given))
            deadline = time.monotonic() + SILENCE
            while not self._connection.poll(max(0.0, deadline - time.monotonic())):
                if time.monotonic() >= deadline:
                    raise InputError(f"the cluster {self._address} did not answer for {SILENCE:.0f} s; {self._again}")
            fine, answer = self._connection.recv()
        except (EOFError, ConnectionError) as error:
            raise InputError(f"the connection to the cluster {self._address} was lost; {self._again}") from error
        if not fine:
            raise InputError(f"{answer}")
        return answer

    @property
    def _again(self) -> str:
        return "run the same command again: what is done is kept"

    def nodes(self) -> list[NodeResources]:
        """As `ClusterClient.nodes`."""
        return [NodeResources(*one) for one in self.ask("nodes")]

    def submit(self, number: int, payload: bytes, needs: Needs) -> None:
        """As `ClusterClient.submit`."""
        self.ask("submit", number, payload, (needs.cpus, needs.gpus, needs.memory))

    def wait(self, seconds: float) -> list[tuple[int, bytes | Loss]]:
        """As `ClusterClient.wait`."""
        return [(number, Loss(how) if how else payload) for number, payload, how in self.ask("wait", seconds)]

    def probe(self, node: str, payload: bytes) -> bytes | Loss:
        """As `ClusterClient.probe`."""
        answer, how = self.ask("probe", node, payload)
        return Loss(how) if how else answer

    def close(self) -> None:
        """Have the other process end what it started; one that does not is killed."""
        with suppress(OSError):
            self._connection.close()
        try:
            self._process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


@contextmanager
def ray_bridge(address: ClusterAddress, variables: Mapping[str, str], gpus: int, lineup: str) -> Iterator[RayBridge]:
    """The way to a cluster while the context lasts; nodes of this machine's own end with it.

    Args:
        address: The cluster.
        variables: Of the environment of every process of a node.
        gpus: Cards of this machine that the run uses.
        lineup: Version of Lineup.

    Raises:
        InputError: The cluster cannot be reached or used.
    """
    with TemporaryDirectory(prefix="lineup-ray-", ignore_cleanup_errors=True) as folder:
        log = Path(folder) / "ray.log"
        (Path(folder) / "ray").mkdir()  # Ray notes the address of nodes that it starts there, and does not make it
        ours, theirs = get_context("spawn").Pipe()
        with log.open("wb") as output:
            # a group of its own: a terminal's signals come here alone
            process = subprocess.Popen(  # noqa: S603 - of our own
                [sys.executable, "-P", "-m", RAY_PROCESS, str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                pass_fds=[theirs.fileno()],
                process_group=0,
            )
        theirs.close()  # so that the end of the process is the end of the connection
        bridge = RayBridge(process, ours, address.text, log)
        try:
            cores, memory = core_count(), os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
            bridge.ask("open", OpenRequest(address, cores, memory, gpus, dict(variables), folder, lineup))
            yield bridge
        finally:
            bridge.close()


def core_count() -> int:
    """The cores of this machine that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
