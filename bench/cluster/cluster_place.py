"""A cluster as the place of the work of a run: opened when the first unit is given out, closed with the run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from importlib.metadata import version
from pathlib import Path

from bench.cluster.address import parse_cluster
from bench.cluster.bridge import core_count, ray_bridge
from bench.cluster.cutting import condition_groups, cut, embedding_unit, images_by_key, scoring_units
from bench.cluster.late_files import awaited
from bench.cluster.merging import AnswerMerger
from bench.cluster.node_checks import NodeChecks
from bench.cluster.unit_loop import UnitEnd, UnitLoop, UnitTicket
from bench.cluster.units import EmbeddingUnit, FitUnit, UnitImages
from bench.cluster.values import ClusterClient, Needs
from bench.cluster.worker import UnitSurroundings, sent
from bench.engine.cache import Cache
from bench.engine.embeddings import EmbeddedChunk, EmbeddingPlan, EmbeddingService
from bench.engine.fit_service import FitResult, FitTask
from bench.engine.places.work_place import PendingFit, ScoringWork
from bench.engine.scoring.score_images import ScoredImages
from bench.engine.selections import Positions
from bench.engine.tracking.training_curves import no_curves
from bench.platform.errors import InputError
from bench.platform.memory import KEEPING_VARIABLES
from bench.platform.progress import Reporter
from detectors import catalogue
from detectors.api import Runtime

AHEAD = 3  # units beside each that runs: a node has the next one when it is done, and this process holds few

OpenClient = Callable[[Mapping[str, str]], AbstractContextManager[ClusterClient]]


class ClusterPlace:
    """Has units computed by a cluster; a `WorkPlace`.

    Args:
        open_client: Opens the cluster, whose processes have some variables in their environment.
        surroundings: What holds for all units.
        reporter: Says what happens.
        threads: That a process of a node computes with: at most as many as torch has on this machine.
        curves: Whether nodes may write curves of trainings: into folders of this machine.
    """

    takes_every_fit = True

    def __init__(
        self,
        open_client: OpenClient,
        surroundings: UnitSurroundings,
        reporter: Reporter,
        threads: int,
        *,
        curves: bool,
    ) -> None:
        self._open_client, self._surroundings, self._reporter = open_client, surroundings, reporter
        self._threads, self._curves = threads, curves
        self._held = ExitStack()
        self._opened: _OpenedCluster | None = None

    def __enter__(self) -> ClusterPlace:
        """The same."""
        return self

    def __exit__(self, *raised: object) -> None:
        """Close the cluster: units that run are cancelled."""
        self._opened = None
        self._held.close()

    def _cluster(self, service: EmbeddingService) -> _OpenedCluster:
        """The cluster, opened now if it is not; every node has found the cache and images of a service."""
        if self._opened is None:
            client = self._held.enter_context(self._open_client(_variables(self._threads)))
            runtime = _on_a_node(service.runtime)
            checks = NodeChecks(client, _absolute(service.cache), service.pool, self._surroundings, runtime)
            nodes = client.nodes()
            checks.look(nodes)
            asked = max(1, min(self._threads, int(max((node.cpus for node in nodes), default=1))))
            loop = UnitLoop(client, lambda unit: sent(unit, self._surroundings), self._reporter, checks.look)
            self._opened = _OpenedCluster(loop, asked)
            self._reporter.say(f"cluster: {len(nodes)} {'node' if len(nodes) == 1 else 'nodes'}, units of {asked} CPU")
        return self._opened

    def embed(
        self, service: EmbeddingService, plan: EmbeddingPlan, chunks: Sequence[Positions]
    ) -> Iterator[tuple[int, list[EmbeddedChunk]]]:
        """As `WorkPlace.embed`."""
        missing = [replace(one, images=service.missing(one)) for one in plan.requests]
        requests = {one.key: one for one in missing if one.images.size}
        if not requests:
            return
        cluster = self._cluster(service)
        parts, _ = cut(chunks, [one.images for one in requests.values()])
        needs, model = cluster.needs(service.runtime), _model(service, cluster.threads)
        asked = list(requests.values())
        units = ([embedding_unit(plan, asked, part, part.unit_images(service.pool, model), needs)] for part in parts)
        cluster.loop.begin_stage(len(parts))
        for part, ends in zip(parts, cluster.loop.in_order(units, cluster.window), strict=True):
            service.counts.update(_counted(ends))
            yield (
                len(part.positions),
                [
                    EmbeddedChunk(requests[one.embedder, one.degradation], told.error())
                    for end in ends
                    if isinstance(end.unit, EmbeddingUnit)
                    for place, told in end.failures.items()
                    for one in [end.unit.asked[place]]
                ],
            )
        service.look_again()

    @contextmanager
    def fit(self, tasks: Mapping[str, FitTask], workers: int) -> Iterator[Mapping[str, PendingFit]]:
        """As `WorkPlace.fit`."""
        del workers  # of this machine
        if not tasks:
            yield {}
            return
        first = next(iter(tasks.values()))
        service = EmbeddingService(first.train.pool, first.cache, first.runtime, first.batch_size, 1, Counter())
        cluster = self._cluster(service)
        cluster.loop.begin_stage(len(tasks))
        units = {key: self._fit_unit(task, cluster) for key, task in tasks.items()}
        yield {key: _ClusterFit(cluster.loop, cluster.loop.give_out(unit), unit.task) for key, unit in units.items()}

    def _fit_unit(self, task: FitTask, cluster: _OpenedCluster) -> FitUnit:
        needs = cluster.needs(task.runtime)
        alone = task.item.recipe.single_threaded_fit and not needs.gpus
        curves = task.curves if self._curves else no_curves
        task = replace(task, runtime=_on_a_node(task.runtime), cache=_absolute(task.cache), curves=curves)
        return FitUnit(task, replace(needs, cpus=1) if alone else needs, _threads())

    def score(self, service: EmbeddingService, work: ScoringWork) -> Iterator[ScoredImages]:
        """As `WorkPlace.score`."""
        if not work.requests:
            return
        cluster = self._cluster(service)
        asked = images_by_key(work)
        parts, divided = cut(work.chunks, list(asked.values()))
        groups = condition_groups(work, divided)
        needs, model, merger = cluster.needs(service.runtime), _model(service, cluster.threads), AnswerMerger(work)
        units = (
            list(scoring_units(work, groups, asked, (part, part.unit_images(service.pool, model)), needs))
            for part in parts
        )
        cluster.loop.begin_stage(len(parts) * len(groups))
        for part, ends in zip(parts, cluster.loop.in_order(units, cluster.window), strict=True):
            service.counts.update(_counted(ends))
            yield from merger.merged(part, ends)


def cluster_place(
    text: str, runtime: Runtime, reporter: Reporter, timeout: float | None, given_up: Mapping[str, str]
) -> ClusterPlace:
    """The place of a run that asks for a cluster; a context that closes it.

    Args:
        text: The cluster as the user wrote it.
        runtime: Of the run.
        reporter: Says what happens.
        timeout: Seconds that a call of a detector about one batch may take; None for any time.
        given_up: Calls that are not tried any more, and why.

    Raises:
        InputError: It names no cluster, or a detector is of the program that was started, such as a notebook.
    """
    address = parse_cluster(text)
    if own := [name for name, kind in catalogue.registered().items() if kind.__module__ == "__main__"]:
        msg = f"--cluster has the work done by what is installed on its nodes, and {', '.join(own)} is of this program:"
        raise InputError(f"{msg} move it into a module that they can import")
    surroundings = UnitSurroundings(str(Path.cwd()), timeout, given_up, tuple(catalogue.registered().values()))
    opened = partial(ray_bridge, address, gpus=_cards(runtime), lineup=version("lineup-bench"))
    # nodes of this machine share its cores: more threads than those would wait for one another
    threads = _threads() if address.nodes is None else max(1, min(_threads(), core_count() // address.nodes))
    return ClusterPlace(opened, surroundings, reporter, threads, curves=address.kind == "local")


def _cards(runtime: Runtime) -> int:
    """The cards of this machine that a run may use."""
    if not runtime.device.startswith("cuda"):
        return 0
    import torch

    return int(torch.cuda.device_count())


@dataclass(frozen=True)
class _OpenedCluster:
    """A cluster that is open.

    Attributes:
        loop: Gives units out.
        threads: CPUs that a unit asks for: what it computes with, or all that the largest node has.
    """

    loop: UnitLoop
    threads: int

    def window(self) -> int:
        """How many units are given out at a time, by the nodes that there are now."""
        return AHEAD * max(1, sum(int(node.cpus) // self.threads for node in self.loop.nodes))

    def needs(self, runtime: Runtime) -> Needs:
        """What a unit asks of a node."""
        return Needs(self.threads, int(runtime.device.startswith("cuda")))


@dataclass(frozen=True)
class _ClusterFit:
    """A fit that was given out; a `PendingFit`."""

    loop: UnitLoop
    ticket: UnitTicket
    task: FitTask

    def result(self) -> FitResult:
        """As `PendingFit.result`."""
        (end,) = self.loop.ends(self.ticket)
        for told in end.failures.values():
            raise told.error()
        awaited(lambda: self.task.cache.has_fit(self.task.item.training_key) or None)
        return end.answer.counts, dict(end.answer.seconds)


def _counted(ends: Sequence[UnitEnd]) -> Counter[str]:
    return sum((end.answer.counts for end in ends), Counter[str]())


def _on_a_node(runtime: Runtime) -> Runtime:
    """The runtime of a unit, which sees the card alone that it was given."""
    return replace(runtime, device=runtime.device.partition(":")[0])


def _absolute(cache: Cache) -> Cache:
    return replace(cache, root=cache.root.absolute())


def _model(service: EmbeddingService, threads: int) -> UnitImages:
    """How the images of units are worked on; they are filled in."""
    cache, runtime = _absolute(service.cache), _on_a_node(service.runtime)
    return UnitImages(service.pool, (), cache, runtime, service.batch_size, min(service.workers, threads), 0)


def _threads() -> int:
    """The threads that torch computes with on this machine: those of a local run."""
    import torch

    return torch.get_num_threads()


def _variables(threads: int) -> dict[str, str]:
    """Of the environment of a node's processes: threads as here, and no card but one that Ray gives out."""
    return {"OMP_NUM_THREADS": str(threads), "CUDA_VISIBLE_DEVICES": "", **KEEPING_VARIABLES}
