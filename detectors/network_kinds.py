"""Recipes and embedders whose networks the runtime's backend computes, and of which kinds those are."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

from detectors.api import Embedder, Recipe
from detectors.types import NetworkKind


class UsesBackend(ABC):
    """A recipe or an embedder with networks of its own, which the runtime's backend computes.

    Attributes:
        fit_reads_outputs: Whether fitting depends on scores or embeddings as the backend computes them. The training of
            a network does not.
    """

    fit_reads_outputs: ClassVar[bool] = True

    @property
    @abstractmethod
    def own_network_kinds(self) -> frozenset[NetworkKind]:
        """The kinds of its networks."""


def network_kinds(part: Recipe | Embedder) -> frozenset[NetworkKind]:
    """The kinds of the networks of a recipe and its components, or of an embedder, that a backend computes."""
    own = part.own_network_kinds if isinstance(part, UsesBackend) else frozenset[NetworkKind]()
    components = part.components() if isinstance(part, Recipe) else ()
    return own.union(*map(network_kinds, components))


def fit_reads_outputs(recipe: Recipe) -> bool:
    """Whether fitting a recipe depends on how the runtime's backend computes networks."""
    reads = recipe.fit_reads_outputs if isinstance(recipe, UsesBackend) else True
    return reads and bool(network_kinds(recipe))
