"""Resizing by torch is Pillow's to the bit: every filter, odd sizes, both orders of its two passes."""

import numpy as np
import pytest
import torch
from PIL import Image

from protocols.degradations.pillow_resize import resized_by_torch
from protocols.degradations.resampling import FILTERS
from tests.support.pictures import photograph

SIZES = [  # width and height, before and after
    ((131, 97), (64, 47)),
    ((131, 97), (131, 31)),
    ((53, 211), (52, 60)),  # along columns first, from Pillow 13 on
    ((64, 300), (90, 20)),  # the same, with wider rows
    ((37, 29), (150, 113)),
    ((300, 7), (1, 1)),
    ((1, 1), (5, 3)),
]


@pytest.mark.parametrize("name", FILTERS)
@pytest.mark.parametrize(("old", "new"), SIZES)
def test_resizing_is_that_of_pillow(name, old, new):
    pixels = np.random.default_rng(0).integers(0, 256, (old[1], old[0], 3), dtype=np.uint8)
    for picture in (pixels, photograph("resized", old[1], old[0])) if min(old) > 1 else (pixels,):
        expected = np.asarray(Image.fromarray(picture).resize(new, FILTERS[name]))
        found = resized_by_torch(torch.tensor(picture), new, name)
        assert found.dtype == torch.uint8
        assert (found.numpy() == expected).all()
