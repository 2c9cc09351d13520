"""A GPU gives the scores that the CPU gives: every detector, fitted on the CPU, scores alike on both."""

import numpy as np
import pytest
import torch

from detectors import catalogue
from detectors.api import Runtime
from detectors.checks import ToyTrainSet

TOLERANCE = {"float32": 1e-3, "bfloat16": 0.05}  # of a score in [0, 1]

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")


@pytest.mark.parametrize("precision", TOLERANCE)
@pytest.mark.parametrize("name", catalogue.names())
def test_scores_on_a_gpu_are_those_on_the_cpu(name, precision):
    recipe, train = catalogue.recipe(name, "small"), ToyTrainSet()
    fitted = recipe.fit(train, 0, Runtime())
    moved = recipe.restore(fitted.state(), Runtime("cuda", precision))
    images = [train[index] for index in range(8)]
    expected, found = (one.score([one.prepare(image) for image in images]) for one in (fitted, moved))
    assert np.abs(expected - found).max() < TOLERANCE[precision]


@pytest.mark.parametrize("name", catalogue.names())
def test_fitting_on_a_gpu_repeats(name):
    recipe, train = catalogue.recipe(name, "small"), ToyTrainSet()
    first, again = (recipe.fit(train, 0, Runtime("cuda")) for _ in range(2))
    images = [train[index] for index in range(8)]
    left, right = (one.score([one.prepare(image) for image in images]) for one in (first, again))
    assert (left == right).all()
