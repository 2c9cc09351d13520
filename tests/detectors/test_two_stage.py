"""The first stage chooses the second: a wrong route has its price, and the oracle's route has none."""

import numpy as np
import pytest

from detectors.api import Runtime
from detectors.checks import Toy, sample, texture
from detectors.classifier import Classifier
from detectors.parts import Part
from detectors.two_stage import TwoStage, TwoStageDetector

RECIPE = TwoStage("small", second="spectrum")


class TwoGenerators(Toy):
    """Half of the generated images carry a checkerboard, the other half are tinted and striped."""

    def __init__(self, size=64):
        super().__init__(size)
        self.generators = ["" if not label else ("board", "stripes")[place // 2 % 2] for place, label in
                           enumerate(self.labels)]  # fmt: skip

    def __getitem__(self, index):
        if self.generators[index] != "stripes":
            return super().__getitem__(index)
        pixels = texture(self.names[index]).astype(int)
        pixels[:, ::3] += 14
        pixels[..., 0] += 60
        return sample(np.clip(pixels, 0, 255).astype(np.uint8))


@pytest.fixture(scope="module")
def train():
    return TwoGenerators()


@pytest.fixture(scope="module")
def detector(train):
    return RECIPE.fit(train, 0, Runtime())


def prepared(detector, train):
    return [detector.prepare(train[row]) for row in range(len(train))]


class Fixed(Classifier):
    """Says one class of everything."""

    def __init__(self, like, column):
        self.embedder, self.classes, self.column = like.embedder, like.classes, column

    def class_probabilities(self, embeddings):
        return np.eye(len(self.classes), dtype=np.float32)[[self.column] * len(embeddings)]

    def state(self):
        return {}


def test_every_route_is_fitted_on_its_generator_and_all_real_images(detector, train):
    assert detector.routes == ("board", "stripes")
    alone = RECIPE._stages()[1]
    rows = np.flatnonzero((np.array(train.generators) == "stripes") | (train.labels == 0))
    expected = alone.fit(Part(train, rows), 0, Runtime())
    images = [expected.prepare(train[row]) for row in range(8)]
    assert (detector.experts["stripes"].score(images) == expected.score(images)).all()


def test_scores_are_those_of_the_chosen_expert(detector, train):
    batch = prepared(detector, train)
    routes = detector.route(batch)
    scores = detector.score(batch)
    for row, place in enumerate(routes):
        expert = list(detector.experts.values())[place]
        one = expert.prepare(train[row])
        assert scores[row] == pytest.approx(expert.score([one])[0], abs=1e-6)


def test_a_first_stage_that_is_ignored_or_wrong_costs_accuracy(detector, train):
    batch, generated = prepared(detector, train), train.labels == 1
    oracle = np.array([detector.routes.index(name) if name else 0 for name in train.generators])
    right = detector.score_along(batch, oracle) > 0.5
    wrong = detector.score_along(batch, 1 - oracle) > 0.5
    assert right[generated].mean() > wrong[generated].mean() + 0.3
    chosen = detector.route(batch)
    assert (chosen == oracle)[generated].mean() > 0.7
    stuck = TwoStageDetector(Fixed(detector.first, detector.first.classes.index("board")), detector.experts)
    assert set(stuck.route(batch)) == {0}
    assert (stuck.score(batch) == detector.score_along(batch, np.zeros(len(batch), int))).all()


def test_real_is_no_route(detector, train):
    real = TwoStageDetector(Fixed(detector.first, 0), detector.experts)
    real.first.class_probabilities = lambda embeddings: np.tile(np.float32([0.8, 0.05, 0.15]), (len(embeddings), 1))
    assert set(real.route(prepared(detector, train))) == {1}


def test_every_stage_keeps_what_it_needs_in_a_folder_of_its_own(train, tmp_path):
    folders = []

    class Spy(TwoStage):
        def _stages(self):
            return tuple(Told(recipe, folders) for recipe in super()._stages())

    Spy("small", second="spectrum").fit(train, 0, Runtime(folder=tmp_path))
    assert folders == [tmp_path / "first", tmp_path / "0", tmp_path / "1"]


class Told:
    """A recipe that tells in which folder it was fitted."""

    def __init__(self, recipe, folders):
        self.recipe, self.folders = recipe, folders

    def fit(self, train, seed, runtime):
        self.folders.append(runtime.folder)
        return self.recipe.fit(train, seed, runtime)


def test_a_first_stage_must_tell_generators_apart(train):
    with pytest.raises(TypeError, match="hog_svm tells no generators apart"):
        TwoStage("small", first="hog_svm", second="spectrum").fit(train, 0, Runtime())


def test_one_generator_is_one_route():
    detector = RECIPE.fit(Toy(32), 0, Runtime())
    assert detector.routes == ("checkerboard",)
    restored = RECIPE.restore(detector.state(), Runtime())
    batch = prepared(detector, Toy(8))
    assert (restored.score(batch) == detector.score(batch)).all()
