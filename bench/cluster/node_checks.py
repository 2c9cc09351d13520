"""Looks at every node once, when the cluster is opened or the node joins: versions, the cache, the images."""

from __future__ import annotations

import pickle
import secrets
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from bench.cluster.values import ClusterClient, Loss, NodeResources, UnitAnswer
from bench.cluster.worker import NodeProbe, UnitSurroundings, libraries_here, sent, token_table
from bench.engine.cache import Cache
from bench.engine.selections import DistinctImages
from bench.platform.errors import InputError
from detectors.api import Runtime


class NodeChecks:
    """Looks at nodes.

    Args:
        client: The cluster.
        cache: The cache of the run, by its absolute path.
        pool: The images of the run.
        surroundings: What holds for all units of the run.
        runtime: Where a node computes.
    """

    def __init__(
        self,
        client: ClusterClient,
        cache: Cache,
        pool: DistinctImages,
        surroundings: UnitSurroundings,
        runtime: Runtime,
    ) -> None:
        self._client, self._surroundings = client, surroundings
        _, first = np.unique(pool.owners, return_index=True)
        samples, libraries = pool.only(np.sort(first)), libraries_here(runtime)
        self._probe = NodeProbe(cache, secrets.token_hex(16), "", samples, runtime, libraries)
        cache.write_shard(self._probe.question, token_table(self._probe.token))
        self._known: set[str] = set()

    def look(self, nodes: Sequence[NodeResources]) -> None:
        """Look at the nodes that are new. Raises `InputError` for one that would compute something else, or nothing."""
        for node in nodes:
            if node.key not in self._known:
                self._look_at(node)
                self._known.add(node.key)

    def _look_at(self, node: NodeResources) -> None:
        probe = replace(self._probe, node=node.key)
        reply = self._client.probe(node.key, sent(probe, self._surroundings))
        if isinstance(reply, Loss):
            if node.key in {one.key for one in self._client.nodes()}:
                raise InputError(f"the node {node.name} cannot be used: {reply.how}")
            return  # it died meanwhile
        answer: UnitAnswer = pickle.loads(reply)  # noqa: S301 - of Lineup's own process on a node
        if answer.error is not None:
            raise InputError(f"the node {node.name} cannot be used: {answer.error.text}")
        echo = probe.cache.read_shard(probe.echo)
        if echo is None or echo["token"].to_pylist() != [probe.token]:
            msg = f"what it writes to the cache {probe.cache.root} is not seen here: let all nodes share that folder"
            raise InputError(f"the node {node.name} cannot be used: {msg}")
