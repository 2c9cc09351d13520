import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier

from detectors.trees import CHUNK, Boosted, Boosting


def noisy(size=300, columns=7, seed=0):
    rng = np.random.default_rng(seed)
    embeddings = rng.normal(0, 1, (size, columns)).astype(np.float32)
    labels = (embeddings[:, 0] * embeddings[:, 1] + rng.normal(0, 0.3, size) > 0).astype(np.int64)
    return embeddings, labels


@pytest.mark.parametrize(("depth", "leaves", "trees"), [(1, 2, 5), (3, 63, 40), (None, 31, 40), (6, 5, 20)])
def test_gives_the_probabilities_of_scikit_learn(depth, leaves, trees):
    embeddings, labels = noisy()
    model = HistGradientBoostingClassifier(max_iter=trees, max_depth=depth, max_leaf_nodes=leaves, min_samples_leaf=5)
    model.fit(embeddings, labels)
    fresh = noisy(seed=1)[0]
    for seen in (embeddings, fresh, fresh * 100):
        np.testing.assert_allclose(Boosted.of(model).decide(seen), model.predict_proba(seen)[:, 1], atol=1e-6)


def test_values_on_a_threshold_go_the_way_of_scikit_learn():
    embeddings, labels = noisy()
    whole = np.round(embeddings)
    model = HistGradientBoostingClassifier(max_iter=10, min_samples_leaf=5).fit(whole, labels)
    boosted = Boosted.of(model)
    on = np.broadcast_to(boosted.threshold[0, 0], whole.shape).astype(np.float32)
    np.testing.assert_allclose(boosted.decide(on), model.predict_proba(on)[:, 1], atol=1e-6)


def test_trees_without_a_split_know_nothing_however_rare_a_class_is():
    embeddings, labels = noisy(60)
    labels[:20] = 1
    boosted = Boosting(0.1, 4, 3, 8, 50, 0.0).fit(embeddings, labels, 0)
    assert boosted.depth == 0
    np.testing.assert_allclose(boosted.decide(embeddings), 0.5, atol=1e-6)


def test_more_images_than_a_chunk_score_as_they_do_alone():
    boosted = Boosting(0.2, 30, 3, 8, 5, 0.0).fit(*noisy(), 0)
    many = noisy(CHUNK + 3, seed=2)[0]
    scores = boosted.decide(many)
    assert scores.dtype == np.float32
    assert (scores[-5:] == boosted.decide(many[-5:])).all()
    assert boosted.decide(many[:0]).shape == (0,)


def test_the_same_seed_gives_the_same_trees():
    left, right = (Boosting(0.2, 30, 3, 8, 5, 0.0).fit(*noisy(), 3) for _ in range(2))
    assert (left.threshold == right.threshold).all()
    assert (left.value == right.value).all()


def test_sees_what_no_line_can():
    embeddings, labels = noisy(1000)
    fresh, truth = noisy(1000, seed=1)
    boosted = Boosting(0.2, 60, 3, 8, 5, 0.0).fit(embeddings, labels, 0)
    assert ((boosted.decide(fresh) > 0.5) == truth).mean() > 0.75


def test_one_class_is_refused():
    embeddings, labels = noisy()
    with pytest.raises(ValueError, match="at least 2 real and 2 generated images, found 0 real"):
        Boosting(0.1, 10, 3, 8, 5, 0.0).fit(embeddings, np.ones_like(labels), 0)
