import time
from io import BytesIO
from zipfile import ZipFile

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from skops.io import dumps

from detectors.heads.boosting import SCHEMA, BoostedTrees, GradientBoosting


def noisy(size=300, columns=7, seed=0):
    rng = np.random.default_rng(seed)
    embeddings = rng.normal(0, 1, (size, columns)).astype(np.float32)
    labels = (embeddings[:, 0] * embeddings[:, 1] + rng.normal(0, 0.3, size) > 0).astype(np.int64)
    return embeddings, labels


@pytest.mark.parametrize(("depth", "leaves", "trees"), [(1, 2, 5), (3, 63, 40), (None, 31, 40), (6, 5, 20)])
def test_what_was_saved_gives_the_probabilities_of_the_fitted_model(depth, leaves, trees):
    embeddings, labels = noisy()
    model = HistGradientBoostingClassifier(max_iter=trees, max_depth=depth, max_leaf_nodes=leaves, min_samples_leaf=5)
    model.fit(embeddings, labels)
    for seen in (embeddings, noisy(seed=1)[0] * 100):
        scores = BoostedTrees(BoostedTrees.from_model(model).saved).decide(seen)
        assert (scores == model.predict_proba(seen)[:, 1].astype(np.float32)).all()


def test_trees_without_a_split_know_nothing_however_rare_a_class_is():
    embeddings, labels = noisy(60)
    labels[:20] = 1
    boosted = GradientBoosting(0.1, 4, 3, 8, 50, 0.0).fit(embeddings, labels, 0)
    np.testing.assert_allclose(boosted.decide(embeddings), 0.5, atol=1e-6)


def test_a_batch_of_any_size_scores_as_its_images_do():
    boosted = GradientBoosting(0.2, 30, 3, 8, 5, 0.0).fit(*noisy(), 0)
    many = noisy(1027, seed=2)[0]
    scores = boosted.decide(many)
    assert scores.dtype == np.float32
    assert (scores[-5:] == boosted.decide(many[-5:])).all()
    assert boosted.decide(many[:0]).shape == (0,)


def test_the_same_seed_gives_the_same_bytes_at_another_time(monkeypatch):
    left, clock = GradientBoosting(0.2, 30, 3, 8, 5, 0.0).fit(*noisy(), 3), time.time
    archive = dumps([])
    monkeypatch.setattr(time, "time", lambda: clock() + 3600)
    assert dumps([]) != archive  # the later clock reaches the files of an archive
    right = GradientBoosting(0.2, 30, 3, 8, 5, 0.0).fit(*noisy(), 3)
    assert left.saved.dtype == np.uint8
    assert np.array_equal(left.saved, right.saved)


def of_bytes(saved):
    return BoostedTrees(np.frombuffer(saved, np.uint8))


@pytest.mark.parametrize(
    ("kind", "named"), [(LogisticRegression, "LogisticRegression"), (RandomForestClassifier, "Tree")]
)
def test_other_models_are_refused_in_one_line(kind, named):
    with pytest.raises(ValueError, match=f"no boosted trees .*{named}.*fit the detector again") as caught:
        of_bytes(dumps(kind().fit(*noisy(40))))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("saved", [b"", b"PK", b"\0" * 100])
def test_what_is_no_archive_is_refused(saved):
    with pytest.raises(ValueError, match="no boosted trees"):
        of_bytes(saved)


@pytest.fixture(scope="module")
def saved_trees():
    return GradientBoosting(0.2, 3, 3, 8, 5, 0.0).fit(*noisy(), 0).saved.tobytes()


@pytest.mark.parametrize(
    ("field", "value"),
    [("left", 10**6), ("right", 10**6), ("right", 0), ("feature_idx", 7), ("feature_idx", -1), ("is_categorical", 1)],
)
def test_a_forged_tree_is_refused(saved_trees, field, value):
    """scikit-learn would follow such a node out of its memory, or for ever."""
    forged = BytesIO()
    with ZipFile(BytesIO(saved_trees)) as old, ZipFile(forged, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            if name != SCHEMA and (nodes := np.load(BytesIO(content))).dtype.names:
                nodes[field][0] = value
                content = BytesIO()
                np.save(content, nodes)
                content = content.getvalue()
            new.writestr(name, content)
    with pytest.raises(ValueError, match="nodes that lead nowhere"):
        of_bytes(forged.getvalue())


def test_sees_what_no_line_can():
    embeddings, labels = noisy(1000)
    fresh, truth = noisy(1000, seed=1)
    boosted = GradientBoosting(0.2, 60, 3, 8, 5, 0.0).fit(embeddings, labels, 0)
    assert ((boosted.decide(fresh) > 0.5) == truth).mean() > 0.75


def test_one_class_is_refused():
    embeddings, labels = noisy()
    with pytest.raises(ValueError, match="at least 2 real and 2 generated images, found 0 real"):
        GradientBoosting(0.1, 10, 3, 8, 5, 0.0).fit(embeddings, np.ones_like(labels), 0)
