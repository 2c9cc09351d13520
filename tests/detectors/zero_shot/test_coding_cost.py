"""The coding-cost detector: what it learns from real images, and that it never looks at generated ones."""

from copy import copy
from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch

from detectors.api import Runtime
from detectors.architectures.lossless_coder import Coder
from detectors.architectures.support.initial_weights import random_init
from detectors.checks import ToyTrainSet, same_state, sample, texture
from detectors.training import checkpoint
from detectors.weight_file import WrongWeights
from detectors.zero_shot import coder_training
from detectors.zero_shot.coding_cost import CodingCost, split_real_images
from detectors.zero_shot.gap_threshold import RealImageStatistics


class Quick(CodingCost):
    """Two epochs: for what does not depend on how well a coder has learnt."""

    @property
    def plan(self):
        return replace(super().plan, epochs=2, side=64)


RECIPE = CodingCost("small")
QUICK = Quick("small")
STATISTICS = ("d0", "abs_d0", "delta01", "abs_delta01", "distance")


class Planted:
    """Real images are noisy textures; generated ones are made from others of the kind by `change`."""

    def __init__(self, size, change, salt="train"):
        self.names = [f"{salt}/{index:04d}.png" for index in range(size)]
        self.labels = np.arange(size, dtype=np.int64) % 2
        self.generators = ["planted" if label else "" for label in self.labels]
        self.change = change

    def __len__(self):
        return len(self.names)

    def part(self, rows):
        part = copy(self)
        part.names, part.generators = ([column[row] for row in rows] for column in (self.names, self.generators))
        part.labels = self.labels[rows]
        return part

    def __getitem__(self, index):
        pixels = photograph(self.names[index])
        return sample(self.change(pixels) if self.labels[index] else pixels)


def photograph(name, side=64):
    """Soft shapes under noise of one strength."""
    noise = np.random.default_rng(list(name.encode())).normal(0, 6, (side, side, 3))
    return np.clip(np.rint(cv2.GaussianBlur(texture(name, side, side), (0, 0), 3) + noise), 0, 255).astype(np.uint8)


def denoised(pixels):
    return cv2.GaussianBlur(pixels, (0, 0), 0.6)


def enlarged(pixels):
    return cv2.resize(pixels[::2, ::2], pixels.shape[:2], interpolation=cv2.INTER_LINEAR)


def unopened(pixels):
    raise AssertionError


@pytest.fixture(scope="module")
def fitted():
    """Fitted on forty real images; opening a generated one would be an error."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield replace(RECIPE, statistic="abs_delta01").fit(Planted(80, unopened), 0, Runtime())
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def quick():
    return QUICK.fit(ToyTrainSet(), 0, Runtime())


@pytest.mark.slow
def test_training_lowers_the_cost(fitted):
    held_out = torch.from_numpy(np.stack([photograph(f"fresh/{index}") for index in range(8)])).permute(0, 3, 1, 2)
    untrained = RECIPE.network()
    untrained.load_state_dict(random_init(RECIPE.network, 0))
    with torch.inference_mode():
        before = coder_training.bits(untrained, held_out.float()).mean(1)
        after = coder_training.bits(fitted._network, held_out.float()).mean(1)
    assert (after < before - 0.2).all()
    # noise of 6 alone costs log2(6 sqrt(2 pi e)) = 4.6 bits; the known mean of four makes three of them cheaper
    assert 4 < after[0] < 5
    assert fitted.history[-1]["train_bits"] < fitted.history[0]["train_bits"]


@pytest.mark.parametrize("statistic", STATISTICS)
def test_scores_are_half_where_one_real_image_in_ten_lies_above(statistic):
    rng = np.random.default_rng(0)
    correlated = rng.normal(0, 1, (20000, 2)) @ [[0.2, 0.1], [0, 0.3]] + [-0.2, 0.1]
    found = RealImageStatistics.fit(statistic, correlated[:10000])
    assert (found.decide(statistic, correlated[10000:]) > 0.5).mean() == pytest.approx(0.1, abs=0.01)
    # one side for signed statistics, both for the others; a level that is off by 20 deviations is off for all
    upwards = found.decide(statistic, np.array([[6.0, 0.1]]))
    downwards = found.decide(statistic, np.array([[-6.0, 0.1]]))
    assert upwards > 0.9
    assert (downwards > 0.9) == (statistic not in {"d0", "delta01"})


def test_statistics_are_the_papers():
    gaps = np.array([[0.5, 0.2], [-0.5, 0.4], [0.1, 0.3], [0.0, 0.0]])
    plain = RealImageStatistics(np.zeros(1), np.eye(1), np.zeros(()))
    np.testing.assert_allclose(plain.distances("d0", gaps), gaps[:, 0])
    np.testing.assert_allclose(plain.distances("abs_d0", gaps), np.abs(gaps[:, 0]))
    np.testing.assert_allclose(plain.distances("delta01", gaps), gaps[:, 0] - gaps[:, 1])
    np.testing.assert_allclose(plain.distances("abs_delta01", gaps), np.abs(gaps[:, 0] - gaps[:, 1]))


@pytest.mark.slow
@pytest.mark.parametrize("change", [denoised, enlarged])
def test_separates_what_real_images_are_not(fitted, change):
    test = Planted(120, change, "test")
    scores = fitted.score([fitted.prepare(test[index]) for index in range(len(test))])
    real, generated = scores[test.labels == 0], scores[test.labels == 1]
    assert (generated[:, None] > real).mean() > 0.8  # area under the curve
    assert (real > 0.5).mean() < 0.3  # a tenth, as ten held-out images tell it
    assert (generated > 0.5).mean() > 0.8


def test_generated_images_are_ignored(quick):
    class Noise(ToyTrainSet):
        def __getitem__(self, index):
            if self.labels[index]:
                return sample(np.random.default_rng(index).integers(0, 256, (128, 128, 3), np.uint8))
            return super().__getitem__(index)

    assert same_state(quick.state(), QUICK.fit(Noise(), 0, Runtime()).state())


class Reversed(ToyTrainSet):
    """The same images in another order."""

    def __init__(self, size=48):
        super().__init__(size)
        self.names, self.labels = self.names[::-1], self.labels[::-1]
        self.generators = self.generators[::-1]


def test_order_does_not_matter_and_the_seed_does(quick):
    random_before, once = torch.get_rng_state(), quick.state()
    assert same_state(once, QUICK.fit(Reversed(), 0, Runtime()).state())
    assert torch.equal(torch.get_rng_state(), random_before)
    assert not same_state(once, QUICK.fit(ToyTrainSet(), 1, Runtime()).state())


def test_held_out_images_are_real_and_not_learnt_from():
    train = Planted(200, unopened)
    fitting, held_out = split_real_images(train, 0)
    assert len(held_out) == 25
    assert sorted(fitting + held_out) == np.flatnonzero(train.labels == 0).tolist()
    assert len(split_real_images(Planted(40, unopened), 0)[1]) == 10


def test_too_few_real_images_are_refused():
    with pytest.raises(ValueError, match="needs at least 20, found 19: give more"):
        QUICK.fit(Planted(38, unopened), 0, Runtime())


def test_a_killed_training_is_resumed(quick, tmp_path, monkeypatch):
    monkeypatch.setattr(checkpoint, "SAVE_INTERVAL", -1)
    real = coder_training.rate_share
    calls = []

    def dies(done):
        calls.append(done)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return real(done)

    monkeypatch.setattr(coder_training, "rate_share", dies)
    with pytest.raises(KeyboardInterrupt):
        QUICK.fit(ToyTrainSet(), 0, Runtime(checkpoint_folder=tmp_path))
    resumed = QUICK.fit(ToyTrainSet(), 0, Runtime(checkpoint_folder=tmp_path))
    assert same_state(quick.state(), resumed.state())
    assert resumed.history == quick.history
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("shape", "side"), [((1, 1), 16), ((7, 40), 16), ((31, 47), 24), ((128, 200), 128), ((300, 140), 128)]
)
def test_nothing_is_resampled_but_the_smallest(shape, side):
    pixels = texture("cut", *shape)
    found = RECIPE.view.test(pixels)
    assert found.shape == (side, side, 3)
    if min(shape) >= 16:
        top, left = (shape[0] - side) // 2, (shape[1] - side) // 2
        assert np.array_equal(found, pixels[top : top + side, left : left + side])


@pytest.mark.parametrize("levels", [2, 3])
def test_sizes_are_scored_in_one_batch_as_alone(levels):
    network = Coder(levels, 8, 1, 2)
    for parameter in network.parameters():
        parameter.data = torch.randn(parameter.shape, generator=torch.Generator().manual_seed(0)) * 0.1
    images = [texture(f"size{side}", side, side) for side in (32, 16, 48, 32)]
    together = coder_training.coding_gaps(network, images, Runtime())
    alone = np.concatenate([coder_training.coding_gaps(network, [image], Runtime()) for image in images])
    assert together.shape == (4, levels)
    np.testing.assert_allclose(together, alone, rtol=1e-5)


def test_trains_in_mixed_precision(quick):
    other = QUICK.fit(ToyTrainSet(), 0, Runtime(precision="bfloat16"))
    assert other.history[-1]["train_bits"] == pytest.approx(quick.history[-1]["train_bits"], rel=0.05)
    assert not same_state(quick.state(), other.state())


def test_crops_are_those_that_are_sampled():
    pixels = texture("crop", 40, 50)
    crops = [RECIPE.view.training(pixels, np.random.default_rng(seed)) for seed in range(40)]
    assert {crop.shape for crop in crops} == {(32, 32, 3)}
    places = {
        (top, left, mirrored)
        for crop in crops
        for top in range(9)
        for left in range(19)
        for mirrored in (False, True)
        if np.array_equal(crop[:, ::-1] if mirrored else crop, pixels[top : top + 32, left : left + 32])
    }
    assert len(places) > 25
    assert {mirrored for *_, mirrored in places} == {False, True}
    assert RECIPE.view.training(texture("tiny", 5, 9), np.random.default_rng(0)).shape == (16, 16, 3)


@pytest.mark.parametrize("recipe", [CodingCost("paper"), RECIPE])
def test_sizes_on_the_card_are_those_of_the_networks(recipe):
    found = sum(parameter.numel() for parameter in recipe.network().parameters())
    assert found == recipe.variant.size.parameters


def test_the_statistic_is_part_of_the_key():
    keys = {CodingCost("small", statistic=one).key for one in STATISTICS}
    assert len(keys) == len(STATISTICS)
    assert RECIPE.key == "coding_cost.2.small"
    assert (RECIPE.scored_statistic, CodingCost("paper").scored_statistic) == ("d0", "abs_delta01")


def test_restoring_is_strict(quick):
    state = quick.state()
    del state["levels.0.pixels.0.entry.weight"]
    with pytest.raises(WrongWeights, match="missing"):
        RECIPE.restore(state, Runtime())
