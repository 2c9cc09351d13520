"""Heads, classifiers, banks and caches on CLIP embeddings, each against a slow or a library's version."""

from dataclasses import replace

import numpy as np
import open_clip
import pytest
import torch
from safetensors.torch import save_file
from scipy.optimize import minimize
from scipy.special import expit, softmax
from sklearn.linear_model import LogisticRegression
from sklearn.metrics.pairwise import cosine_distances
from sklearn.svm import LinearSVC

from detectors.api import Runtime, Unavailable
from detectors.checks import sample, texture
from detectors.classifier import Classifier
from detectors.embedders import clip_tower
from detectors.embedders.clip_recipe import SMALL_MODEL
from detectors.embedders.clip_tower import text_embeddings
from detectors.foundation.clip_classes import SVM_BLOCKS_C, ClipClasses, ClipOvo
from detectors.foundation.clip_heads import ClipMlp, ClipSvm
from detectors.foundation.clip_nearest import ClipNearest
from detectors.foundation.clip_probe import ClipLayers, ClipProbe
from detectors.foundation.tip_adapter import BETA, TipAdapter, TipAdapterF
from detectors.heads.linear import LinearSvm
from detectors.heads.multiclass import Softmax, couple, decode_names, encode_names
from detectors.heads.rows import l2_normalise
from detectors.preprocessing.augmentation import jpeg_round_trip
from detectors.weight_file import WrongWeights
from detectors.weights.locations import shipped_card

CONFIG = {
    "embed_dim": 24,
    "quick_gelu": True,
    "vision_cfg": {"image_size": 56, "layers": 2, "width": 32, "head_width": 16, "patch_size": 14},
    "text_cfg": {"context_length": 12, "vocab_size": 49408, "width": 16, "heads": 2, "layers": 1},
}
RECIPES = [ClipSvm, ClipMlp, ClipClasses, ClipOvo, ClipNearest, TipAdapter, TipAdapterF]
FINAL = shipped_card(SMALL_MODEL)["embed_dim"]
WIDTH = ClipProbe("small").embedder(Runtime()).dim


class RandomEmbeddings:
    """A train set whose embeddings are sampled: every class has a direction of its own."""

    def __init__(self, counts, strength=1.0, seed=0, width=WIDTH):
        rng = np.random.default_rng(seed)
        self.generators = [name for name, count in counts.items() for _ in range(count)]
        self.labels = np.array([int(name != "") for name in self.generators], dtype=np.int64)
        self.names = [f"{index}.jpg" for index in range(len(self.labels))]
        ways = {name: np.random.default_rng(index).normal(size=width) for index, name in enumerate(counts)}
        towards = np.stack([ways[name] for name in self.generators])
        self.embeddings = (rng.normal(size=towards.shape) + strength * towards).astype(np.float32)

    def __len__(self):
        return len(self.labels)

    def embed(self, embedder):
        return self.embeddings

    def shuffled(self, order):
        other = RandomEmbeddings.__new__(RandomEmbeddings)
        other.generators = [self.generators[index] for index in order]
        other.names = [self.names[index] for index in order]
        other.labels, other.embeddings = self.labels[order], self.embeddings[order]
        return other


THREE = {"": 40, "b": 20, "a": 30}


@pytest.fixture
def saved(tmp_path, monkeypatch):
    """A whole tiny model that open_clip knows as "tiny"."""
    monkeypatch.setattr(open_clip, "get_model_config", {"tiny": CONFIG}.get)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = open_clip.CLIP(**CONFIG).eval()
    path = tmp_path / "tiny.safetensors"
    save_file(model.state_dict(), path)
    return model, str(path)


@pytest.mark.parametrize("recipe", RECIPES)
def test_scores_do_not_depend_on_the_batch_to_the_last_bit(recipe):
    train = RandomEmbeddings(THREE)
    detector = recipe("small").fit(train, 0, Runtime())
    together = detector.decide(train.embeddings)
    alone = np.concatenate([detector.decide(row[None]) for row in train.embeddings])
    assert np.array_equal(together, alone)
    assert together.dtype == np.float32


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_clear_difference_is_learned(recipe, monkeypatch):
    alike = np.ones((2, FINAL), np.float32)  # prompts that leave the decision to what was learned
    monkeypatch.setattr(clip_tower, "text_embeddings", lambda tower, prompts: alike)
    counts = {"": 40, "b": 40}
    detector = recipe("small").fit(RandomEmbeddings(counts), 0, Runtime())
    fresh = RandomEmbeddings(counts, seed=1)
    assert ((detector.decide(fresh.embeddings) > 0.5) == fresh.labels).mean() > 0.95


def test_keys_tell_recipes_and_options_apart():
    recipes = [recipe(setting) for recipe in RECIPES for setting in ("paper", "small")]
    recipes += [ClipNearest("small", k=3), TipAdapter("small", shots=4)]
    assert len({recipe.key for recipe in recipes}) == len(recipes)
    openai, datacomp = "timm/vit_large_patch14_clip_224.openai", "laion/CLIP-ViT-L-14-DataComp.XL-s13B-b90K"
    for recipe in RECIPES:
        assert recipe("paper").key.endswith(openai if recipe is ClipNearest else datacomp)


def test_final_heads_store_the_final_embedding_only_and_share_it(saved):
    _, path = saved
    embedders = [recipe("paper", "tiny", path).embedder(Runtime()) for recipe in (*RECIPES, ClipProbe)]
    assert len({embedder.key for embedder in embedders}) == 1
    assert embedders[0].dim == 24
    assert ClipLayers("paper", "tiny", path).embedder(Runtime()).dim == 24 + 2 * 32
    small = [recipe("small").embedder(Runtime()).key for recipe in (*RECIPES, ClipProbe, ClipLayers)]
    assert len(set(small)) == 1


def test_the_svm_is_that_of_scikit_learn():
    train = RandomEmbeddings({"": 50, "b": 40}, strength=0.05)
    detector = ClipSvm("small").fit(train, 0, Runtime())
    read = train.embeddings[:, FINAL:]
    distances = svm(read, train.labels)
    assert detector.decision.distances(read) == pytest.approx(distances, abs=1e-3)


def test_the_svm_also_ends_where_classes_overlap():
    train = RandomEmbeddings({"": 500, "b": 400}, strength=0.05, width=12)
    decision = LinearSvm(1.0, primal=True).fit(train.embeddings, train.labels, 0)
    assert ((decision.distances(train.embeddings) > 0) == train.labels).mean() < 0.9
    assert decision.distances(train.embeddings) == pytest.approx(svm(train.embeddings, train.labels, 1.0), abs=1e-3)


def svm(embeddings, labels, c=SVM_BLOCKS_C):
    """Distances of scikit-learn's SVM over scaled columns."""
    points = embeddings.astype(float)
    points = (points - points.mean(0)) / points.std(0)
    options = {"C": c, "class_weight": "balanced", "dual": points.shape[1] > len(points), "tol": 1e-8}
    return LinearSVC(**options, max_iter=100_000).fit(points, labels).decision_function(points)


def test_the_two_layers_equal_torch_and_need_their_bend():
    train = RandomEmbeddings({"": 60, "b": 60})
    train.embeddings[::2] *= -1  # each class lies on both sides: no line parts them
    train.embeddings[train.labels == 1] = np.roll(train.embeddings[train.labels == 1], 700, 1)
    detector = ClipMlp("small").fit(train, 0, Runtime())
    scores = detector.decide(train.embeddings)
    assert ((scores > 0.5) == train.labels).mean() > 0.95
    state = {name: torch.from_numpy(np.array(array)) for name, array in detector.state().items()}
    points = torch.from_numpy(train.embeddings[:, FINAL:]).double()
    hidden = torch.relu(points @ state["first"].T + state["first_bias"])
    expected = torch.sigmoid(hidden @ state["second"] + state["second_bias"])
    assert scores == pytest.approx(expected.numpy(), abs=1e-6)
    assert not np.array_equal(scores, ClipMlp("small").fit(train, 1, Runtime()).decide(train.embeddings))


def test_class_probabilities_are_those_of_scikit_learn():
    train = RandomEmbeddings(THREE, strength=0.1)
    members = np.array([("", "a", "b").index(name) for name in train.generators])
    final = train.embeddings[:, :FINAL]
    rule = Softmax.fit(final, members, 1.0)
    points = (final - final.mean(0)) / final.std(0)
    reference = LogisticRegression(C=1.0, class_weight="balanced", tol=1e-8, max_iter=9999).fit(points, members)
    found = np.stack([rule.probabilities(row) for row in final])
    assert found == pytest.approx(reference.predict_proba(points), abs=1e-3)
    plain = LogisticRegression(C=1.0, tol=1e-8, max_iter=9999).fit(points, members)
    assert np.abs(found - plain.predict_proba(points)).max() > 0.01  # the weights of the classes matter


@pytest.mark.parametrize("recipe", [ClipClasses, ClipOvo])
def test_classes_are_named_and_survive_the_state(recipe):
    train = RandomEmbeddings({"": 40, "ü b": 20, "a": 30})
    detector = recipe("small").fit(train, 0, Runtime())
    assert isinstance(detector, Classifier)
    assert detector.classes == ("", "a", "ü b")
    said = detector.class_probabilities(train.embeddings)
    assert said.shape == (90, 3)
    assert said.sum(1) == pytest.approx(1)
    assert [detector.classes[index] for index in said.argmax(1)] == train.generators
    scores = detector.decide(train.embeddings)
    assert ((scores > 0.5) == (said.argmax(1) > 0)).all()
    assert scores == pytest.approx(said[:, 1:].max(1) / (said[:, 1:].max(1) + said[:, 0]))
    assert all(array.dtype != object and array.dtype.kind in "fiu" for array in detector.state().values())
    restored = recipe("small").restore(detector.state(), Runtime())
    assert restored.classes == detector.classes
    assert np.array_equal(restored.class_probabilities(train.embeddings), said)


@pytest.mark.parametrize("recipe", [ClipClasses, ClipOvo])
def test_classes_that_cannot_be_learned_are_refused(recipe):
    for counts, complaint in (
        ({"": 5, "a": 1}, "found 1 of a"),
        ({"a": 5, "b": 5}, "found 0 of the real ones"),
        ({"": 5}, "at least one generator, found none"),
    ):
        with pytest.raises(ValueError, match=complaint):
            recipe("small").fit(RandomEmbeddings(counts), 0, Runtime())


def test_names_are_bytes_and_back():
    for names in (("",), ("", "a", "b c"), ("", "ж")):
        assert decode_names(encode_names(names)) == names
        assert encode_names(names).dtype == np.uint8


def iterated(wins):
    """Algorithm 2 of Wu, Lin and Weng, as libsvm runs it."""
    count = len(wins)
    quadratic = -wins * wins.T + np.diag((wins**2).sum(0))
    probabilities = np.full(count, 1 / count)
    for step in range(10_000):
        one = step % count
        whole = probabilities @ quadratic @ probabilities
        probabilities[one] += (whole - quadratic[one] @ probabilities) / quadratic[one, one]
        probabilities /= probabilities.sum()
    return probabilities


def test_coupling_minimises_what_the_paper_minimises():
    rng = np.random.default_rng(0)
    for count in (2, 3, 5, 8):
        upper = np.triu(rng.uniform(0.02, 0.98, (count, count)), 1)
        wins = upper + np.tril(1 - upper.T, -1)
        found = couple(wins)
        assert found == pytest.approx(iterated(wins.copy()), abs=1e-6)

        def loss(point, wins=wins):
            return ((wins.T * point[:, None] - wins * point[None, :]) ** 2).sum()

        bounds = {"type": "eq", "fun": lambda point: point.sum() - 1}
        best = minimize(loss, np.full(count, 1 / count), bounds=[(0, 1)] * count, constraints=bounds, tol=1e-12)
        assert loss(found) <= best.fun + 1e-9


def test_coupling_gives_back_probabilities_that_agree():
    truth = np.array([0.5, 0.2, 0.2, 0.1])
    wins = truth[:, None] / (truth[:, None] + truth)
    np.fill_diagonal(wins, 0)
    assert couple(wins) == pytest.approx(truth)


def test_pairs_are_the_svms_of_their_own_images():
    train = RandomEmbeddings({"": 40, "a": 30, "b": 20}, strength=0.05)
    detector = ClipOvo("small").fit(train, 0, Runtime())
    names = np.array(train.generators)
    for decision, (one, other) in zip(detector.rule.decisions, [("", "a"), ("", "b"), ("a", "b")], strict=True):
        chosen = (names == one) | (names == other)
        read = train.embeddings[chosen, FINAL:]
        assert decision.distances(read) == pytest.approx(svm(read, names[chosen] == other), abs=1e-3)
    row = train.embeddings[0, FINAL:]
    wins = np.zeros((3, 3))
    for decision, (one, other) in zip(detector.rule.decisions, [(0, 1), (0, 2), (1, 2)], strict=True):
        wins[other, one] = expit(decision.slope * decision.distances(row[None])[0])
        wins[one, other] = 1 - wins[other, one]
    assert detector.class_probabilities(train.embeddings[:1])[0] == pytest.approx(iterated(wins), abs=1e-5)


@pytest.mark.parametrize("k", [1, 3, 99])
def test_nearest_compares_mean_distances_from_both_banks(k):
    train = RandomEmbeddings({"": 20, "b": 30}, strength=0.1)
    detector = ClipNearest("small", k=k).fit(train, 0, Runtime())
    asked = RandomEmbeddings({"": 9, "b": 9}, strength=0.1, seed=5).embeddings
    distances = np.sort(cosine_distances(asked[:, :FINAL], train.embeddings[:20, :FINAL]), 1)[:, :k].mean(1)
    distances -= np.sort(cosine_distances(asked[:, :FINAL], train.embeddings[20:, :FINAL]), 1)[:, :k].mean(1)
    scores = detector.decide(asked)
    assert np.array_equal(scores > 0.5, distances > 0)
    assert np.array_equal(np.argsort(scores), np.argsort(distances))


def test_nearest_depends_on_its_bank_and_ties_at_a_half():
    train = RandomEmbeddings({"": 20, "b": 20}, strength=0.1)
    recipe = ClipNearest("small")
    state = recipe.fit(train, 0, Runtime()).state()
    swapped = recipe.restore({"real": state["generated"], "generated": state["real"]}, Runtime())
    scores = recipe.restore(state, Runtime()).decide(train.embeddings)
    assert ((scores > 0.5) == train.labels).all()  # every image of the bank is its own neighbour
    assert ((swapped.decide(train.embeddings) > 0.5) != train.labels).all()
    same = recipe.restore({"real": state["real"], "generated": state["real"]}, Runtime())
    assert (same.decide(train.embeddings) == 0.5).all()
    with pytest.raises(ValueError, match="found 5 real and 0 generated"):
        recipe.fit(RandomEmbeddings({"": 5}), 0, Runtime())


def reference(rows, cache):
    """The published expression, all rows at once."""
    rows = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    affinity = rows @ cache.keys.T
    logits = 100 * rows @ cache.weights.T + cache.alpha * np.exp(-1 * (BETA - BETA * affinity)) @ cache.values
    return softmax(logits, 1)[:, 1]


@pytest.mark.parametrize("recipe", [TipAdapter, TipAdapterF])
def test_tip_adapter_is_the_published_expression(recipe):
    train = RandomEmbeddings({"": 30, "b": 20, "a": 10}, strength=0.1)
    detector = recipe("small").fit(train, 0, Runtime())
    cache = detector.cache
    assert cache.keys.shape == (32, FINAL)
    assert cache.values.sum(0).tolist() == [16, 16]
    final = train.embeddings[:, :FINAL].astype(float)
    for weights in (cache.weights, np.zeros_like(cache.weights)):
        state = detector.state() | {"weights": weights}
        scores = recipe("small").restore(state, Runtime()).decide(train.embeddings)
        assert scores == pytest.approx(reference(final, replace(cache, weights=weights)), abs=1e-4)
    assert np.ptp(scores) > 0.1  # the cache alone parts the images


def test_shots_are_sampled_by_name_and_seed():
    train = RandomEmbeddings(THREE)
    order = np.random.default_rng(0).permutation(len(train))
    recipe = TipAdapter("small")
    keys = recipe.fit(train, 0, Runtime()).cache.keys
    assert np.array_equal(recipe.fit(train.shuffled(order), 0, Runtime()).cache.keys, keys)
    assert not np.array_equal(recipe.fit(train, 1, Runtime()).cache.keys, keys)
    assert len(TipAdapter("small", shots=3).fit(train, 0, Runtime()).cache.keys) == 6
    with pytest.raises(ValueError, match="none of generated"):
        recipe.fit(RandomEmbeddings({"": 5}), 0, Runtime())


def test_training_the_keys_lowers_the_loss_of_the_shots():
    train = RandomEmbeddings({"": 16, "b": 16}, strength=0.02)
    cache = TipAdapter("small").fit(train, 0, Runtime()).cache
    alone = replace(cache, weights=np.zeros_like(cache.weights))
    labels = cache.values.argmax(1)
    tuned = TipAdapterF("small").tune_keys(alone, labels, 0)
    losses = []
    for one in (alone, tuned):
        scores = reference(cache.keys, one)
        losses.append(-np.log(np.where(labels == 1, scores, 1 - scores)).mean())
    assert losses[1] < 0.97 * losses[0]
    assert np.array_equal(tuned.values, cache.values)
    fitted = TipAdapterF("small").fit(train, 0, Runtime()).cache
    assert np.array_equal(fitted.weights, cache.weights)
    assert not np.array_equal(fitted.keys, cache.keys)


def test_prompts_are_read_by_the_text_tower_of_the_same_model(saved):
    model, path = saved
    recipe = TipAdapter("paper", "tiny", path)
    tokens = open_clip.SimpleTokenizer(context_length=12)(list(recipe.variant.prompts))
    with torch.inference_mode():
        expected = model.encode_text(tokens, normalize=True).numpy()
    train = RandomEmbeddings(THREE, width=24)
    detector = recipe.fit(train, 0, Runtime())
    assert detector.cache.weights == pytest.approx(expected, abs=1e-5)
    assert np.array_equal(recipe.restore(detector.state(), Runtime()).cache.weights, detector.cache.weights)


def test_a_text_tower_that_is_not_there_is_an_error(saved, tmp_path):
    model, path = saved
    tower = TipAdapter("paper", "tiny", path).embedder(Runtime()).tower
    save_file(model.visual.state_dict(), tmp_path / "visual.safetensors")
    alone = TipAdapter("paper", "tiny", str(tmp_path / "visual.safetensors"))
    with pytest.raises(WrongWeights, match=r"missing ln_final\.bias"):
        alone.fit(RandomEmbeddings(THREE, width=24), 0, Runtime())
    other = replace(tower, config=CONFIG | {"text_cfg": {"hf_tokenizer_name": "t5"}})
    with pytest.raises(Unavailable, match="tiny reads text with another library's tower"):
        text_embeddings(other, ("a photo",))


def test_the_small_clip_reads_prompts_in_the_words_of_its_captions():
    tower = TipAdapter("small").embedder(Runtime()).tower
    near, far, same = text_embeddings(tower, ["a photo, grainy", "a photo, very grainy", "A photo , grainy"])
    assert np.array_equal(near, same)
    assert not np.allclose(near, far)
    with pytest.raises(Unavailable, match=r"does not know 'ai-generated': .*it knows , a .*unsharpened"):
        text_embeddings(tower, ["an AI-generated image".removeprefix("an ")])
    with pytest.raises(Unavailable, match=r"does not know 'grany': did you mean 'grainy'"):
        text_embeddings(tower, ["a grany photo"])
    with pytest.raises(Unavailable, match="has 60 words and commas: the text tower reads 54"):
        text_embeddings(tower, ["grainy " * 60])


def test_the_small_prompts_are_in_their_order():
    """A strongly compressed image is nearer to the prompt of generated images than the image itself is."""
    embedder = TipAdapter("small").embedder(Runtime())
    real, generated = text_embeddings(embedder.tower, TipAdapter("small").adaptation.prompts)
    towards = l2_normalise(generated[None])[0] - l2_normalise(real[None])[0]
    scenes = [texture(str(seed), 128, 128) for seed in range(12)]
    before, after = (
        embedder.embed([embedder.prepare(sample(pixels)) for pixels in shown])[:, :FINAL]
        for shown in (scenes, [jpeg_round_trip(pixels, 40, "opencv") for pixels in scenes])
    )
    moved = (l2_normalise(after) - l2_normalise(before)) @ towards
    assert (moved > 0).mean() > 0.8


def test_another_tower_gets_the_published_prompts():
    assert TipAdapter("small", model="ViT-L-14").adaptation is TipAdapter.variants["paper"]
