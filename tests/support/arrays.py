"""Arrays of many numbers compared at once (`pytest.approx` goes through them one by one), and drawn ones."""

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays


def near(found, expected, absolute, relative=0.0):
    """Whether two arrays of one shape agree, each number within the larger tolerance as `pytest.approx` has it."""
    tolerance = np.maximum(absolute, relative * np.abs(expected))
    return found.shape == expected.shape and bool((np.abs(found - expected) <= tolerance).all())


@st.composite
def scored_images(draw):
    """Labels of both classes and float32 scores, many of which are equal, 0, 1 or on the edge of a bin."""
    n = draw(st.integers(2, 40))
    labels = draw(arrays(np.int64, n, elements=st.integers(0, 1)))
    labels[:2] = 0, 1
    score = st.sampled_from([0.0, 0.2, 0.25, 0.5, 0.6, 0.8, 1.0]) | st.floats(0, 1, width=32)
    return labels, draw(arrays(np.float32, n, elements=score))
