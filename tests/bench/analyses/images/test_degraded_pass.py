import numpy as np
import pytest

from bench.analyses.images.degraded_pass import REAL, drawn_by_content, made_arrays
from bench.images import image_set
from protocols.degradations import parse_degradation


def red(sample):
    if sample.pixels[0, 0, 0] % 2:
        msg = "its first sample is odd"
        raise ValueError(msg)
    return sample.pixels[..., 0]


def test_each_image_is_decoded_once_and_made_under_each_degradation(planted, monkeypatch):
    decoded = []
    real_decode = image_set.decode
    monkeypatch.setattr(image_set, "decode", lambda *what: decoded.append(what[1]) or real_decode(*what))
    rows = np.array([5, 3, 40])
    made = list(made_arrays(planted.images, rows, {"none": red, "jpeg:50": red}, 1))
    assert len(decoded) == 3
    assert [(one.row, one.degradation) for one in made] == [(row, name) for name in ("none", "jpeg:50") for row in rows]
    for one in made:
        pixels = parse_degradation(one.degradation)(planted.images[one.row]).pixels[..., 0]
        if pixels[0, 0] % 2:
            assert (one.array, one.reason) == (None, "its first sample is odd")
        else:
            assert (one.array == pixels).all()
    assert {one.array is None for one in made} == {True, False}


def test_a_draw_is_by_content_and_a_smaller_one_part_of_a_larger_one(planted):
    whole, some = drawn_by_content(planted, 100), drawn_by_content(planted, 4)
    assert {name: len(rows) for name, rows in whole.items()} == {"noisy": 16, "plain": 16, "wave": 16, REAL: 48}
    assert all((some[name] == whole[name][:4]).all() for name in whole)
    labels = planted.images.labels
    assert not labels[whole[REAL]].any()
    assert labels[whole["wave"]].all()


@pytest.mark.parametrize("count", [3, 100])
def test_files_of_one_content_are_drawn_once(planted, count):
    doubled = type(planted)(
        planted.images.select(np.repeat(np.arange(len(planted.images)), 2)),
        planted.records.loc[np.repeat(planted.records.index, 2)].reset_index(drop=True),
    )
    once, twice = drawn_by_content(planted, count), drawn_by_content(doubled, count)
    assert all((twice[name] // 2 == rows).all() for name, rows in once.items())
