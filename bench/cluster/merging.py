"""Merges what units answered in the order of the plan, chunk by chunk, as one machine would have answered."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np

from bench.cluster.cutting import CutImages
from bench.cluster.late_files import awaited
from bench.cluster.shards import from_table
from bench.cluster.unit_loop import UnitEnd
from bench.cluster.units import ScoringUnit, failed_answers
from bench.engine.places.work_place import ScoringWork
from bench.engine.plan import ScoringKey
from bench.engine.scoring.score_images import ScoredChunk, ScoredImages, with_same_diagnostics
from bench.engine.selections import Positions
from bench.platform.errors import InputError


class AnswerMerger:
    """Merges the answers to some work.

    A detector that failed gets no further answers, as on one machine: what units found of later images is left out.

    Args:
        work: The work.
    """

    def __init__(self, work: ScoringWork) -> None:
        self._work = work
        self._failed: set[ScoringKey] = set()
        self._diagnostics: dict[ScoringKey, frozenset[str]] = {}

    def merged(self, part: CutImages, ends: Sequence[UnitEnd]) -> Iterator[ScoredImages]:
        """The answers about some chunks.

        Args:
            part: The chunks.
            ends: What became of all their units.

        Raises:
            InputError: An answer is not in the cache any more.
        """
        found = [answer for end in ends for answer in _answers(end, part.positions)]
        for chunk in part.chunks:
            images = chunk[np.isin(chunk, part.positions)]
            if images.size:
                answers = [one for one in found if np.isin(one.images[:1], images).any()]
                yield ScoredImages(images, [one for one in map(self._admitted, answers) if one is not None])

    def _admitted(self, answer: ScoredChunk) -> ScoredChunk | None:
        """An answer that is still asked for, checked against those before it."""
        if answer.key in self._failed or not self._work.is_open(answer.key):
            return None
        checked = with_same_diagnostics(answer, self._diagnostics)
        if checked.failed and not checked.unprepared:
            self._failed.add(checked.key)
        return checked


def _answers(end: UnitEnd, positions: Positions) -> Iterator[ScoredChunk]:
    """What a unit answered; first the failures that are in no shard."""
    unit, failures = end.unit, end.failures
    if not isinstance(unit, ScoringUnit):
        msg = f"{unit.text} has no scores"
        raise TypeError(msg)
    yield from failed_answers(unit, failures, positions)
    if len(failures) < len(unit.asked):
        if (table := awaited(partial(unit.images.cache.read_shard, unit.shard))) is None:
            msg = f"what a node answered about {unit.images.text} is not in the cache any more; run the command again"
            raise InputError(msg)
        yield from from_table(table, unit.keys, positions)
