"""The first stage chooses the second: a wrong route has its price, and the oracle's route has none."""

import numpy as np
import pytest

from detectors.api import Runtime
from detectors.checks import ToyTrainSet, sample, texture
from detectors.classifier import Classifier
from detectors.composite.two_stage import FIRST, TwoStage, TwoStageDetector
from detectors.types import PREDICTED_GENERATOR, ROUTE, ROUTE_SCORE

RECIPE = TwoStage("small", second="spectrum")


class TwoGenerators(ToyTrainSet):
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
    expected = alone.fit(train.part(rows), 0, Runtime())
    images = [expected.prepare(train[row]) for row in range(8)]
    assert (detector.members["1"].score(images) == expected.score(images)).all()


def experts(detector):
    return {name: detector.members[str(place)] for place, name in enumerate(detector.routes)}


def test_scores_are_those_of_the_chosen_expert(detector, train):
    answer = detector.answer(prepared(detector, train))
    assert (detector.score(prepared(detector, train)) == answer.scores).all()
    for row, name in enumerate(answer.diagnostics[ROUTE]):
        one = experts(detector)[name].prepare(train[row])
        assert answer.scores[row] == pytest.approx(experts(detector)[name].score([one])[0], abs=1e-6)
        assert answer.scores[row] == answer.diagnostics[ROUTE_SCORE + name][row]
        assert answer.diagnostics[PREDICTED_GENERATOR][row] == (name if answer.scores[row] > 0.5 else "")


def test_a_first_stage_that_is_ignored_or_wrong_costs_accuracy(detector, train):
    batch, generated = prepared(detector, train), train.labels == 1
    told = detector.answer(batch).diagnostics
    along = np.stack([told[ROUTE_SCORE + name] for name in detector.routes])
    oracle = np.array([detector.routes.index(name) if name else 0 for name in train.generators])
    every = np.arange(len(batch))
    right, wrong = along[oracle, every] > 0.5, along[1 - oracle, every] > 0.5
    assert right[generated].mean() > wrong[generated].mean() + 0.3
    chosen = [detector.routes.index(name) for name in told[ROUTE]]
    assert (chosen == oracle)[generated].mean() > 0.7
    first = detector.members[FIRST]
    stuck = TwoStageDetector(Fixed(first, first.classes.index("board")), experts(detector)).answer(batch)
    assert set(stuck.diagnostics[ROUTE]) == {"board"}
    assert (stuck.scores == along[0]).all()


def test_real_is_no_route(detector, train):
    real = TwoStageDetector(Fixed(detector.members[FIRST], 0), experts(detector))
    real.members[FIRST].class_probabilities = lambda embeddings: np.tile(
        np.float32([0.8, 0.05, 0.15]), (len(embeddings), 1)
    )
    assert set(real.answer(prepared(detector, train)).diagnostics[ROUTE]) == {"stripes"}


def test_every_stage_keeps_what_it_needs_in_a_folder_of_its_own(train, tmp_path):
    folders = []

    class Spy(TwoStage):
        def _stages(self):
            return tuple(Told(recipe, folders) for recipe in super()._stages())

    Spy("small", second="spectrum").fit(train, 0, Runtime(checkpoint_folder=tmp_path))
    assert folders == [tmp_path / "first", tmp_path / "0", tmp_path / "1"]


class Told:
    """A recipe that tells in which folder it was fitted."""

    def __init__(self, recipe, folders):
        self.recipe, self.folders = recipe, folders

    def fit(self, train, seed, runtime):
        self.folders.append(runtime.checkpoint_folder)
        return self.recipe.fit(train, seed, runtime)


def test_a_first_stage_must_tell_generators_apart(train):
    with pytest.raises(TypeError, match="hog_svm does not classify generators"):
        TwoStage("small", first="hog_svm", second="spectrum").fit(train, 0, Runtime())


def test_one_generator_is_one_route():
    detector = RECIPE.fit(ToyTrainSet(32), 0, Runtime())
    assert detector.routes == ("checkerboard",)
    restored = RECIPE.restore(detector.state(), Runtime())
    batch = prepared(detector, ToyTrainSet(8))
    assert (restored.score(batch) == detector.score(batch)).all()
    assert not detector.answer(batch).diagnostics  # there was nothing to choose
