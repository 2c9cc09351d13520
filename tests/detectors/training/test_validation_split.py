"""Images that are held out for validation: by class, by source, and the same in every order."""

from types import SimpleNamespace

import numpy as np
import pytest

from detectors.training.validation_split import hold_out


def test_split_is_stratified_and_follows_names():
    labels, names = np.array([0] * 20 + [1] * 40), [f"image{index}.png" for index in range(60)]
    images = SimpleNamespace(labels=labels, names=names, sources=names)
    fitting, validation = hold_out(images, 0.1, "0")
    assert sorted(fitting + validation) == list(range(60))
    assert labels[validation].tolist() == [0] * 2 + [1] * 4
    order = np.random.default_rng(0).permutation(60)
    permuted = [names[index] for index in order]
    shuffled = hold_out(SimpleNamespace(labels=labels[order], names=permuted, sources=permuted), 0.1, "0")
    assert {names[index] for index in validation} == {permuted[index] for index in shuffled[1]}
    assert hold_out(images, 0.1, "1")[1] != validation
    assert all(labels[hold_out(images, 0.001, "0")[1]] == [0, 1])


def test_sources_are_held_out_whole():
    labels, sources = np.array([0, 1, 1] * 10), [str(index // 3) for index in range(30)]
    images = SimpleNamespace(labels=labels, names=[f"{index}.png" for index in range(30)], sources=sources)
    fitting, validation = hold_out(images, 0.2, "0")
    assert sorted(fitting + validation) == list(range(30))
    assert len(validation) == 6
    assert not {sources[index] for index in fitting} & {sources[index] for index in validation}
    with pytest.raises(ValueError, match="nothing is left to train on beside the 1 sources"):
        hold_out(SimpleNamespace(labels=labels, names=images.names, sources=["one"] * 30), 0.2, "0")


def test_a_class_of_one_image_cannot_be_trained_on():
    with pytest.raises(ValueError, match="at least 2 generated images, found 1"):
        hold_out(SimpleNamespace(labels=np.array([0, 0, 1]), names=list("abc"), sources=list("abc")), 0.1, "0")
