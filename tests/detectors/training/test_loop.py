"""What a network is shown, when its training ends, and what never changes the result."""

import dataclasses
import io
from dataclasses import replace
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import torch
from PIL import Image as PillowImage
from scipy.ndimage import gaussian_filter
from torch import nn
from torchvision import transforms

from detectors.api import Runtime
from detectors.architectures.forward_pass import logits
from detectors.checks import ToyTrainSet, texture
from detectors.preprocessing.augmentation import (
    AugmentationDraw,
    BlurJpeg,
    image_rng,
    padded_centre,
    resize_shorter_side,
)
from detectors.training import checkpoint
from detectors.training.fine_tuning import FineTuning, set_trainable
from detectors.training.loop import train
from detectors.training.network_detector import NetworkDetector
from detectors.training.plan import Plan
from detectors.training.schedules import CosineSchedule, EarlyStopping
from detectors.training.validation_split import hold_out

VIEW = BlurJpeg(probability=0.5, resize=None, crop=32, test_crop=48, pad=False)
PLAN = Plan(EarlyStopping(rate=3e-3), "adamw", weight_decay=0.01, batch=8, epochs=2, validation=0.2)
PAPER = BlurJpeg(probability=0.5, resize=256, crop=224, test_crop=224, pad=True)
NOTHING = AugmentationDraw(sigma=None, quality=None, encoder="pillow", top=0.5, left=0.5, mirrored=False)


def follow(rule, accuracies):
    """Rates before each epoch, which epochs are kept, and whether training is over after the last."""
    state = rule.start()
    rates, kept = [], []
    for accuracy in accuracies:
        assert not state.stopped
        rates.append(state.rate)
        kept.append(state.update(accuracy))
    return rates, kept, state.stopped


def test_published_rule_on_a_flat_course():
    rates, kept, stopped = follow(EarlyStopping(), [0.5] * 18)
    # three stages: 1e-4 / 10 / 10 is 1.0000000000000002e-06 in floating point, which is not below 1e-6
    assert rates == [1e-4] * 6 + [1e-4 / 10] * 6 + [1e-4 / 10 / 10] * 6
    assert kept == ([True] + [False] * 5) * 3
    assert stopped


def test_a_lowest_rate_above_the_quirk_ends_a_stage_earlier():
    _, _, stopped = follow(EarlyStopping(lowest_rate=1e-6 * 1.01), [0.5] * 12)
    assert stopped


@pytest.mark.parametrize(
    ("accuracies", "kept"),
    [
        ([0.5, 0.6, 0.7], [True, True, True]),
        ([0.5, 0.5005, 0.5011], [True, False, True]),  # against the best, not against the last
        ([0.5, 0.4, 0.4, 0.4, 0.4, 0.6], [True, False, False, False, False, True]),  # four misses are forgiven
        ([0.9, 0.9, 0.9, 0.9, 0.9, 0.9, 0.1, 0.1015, 0.1021], [True] + [False] * 5 + [True, False, True]),
    ],
    ids=["rising", "margin", "forgiven", "later margin"],
)
def test_published_rule_epoch_by_epoch(accuracies, kept):
    assert follow(EarlyStopping(), accuracies)[1] == kept


def test_misses_count_in_a_row():
    rates, _, _ = follow(EarlyStopping(), [0.5, 0.4, 0.4, 0.4, 0.4, 0.6, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5])
    assert rates == [1e-4] * 11 + [1e-4 / 10]


def test_split_is_stratified_and_follows_names():
    labels, names = np.array([0] * 20 + [1] * 40), [f"image{index}.png" for index in range(60)]
    images = SimpleNamespace(labels=labels, names=names, sources=names)
    fitting, validation = hold_out(images, 0.1, "0")
    assert sorted(fitting + validation) == list(range(60))
    assert labels[validation].tolist() == [0] * 2 + [1] * 4
    order = np.random.default_rng(0).permutation(60)
    turned = [names[index] for index in order]
    shuffled = hold_out(SimpleNamespace(labels=labels[order], names=turned, sources=turned), 0.1, "0")
    assert {names[index] for index in validation} == {turned[index] for index in shuffled[1]}
    assert hold_out(images, 0.1, "1")[1] != validation
    assert all(labels[hold_out(images, 0.001, "0")[1]] == [0, 1])


def test_sources_are_set_aside_whole():
    labels, sources = np.array([0, 1, 1] * 10), [str(index // 3) for index in range(30)]
    images = SimpleNamespace(labels=labels, names=[f"{index}.png" for index in range(30)], sources=sources)
    fitting, validation = hold_out(images, 0.2, "0")
    assert sorted(fitting + validation) == list(range(30))
    assert len(validation) == 6
    assert not {sources[index] for index in fitting} & {sources[index] for index in validation}
    with pytest.raises(ValueError, match="nothing is left to train on beside the 1 sources set aside"):
        hold_out(SimpleNamespace(labels=labels, names=images.names, sources=["one"] * 30), 0.2, "0")


def test_a_class_of_one_image_cannot_be_trained_on():
    with pytest.raises(ValueError, match="at least 2 generated images, found 1"):
        hold_out(SimpleNamespace(labels=np.array([0, 0, 1]), names=list("abc"), sources=list("abc")), 0.1, "0")


def test_draws_follow_name_epoch_and_seed_alone():
    first = VIEW.draw(image_rng(0, "a.png", 3))
    VIEW.draw(image_rng(0, "b.png", 3))
    assert VIEW.draw(image_rng(0, "a.png", 3)) == first
    others = [VIEW.draw(image_rng(*key)) for key in ((1, "a.png", 3), (0, "b.png", 3), (0, "a.png", 4))]
    assert first not in others


def test_draws_have_the_published_distribution():
    drawn = [PAPER.draw(image_rng(0, f"{index}.png", 0)) for index in range(4000)]
    sigmas = [one.sigma for one in drawn if one.sigma is not None]
    qualities = [one.quality for one in drawn if one.quality is not None]
    both = sum(one.sigma is not None and one.quality is not None for one in drawn)
    assert [len(sigmas) / 4000, len(qualities) / 4000] == pytest.approx([0.5, 0.5], abs=0.03)
    assert both / 4000 == pytest.approx(0.25, abs=0.03)  # each on its own
    assert min(sigmas) < 0.05
    assert 2.95 < max(sigmas) < 3
    assert set(qualities) == set(range(30, 101))
    assert sum(one.encoder == "pillow" for one in drawn) / 4000 == pytest.approx(0.5, abs=0.03)
    assert sum(one.mirrored for one in drawn) / 4000 == pytest.approx(0.5, abs=0.03)
    assert all(0 <= place < 1 for one in drawn for place in (one.top, one.left))


@pytest.mark.parametrize("size", [(128, 200), (300, 256), (400, 257), (31, 47), (256, 256)])
def test_resize_is_torchvisions(size):
    pixels = texture("resize", *size)
    expected = np.asarray(transforms.Resize(256)(PillowImage.fromarray(pixels)))
    assert np.array_equal(resize_shorter_side(pixels, 256), expected)


@pytest.mark.parametrize("size", [(1, 1), (31, 47), (223, 300), (300, 223), (224, 224), (225, 226), (227, 401)])
def test_padded_centre_is_torchvisions(size):
    pixels = texture("centre", *size)
    expected = np.asarray(transforms.CenterCrop(224)(PillowImage.fromarray(pixels)))
    assert np.array_equal(padded_centre(pixels, 224), expected)


def test_blur_is_scipys_on_each_channel():
    pixels = texture("blur", 48, 48)
    view = dataclasses.replace(VIEW, crop=48)
    shown = view.apply(pixels, dataclasses.replace(NOTHING, sigma=1.7))
    for channel in range(3):
        assert np.array_equal(shown[:, :, channel], gaussian_filter(pixels[:, :, channel], sigma=1.7))


@pytest.mark.parametrize("quality", [30, 71, 100])
def test_jpeg_is_that_of_each_library(quality):
    pixels = texture("jpeg", 48, 48)
    view = dataclasses.replace(VIEW, crop=48)
    with_pillow = view.apply(pixels, dataclasses.replace(NOTHING, quality=quality))
    with_opencv = view.apply(pixels, dataclasses.replace(NOTHING, quality=quality, encoder="opencv"))
    stream = io.BytesIO()
    PillowImage.fromarray(pixels).save(stream, format="jpeg", quality=quality)
    assert np.array_equal(with_pillow, np.asarray(PillowImage.open(stream)))
    bgr = np.ascontiguousarray(pixels[:, :, ::-1])
    _, data = cv2.imencode(".jpg", bgr, [int(cv2.IMWRITE_JPEG_QUALITY), quality])
    assert np.array_equal(with_opencv, cv2.imdecode(data, 1)[:, :, ::-1])


def test_crop_and_mirror_take_the_drawn_place():
    pixels = texture("crop", 40, 60)
    shown = VIEW.apply(pixels, dataclasses.replace(NOTHING, top=0.999, left=0, mirrored=True))
    assert np.array_equal(shown, pixels[8:40, :32][:, ::-1])
    assert VIEW.apply(texture("small", 10, 60), NOTHING).shape == (32, 32, 3)


def test_order_is_resize_blur_jpeg_crop():
    pixels = texture("order", 100, 140)
    drawn = AugmentationDraw(sigma=1.2, quality=50, encoder="pillow", top=0.5, left=0.25, mirrored=False)
    image = np.asarray(transforms.Resize(256)(PillowImage.fromarray(pixels)))
    image = np.stack([gaussian_filter(image[:, :, channel], sigma=1.2) for channel in range(3)], axis=2)
    stream = io.BytesIO()
    PillowImage.fromarray(image).save(stream, format="jpeg", quality=50)
    image = np.asarray(PillowImage.open(stream))
    left = int(0.25 * (image.shape[1] - 224 + 1))
    assert np.array_equal(PAPER.apply(pixels, drawn), image[16:240, left : left + 224])


def test_validation_is_fixed_in_strength_and_place():
    pixels = texture("validation", 260, 300)
    blurred = gaussian_filter(resize_shorter_side(pixels, 256), (1.5, 1.5, 0))
    shown = [PAPER.validation(pixels, image_rng(0, f"{index}", 0)) for index in range(40)]
    plain = padded_centre(resize_shorter_side(pixels, 256), 224)
    assert any(np.array_equal(one, plain) for one in shown)
    assert any(np.array_equal(one, padded_centre(blurred, 224)) for one in shown)
    assert len({one.tobytes() for one in shown}) == 4  # with and without blur, with and without JPEG


def small(seed=0):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        body = [nn.Conv2d(3, 8, 3, stride=2), nn.BatchNorm2d(8), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()]
        return nn.Sequential(*body, nn.Linear(8, 1))


class Tinted(ToyTrainSet):
    """Generated images have a tint that nobody could miss."""

    def __getitem__(self, index):
        sample = super().__getitem__(index)
        pixels = sample.pixels.copy()
        pixels[:, :, 0] //= np.uint8(1 + self.labels[index])
        return replace(sample, pixels=pixels)


class Shuffled(ToyTrainSet):
    """The same images in another order."""

    def __init__(self, size):
        super().__init__(size)
        order = np.random.default_rng(0).permutation(size)
        self.names = [self.names[index] for index in order]
        self.labels = self.labels[order]
        self.sources = [self.sources[index] for index in order]


def weights(images, seed=0, plan=PLAN):
    network = small()
    history = train(network, images, VIEW, plan, seed, Runtime())
    return torch.cat([tensor.flatten().float() for tensor in network.state_dict().values()]), history


def test_training_depends_on_seed_and_not_on_order():
    before = torch.random.get_rng_state()
    first, history = weights(ToyTrainSet(24))
    assert torch.equal(first, weights(ToyTrainSet(24))[0])
    assert torch.equal(first, weights(Shuffled(24))[0])
    assert not torch.equal(first, weights(ToyTrainSet(24), seed=1)[0])
    assert torch.equal(before, torch.random.get_rng_state())
    assert [epoch.rate for epoch in history] == [3e-3] * 2
    assert all(epoch.forward_s > 0 and epoch.backward_s > 0 for epoch in history)
    assert all(0 <= epoch.validation_accuracy <= 1 and epoch.train_loss > 0 for epoch in history)


def test_training_learns_and_scores_follow():
    images, network = Tinted(32), small()
    plan = dataclasses.replace(PLAN, schedule=EarlyStopping(rate=0.03), epochs=10)
    history = train(network, images, VIEW, plan, 0, Runtime())
    assert history[-1].train_loss < history[0].train_loss / 2
    assert max(epoch.validation_accuracy for epoch in history) == 1
    detector = NetworkDetector(network, VIEW, Runtime(), history)
    scores = detector.score([detector.prepare(images[index]) for index in range(32)])
    assert ((scores > 0.5) == images.labels).all()
    assert detector.history == tuple(map(dataclasses.asdict, history))


@dataclasses.dataclass(frozen=True)
class FirstOnly(EarlyStopping):
    """Keeps the first epoch whatever comes."""

    def start(self):
        state = super().start()
        verdicts = iter([True])
        state.update = lambda accuracy: next(verdicts, False)
        return state


def test_one_thread_is_one_thread_and_all_come_back():
    seen, network = [], small()
    torch.set_num_threads(2)  # the fixture of all detectors' tests puts it back
    network.register_forward_hook(lambda *_: seen.append(torch.get_num_threads()))
    train(network, ToyTrainSet(8), VIEW, dataclasses.replace(PLAN, epochs=1, threads=1), 0, Runtime())
    assert set(seen) == {1}
    assert torch.get_num_threads() == 2


def test_the_kept_epoch_is_the_one_that_stays():
    rule = FirstOnly(rate=3e-3)
    short, _ = weights(ToyTrainSet(16), plan=dataclasses.replace(PLAN, schedule=rule, epochs=1))
    long, history = weights(ToyTrainSet(16), plan=dataclasses.replace(PLAN, schedule=rule, epochs=3))
    assert len(history) == 3
    assert torch.equal(short, long)


def test_the_rule_ends_the_training():
    rule = EarlyStopping(rate=1e-12, patience=1, lowest_rate=1e-13)  # nothing is learned: every second epoch misses
    _, history = weights(ToyTrainSet(8), plan=dataclasses.replace(PLAN, schedule=rule, epochs=50))
    assert 4 <= len(history) < 50
    assert history[-1].rate == pytest.approx(1e-13)


def test_a_diverging_training_says_so():
    class Exploding(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(torch.ones(1))

        def forward(self, images):
            return images.mean((1, 2, 3))[:, None] * self.weight * torch.inf

    with pytest.raises(FloatingPointError, match="training diverged: the mean loss of epoch 0 is"):
        train(Exploding(), ToyTrainSet(8), VIEW, PLAN, 0, Runtime())


def test_random_layers_follow_the_seed():
    outcomes = []
    for noise in range(2):
        torch.rand(noise + 1)
        network = small().insert(5, nn.Dropout(0.5))
        train(network, ToyTrainSet(8), VIEW, dataclasses.replace(PLAN, epochs=1), 0, Runtime())
        outcomes.append(network[-1].weight.detach().clone())
    assert torch.equal(*outcomes)


def test_half_precision_trains_and_scores():
    network = small()
    runtime = Runtime(precision="bfloat16")
    train(network, ToyTrainSet(8), VIEW, dataclasses.replace(PLAN, epochs=1), 0, runtime)
    assert network[0].weight.dtype == torch.float32
    detector = NetworkDetector(network, VIEW, runtime)
    scores = detector.score([detector.prepare(ToyTrainSet(8)[index]) for index in range(3)])
    assert scores.dtype == np.float32
    assert np.isfinite(scores).all()


@pytest.mark.parametrize("schedule", [EarlyStopping(rate=3e-3, patience=1), CosineSchedule(3e-3, 5)])
def test_a_training_that_was_killed_goes_on_to_the_same_end(tmp_path, monkeypatch, schedule):
    class Killed(Exception):
        pass

    plan = dataclasses.replace(PLAN, schedule=schedule, epochs=5)
    whole, history = weights(ToyTrainSet(24), plan=plan)
    monkeypatch.setattr(checkpoint, "SAVE_INTERVAL", -1.0)
    write, written = checkpoint.TrainingCheckpoint.write, []

    def kill(self, state):
        write(self, state)
        written.append(state)
        if len(written) == 2:
            raise Killed

    monkeypatch.setattr(checkpoint.TrainingCheckpoint, "write", kill)
    runtime = Runtime(checkpoint_folder=tmp_path / "fit")
    with pytest.raises(Killed):
        train(small(), ToyTrainSet(24), VIEW, plan, 0, runtime)
    network = small()
    again = train(network, ToyTrainSet(24), VIEW, plan, 0, runtime)
    assert torch.equal(torch.cat([tensor.flatten().float() for tensor in network.state_dict().values()]), whole)
    assert len(written) == len(history)  # no epoch was trained twice
    assert [epoch.train_loss for epoch in again] == [epoch.train_loss for epoch in history]
    assert not any((tmp_path / "fit").iterdir())


def test_a_damaged_state_of_a_killed_training_costs_time_and_nothing_else(tmp_path):
    (tmp_path / "checkpoint.pt").write_bytes(b"half of what was")
    network, other = small(), small()
    history = train(network, ToyTrainSet(24), VIEW, PLAN, 0, Runtime(checkpoint_folder=tmp_path))
    assert len(history) == len(train(other, ToyTrainSet(24), VIEW, PLAN, 0, Runtime()))
    assert torch.equal(network.state_dict()["0.weight"], other.state_dict()["0.weight"])


def test_a_cosine_falls_to_nothing_and_keeps_the_best_epoch():
    rates, kept, stopped = follow(CosineSchedule(1.0, 4), [0.5, 0.7, 0.6, 0.7])
    assert rates == pytest.approx([1, 0.5 + 0.5**1.5, 0.5, 0.5 - 0.5**1.5])
    assert kept == [True, True, False, True]
    assert stopped


def test_the_top_alone_learns_and_the_rest_keeps_its_weights_and_statistics():
    network = small()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    parts = list(network._modules)
    train(network, ToyTrainSet(16), VIEW, PLAN, 0, Runtime(), FineTuning("top", stages=((parts[-1],), (parts[0],))))
    changed = {
        name.partition(".")[0] for name, tensor in network.state_dict().items() if (tensor != before[name]).any()
    }
    assert changed == {parts[-1]}


def test_a_top_that_learns_drops_out_and_a_frozen_rest_does_not():
    network = nn.ModuleDict({"body": nn.Sequential(nn.Linear(2, 2), nn.Dropout()), "top": nn.Linear(2, 1)})
    network["top"] = nn.Sequential(nn.Dropout(), nn.Linear(2, 1))
    set_trainable(network, ("top",))
    assert network["top"][0].training
    assert not network["body"].training
    assert not network["body"][0].training


def test_staged_tuning_opens_one_more_part_every_epoch_and_then_all():
    tuning = FineTuning("staged", stages=(("fc",), ("layer3",)))
    assert [tuning.trained_parts(epoch) for epoch in range(4)] == [("fc",), ("fc", "layer3"), None, None]
    assert FineTuning("top", stages=(("fc",), ("layer3",))).trained_parts(9) == ("fc",)
    assert FineTuning().trained_parts(0) is None


def test_parts_are_told_apart_by_whole_names():
    network = nn.ModuleDict({"layer1": nn.Linear(1, 1), "layer10": nn.BatchNorm1d(1)})
    set_trainable(network, ("layer1",))
    assert network["layer1"].weight.requires_grad
    assert not network["layer10"].weight.requires_grad
    assert not network["layer10"].training


def test_a_curriculum_lets_generators_join_one_by_one():
    tuning = FineTuning(curriculum=("easy", "hard"))
    generators = ["", "hard", "easy", "other"]
    assert [tuning.image_mask(generators, epoch).tolist() for epoch in range(3)] == [
        [True, False, True, False], [True, True, True, False], [True, True, True, True]
    ]  # fmt: skip


def test_two_logits_are_the_odds_of_their_difference():
    class Two(nn.Module):
        generated_output = 0

        def forward(self, images):
            return torch.stack([images.mean((1, 2, 3)), images.amax((1, 2, 3))], 1)

    images = [texture("two", 8, 8), texture("logits", 8, 8)]
    odds = logits(Two(), images, VIEW, Runtime())
    one = Two()
    one.generated_output = 1
    assert torch.allclose(odds, -logits(one, images, VIEW, Runtime()))
    assert odds.shape == (2,)
