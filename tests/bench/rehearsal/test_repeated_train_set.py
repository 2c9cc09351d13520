"""A train set of any size from a few images."""

import numpy as np

from bench.rehearsal.repeated_train_set import RepeatedTrainSet
from detectors import catalogue
from detectors.api import Runtime
from detectors.checks import sample, texture
from tests.support.miniature import Means

SAMPLES = [sample(texture(name, 32, 32)) for name in "abcd"]


def test_its_columns_are_of_one_length_and_both_classes_alike():
    train = RepeatedTrainSet(SAMPLES, tuple(range(40)))
    columns = (train.labels, train.names, train.generators, train.sources, train.contents)
    assert {len(column) for column in (*columns, train)} == {40}
    assert train.labels.tolist() == [0, 1] * 20
    assert len(set(train.names)) == 40
    assert all(
        (label == 0) == (generator == "") for label, generator in zip(train.labels, train.generators, strict=True)
    )
    assert set(train.generators) == {"", "a", "b"}
    assert train[5] is SAMPLES[1]


def test_images_are_embedded_once_and_each_row_is_itself_in_any_part():
    embedder = Means()
    train = RepeatedTrainSet(SAMPLES, tuple(range(40)))
    whole = train.embed(embedder)
    assert whole.shape == (40, embedder.dim)
    assert whole.dtype == np.float32
    assert len(np.unique(whole, axis=0)) == 40
    part = train.part([7, 3])
    assert part.names == [train.names[7], train.names[3]]
    assert np.array_equal(part.embed(embedder), whole[[7, 3]])
    assert embedder.embedded == len(SAMPLES)


def test_fitted_detectors_score_it():
    train = RepeatedTrainSet(SAMPLES, tuple(range(12)))
    for name in ("colour", "checkerboard"):
        detector = catalogue.recipe(name, "small").fit(train, 0, Runtime())
        assert train.scores(detector).shape == (12,)
