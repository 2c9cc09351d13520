"""Arrays of many numbers compared at once: `pytest.approx` goes through them one by one, which takes seconds."""

import numpy as np


def near(found, expected, absolute, relative=0.0):
    """Whether two arrays of one shape agree, each number within the larger tolerance as `pytest.approx` has it."""
    tolerance = np.maximum(absolute, relative * np.abs(expected))
    return found.shape == expected.shape and bool((np.abs(found - expected) <= tolerance).all())
