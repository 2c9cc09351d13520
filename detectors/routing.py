"""The contract of detectors that first choose a route for an image and then score it along that route."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from detectors.api import Array, Detector, Recipe, Scores

Routes = NDArray[np.int64]  # (N,), positions in `Routed.routes`


class Routed(Detector):
    """A detector of several routes. The price of a wrong route is seen by scoring along the right one.

    Attributes:
        routes: Their names: the generators of the train set.
    """

    routes: tuple[str, ...]

    @abstractmethod
    def route(self, batch: Sequence[Array]) -> Routes:
        """The route that each of N prepared images takes."""

    @abstractmethod
    def score_along(self, batch: Sequence[Array], routes: Routes) -> Scores:
        """Scores of N prepared images along given routes."""

    def score(self, batch: Sequence[Array]) -> Scores:
        """Scores along the routes that the detector chooses itself."""
        return self.score_along(batch, self.route(batch))


class RoutedRecipe(Recipe):
    """A recipe whose detectors are `Routed`: the harness looks for the price of wrong routes in these alone."""
