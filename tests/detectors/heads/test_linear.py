from dataclasses import dataclass

import numpy as np
import pytest
from safetensors.numpy import load, save
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from detectors.api import Card, Embedder, Runtime, for_all_settings
from detectors.checks import ToyTrainSet
from detectors.heads.linear import LinearSvm, Logistic
from detectors.heads.probe_recipe import LinearProbe, ProbeRecipe, ProbeVariant

HEADS = (LinearSvm(1e-3), LinearSvm(1.0), Logistic(1e-2), Logistic(10.0))
SHAPES = ((60, 200), (200, 30))  # more columns than images, and fewer


def problem(images=80, columns=200, shift=0.6, seed=0):
    """Embeddings off centre and of uneven scale, whose first 20 columns tell the classes apart."""
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.arange(images) % 2)
    embeddings = rng.normal(size=(images, columns))
    embeddings[:, :20] += shift * labels[:, None]
    return (embeddings * rng.uniform(0.1, 30, columns) + rng.normal(0, 50, columns)).astype(np.float32), labels


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("c", [1e-4, 1e-2, 1.0])
def test_svm_is_the_one_of_scikit_learn(shape, c):
    embeddings, labels = problem(*shape)
    reference = make_pipeline(StandardScaler(), LinearSVC(C=c, tol=1e-8, max_iter=100_000)).fit(embeddings, labels)
    line = LinearSvm(c).fit(embeddings, labels, 0)
    np.testing.assert_allclose(line.distances(embeddings), reference.decision_function(embeddings), atol=1e-3)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("c", [1e-4, 1e-2, 1.0])
def test_logistic_regression_is_the_one_of_scikit_learn(shape, c):
    embeddings, labels = problem(*shape)
    reference = make_pipeline(StandardScaler(), LogisticRegression(C=c, tol=1e-8, max_iter=10_000))
    expected = reference.fit(embeddings, labels).predict_proba(embeddings)[:, 1]
    np.testing.assert_allclose(Logistic(c).fit(embeddings, labels, 0).decide(embeddings), expected, atol=1e-3)


@pytest.mark.parametrize("head", HEADS, ids=str)
def test_half_is_the_boundary_of_the_line(head):
    embeddings, labels = problem()
    line = head.fit(embeddings, labels, 0)
    unseen, _ = problem(seed=1)
    assert ((line.decide(unseen) > 0.5) == (line.distances(unseen) > 0)).all()
    assert ((line.decide(embeddings) > 0.5) == labels).mean() > 0.9


@pytest.mark.parametrize("head", HEADS, ids=str)
def test_a_score_does_not_depend_on_its_batch(head):
    embeddings, labels = problem()
    line = head.fit(embeddings, labels, 0)
    alone = np.concatenate([line.decide(embeddings[index : index + 1]) for index in range(len(embeddings))])
    assert (line.decide(embeddings) == alone).all()
    assert line.decide(embeddings[:0]).shape == (0,)


@pytest.mark.parametrize("head", HEADS, ids=str)
def test_constant_columns_are_silent(head):
    embeddings, labels = problem()
    with_constants = np.insert(embeddings, [0, 5, 200], np.float32([0.1, 0.0, 1e6]), axis=1)
    line, plain = head.fit(with_constants, labels, 0), head.fit(embeddings, labels, 0)
    elsewhere = with_constants.copy()
    elsewhere[:, 0] = 1e4
    assert (line.decide(elsewhere) == line.decide(with_constants)).all()
    np.testing.assert_allclose(line.decide(with_constants), plain.decide(embeddings), atol=1e-4)


def test_scores_of_unseen_images_are_as_sure_as_they_are_right():
    embeddings, labels = problem(images=3300, shift=0.35)
    line = LinearSvm(1e-4).fit(embeddings[:300], labels[:300], 0)
    scores, truth = line.decide(embeddings[300:]), labels[300:]
    sureness, right = np.maximum(scores, 1 - scores), (scores > 0.5) == truth
    assert right.mean() == pytest.approx(sureness.mean(), abs=0.05)
    sure = sureness > 0.9
    assert right[sure].mean() == pytest.approx(sureness[sure].mean(), abs=0.05)


def test_distances_that_say_nothing_give_scores_near_half():
    rng = np.random.default_rng(3)
    embeddings = rng.normal(size=(60, 40)).astype(np.float32)
    labels = np.arange(60) % 2
    line = LinearSvm(1.0).fit(
        np.concatenate([embeddings[:30], embeddings[:30]]), np.r_[labels[:30], 1 - labels[:30]], 0
    )
    assert line.slope > 0
    np.testing.assert_allclose(line.decide(embeddings), 0.5, atol=0.05)


def test_only_the_slope_of_the_svm_depends_on_the_seed():
    embeddings, labels = problem(shift=0.3)
    first, again, other = (LinearSvm(1e-2).fit(embeddings, labels, seed) for seed in (0, 0, 1))
    assert all((getattr(first, name) == getattr(again, name)).all() for name in vars(first))
    assert (first.coef == other.coef).all()
    assert first.slope != other.slope


@pytest.mark.parametrize("head", HEADS, ids=str)
@pytest.mark.parametrize(("real", "generated"), [(10, 0), (0, 10), (10, 1), (1, 10), (0, 0)])
def test_too_few_images_of_a_class_are_refused(head, real, generated):
    embeddings = np.zeros((real + generated, 3), np.float32)
    with pytest.raises(ValueError, match=f"found {real} real and {generated} generated"):
        head.fit(embeddings, np.repeat([0, 1], [real, generated]), 0)


@pytest.mark.parametrize("head", HEADS, ids=str)
def test_two_images_of_each_class_suffice(head):
    embeddings, labels = problem(images=4, shift=5)
    assert ((head.fit(embeddings, labels, 0).decide(embeddings) > 0.5) == labels).all()


class Corners(Embedder):
    """The four corner pixels, red, then green, then blue."""

    key, dim = "corners", 12

    def prepare(self, sample):
        return sample.pixels[:: sample.pixels.shape[0] - 1, :: sample.pixels.shape[1] - 1].transpose(2, 0, 1).ravel()

    def embed(self, batch):
        return np.stack([*batch, np.zeros(12)])[:-1].astype(np.float32)


@dataclass(frozen=True)
class Green(ProbeRecipe):
    card = Card("green", "toy", 2026, 1, *["nothing"] * 4)
    variants = for_all_settings(
        ProbeVariant(
            trained_on="nothing",
            input_size="any",
            input_policy="corners",
            embedder=lambda runtime: Corners(),
            head=Logistic(1.0),
        )
    )

    def columns(self, embedder):
        return slice(4, 8)


def test_a_probe_reads_its_columns_alone():
    train = ToyTrainSet()
    probe = Green().fit(train, 0, Runtime())
    embeddings = train.embed(Corners())
    direct = Logistic(1.0).fit(embeddings[:, 4:8], train.labels, 0)
    assert (probe.decide(embeddings) == direct.decide(embeddings[:, 4:8])).all()
    changed = embeddings.copy()
    changed[:, :4] = changed[:, 8:] = 0
    assert (probe.decide(changed) == probe.decide(embeddings)).all()


def test_a_state_survives_a_file():
    train = ToyTrainSet()
    probe = Green().fit(train, 0, Runtime())
    restored = Green().restore(load(save(probe.state())), Runtime())
    batch = [probe.prepare(train[index]) for index in range(len(train))]
    assert isinstance(restored, LinearProbe)
    assert (probe.score(batch) == restored.score(batch)).all()
    assert set(probe.state()) == {"mean", "scale", "coef", "intercept", "slope"}
