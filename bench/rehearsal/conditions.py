"""What each degradation asks of the images by itself: the passes of a run in parts that can be done apart."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from bench.engine.image_pass import position_mask
from bench.engine.selections import Positions
from bench.rehearsal.amounts import ImageAmounts, ImagesRead


@dataclass(frozen=True)
class ConditionWork:
    """What is done to images under one degradation where nothing is shared with another.

    Attributes:
        chain: The degradation.
        images: That are looked at: decoded, or known by their embeddings.
        read: What is decoded and degraded of them.
        embedded: Embeddings that are made, by key of the embedder.
        looked_up: Embeddings that are needed, those among them, by key of the embedder.
        prepared: Images that are prepared for detectors, by key of the recipe.
        scored: Answers from images, by key of the recipe.
        decided: Answers from embeddings, by key of the recipe.
    """

    chain: str
    images: int
    read: ImagesRead
    embedded: Mapping[str, int]
    looked_up: Mapping[str, int]
    prepared: Mapping[str, int]
    scored: Mapping[str, int]
    decided: Mapping[str, int]

    @property
    def answers(self) -> int:
        """About images, by all detectors."""
        return sum(self.scored.values()) + sum(self.decided.values())


@dataclass(frozen=True)
class PassWork:
    """What one pass over images does.

    Attributes:
        images: That are looked at under any degradation.
        conditions: What is done under each, in the order of their names.
    """

    images: int = 0
    conditions: Sequence[ConditionWork] = ()


NO_PASS = PassWork()


@dataclass
class _Tally:
    """What was counted so far for one degradation, as in `ConditionWork`."""

    seen: NDArray[np.bool_]
    read: NDArray[np.bool_]
    embedded: Counter[str] = field(default_factory=Counter)
    looked_up: Counter[str] = field(default_factory=Counter)
    prepared: Counter[str] = field(default_factory=Counter)
    scored: Counter[str] = field(default_factory=Counter)
    decided: Counter[str] = field(default_factory=Counter)


class ConditionTally:
    """Counts what one pass does under each degradation.

    Attributes:
        amounts: How many images stand behind the distinct images.
    """

    def __init__(self, amounts: ImageAmounts) -> None:
        """Count from nothing on."""
        self.amounts = amounts
        self._by_chain: dict[str, _Tally] = defaultdict(
            lambda: _Tally(np.zeros(amounts.size, bool), np.zeros(amounts.size, bool))
        )

    def embed(self, embedder: str, chain: str, needed: Positions, missing: Positions) -> None:
        """Embeddings of these images are needed, and those of some of them made.

        Args:
            embedder: Its key.
            chain: The degradation.
            needed: The images.
            missing: Those of them whose embeddings the cache does not have.
        """
        tally = self._see(chain, needed)
        tally.read |= position_mask(missing, self.amounts.size)
        tally.looked_up[embedder] += self.amounts.of(needed).images
        tally.embedded[embedder] += self.amounts.of(missing).images

    def prepare(self, recipe: str, chain: str, images: Positions) -> None:
        """These images are prepared for the detectors of a recipe, given by its key."""
        tally = self._see(chain, images)
        tally.read |= position_mask(images, self.amounts.size)
        tally.prepared[recipe] += self.amounts.of(images).images

    def answer(self, recipe: str, chain: str, images: Positions, *, from_embeddings: bool) -> None:
        """One fitted detector of a recipe answers about these images."""
        tally = self._see(chain, images)
        counts = tally.decided if from_embeddings else tally.scored
        counts[recipe] += self.amounts.of(images).images

    def _see(self, chain: str, images: Positions) -> _Tally:
        tally = self._by_chain[chain]
        tally.seen |= position_mask(images, self.amounts.size)
        return tally

    def work(self) -> PassWork:
        """What was counted."""
        seen = np.logical_or.reduce([np.zeros(self.amounts.size, bool), *(one.seen for one in self._by_chain.values())])
        conditions = [
            ConditionWork(
                chain,
                self.amounts.of(tally.seen).images,
                self.amounts.reading([(chain, np.flatnonzero(tally.read))]),
                tally.embedded,
                tally.looked_up,
                tally.prepared,
                tally.scored,
                tally.decided,
            )
            for chain, tally in sorted(self._by_chain.items())
        ]
        return PassWork(self.amounts.of(seen).images, conditions)
