"""Cuts the chunks of a plan into units, by the plan alone: a repeated run on other nodes finds what is there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from bench.cluster.units import AskedDetector, AskedEmbeddings, EmbeddingUnit, ScoringUnit, UnitImages
from bench.cluster.values import Needs
from bench.engine.embeddings import EmbeddingPlan, EmbeddingRequest
from bench.engine.places.work_place import ScoringWork
from bench.engine.plan import ScoringKey
from bench.engine.selections import DistinctImages, Positions, unique_positions

UNITS = 32  # of a stage, or one for each chunk and condition where there are fewer: enough for some small nodes
MOST_ANSWERS = 20_000  # of a unit: what a node's death costs


@dataclass(frozen=True)
class CutImages:
    """Images of consecutive chunks.

    Attributes:
        chunks: The chunks, as positions among the images of the run.
        positions: Those of their images that are asked for, ascending.
        first: Number of the first image in the plan.
    """

    chunks: Sequence[Positions]
    positions: Positions
    first: int

    def own(self, images: Positions) -> Positions:
        """Positions of images of the run among `positions`; those of others are left out."""
        return np.searchsorted(self.positions, images[np.isin(images, self.positions)])

    def unit_images(self, pool: DistinctImages, model: UnitImages) -> UnitImages:
        """These images as those of a unit, worked on as those of another are."""
        chunks = tuple(self.own(chunk) for chunk in self.chunks)
        return replace(model, pool=pool.only(self.positions), chunks=chunks, first=self.first)


def units_wanted(answers: int) -> int:
    """Into how many units so many embeddings or answers of a stage are to be cut, as far as there are chunks enough."""
    return max(UNITS, -(-answers // MOST_ANSWERS))


def cut(chunks: Sequence[Positions], asked: Sequence[Positions]) -> tuple[list[CutImages], int]:
    """Consecutive chunks together, and into how many parts the conditions of each are to be divided.

    Args:
        chunks: Of the plan.
        asked: The images of each request.
    """
    wanted = unique_positions(asked)
    answers = sum(map(len, asked))
    units = units_wanted(answers)
    size = max(1, len(chunks) // units)
    starts = range(0, len(chunks), size)
    firsts = np.cumsum([0, *map(len, chunks)])
    found = [_cut_images(chunks[start : start + size], wanted, int(firsts[start])) for start in starts]
    return [one for one in found if len(one.positions)], max(1, -(-units // max(1, len(starts))))


def _cut_images(chunks: Sequence[Positions], wanted: Positions, first: int) -> CutImages:
    images = np.concatenate(chunks)
    return CutImages(chunks, np.sort(images[np.isin(images, wanted)]), first)


def embedding_unit(
    plan: EmbeddingPlan, requests: Sequence[EmbeddingRequest], part: CutImages, images: UnitImages, needs: Needs
) -> EmbeddingUnit:
    """The unit of some chunks.

    Args:
        plan: Says who needs which embeddings.
        requests: What is missing of it.
        part: The chunks.
        images: Their images.
        needs: What it asks of a node.
    """
    asked = [
        AskedEmbeddings(plan.users[request.key][0], request.embedder.key, request.degradation.name, own)
        for request in requests
        if (own := part.own(request.images)).size
    ]
    return EmbeddingUnit(images, tuple(asked), needs)


def condition_groups(work: ScoringWork, parts: int) -> list[list[ScoringKey]]:
    """The scoring keys of some work, by condition, in so many groups of conditions or fewer."""
    by_condition: dict[str, list[ScoringKey]] = {}
    for key in dict.fromkeys(request.key for request in work.requests):
        by_condition.setdefault(key[1], []).append(key)
    size = -(-len(by_condition) // parts)
    names = list(by_condition)
    return [
        [key for name in names[start : start + size] for key in by_condition[name]]
        for start in range(0, len(names), max(1, size))
    ]


def images_by_key(work: ScoringWork) -> dict[ScoringKey, Positions]:
    """The images that each scoring key is to answer about."""
    parts: dict[ScoringKey, list[Positions]] = {}
    for request in work.requests:
        parts.setdefault(request.key, []).append(request.images)
    return {key: unique_positions(found) for key, found in parts.items()}


def scoring_units(
    work: ScoringWork,
    groups: Sequence[Sequence[ScoringKey]],
    asked: Mapping[ScoringKey, Positions],
    part: tuple[CutImages, UnitImages],
    needs: Needs,
) -> Iterator[ScoringUnit]:
    """The units of some chunks, one for each group of conditions.

    Args:
        work: The work.
        groups: Scoring keys in groups.
        asked: As `images_by_key`.
        part: The chunks, and their images.
        needs: What each asks of a node.
    """
    own, images = part
    labels = None if work.labels is None else work.labels[own.positions]
    for group in groups:
        found = tuple(
            AskedDetector(work.items[key], shown, work.left_backend(work.items[key]))
            for key in group
            if work.is_open(key) and (shown := own.own(asked[key])).size
        )
        if found:
            yield ScoringUnit(images, found, labels, needs)
