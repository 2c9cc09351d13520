"""Training: what changes its result and what never does, which epoch stays, and how a killed one is resumed."""

import dataclasses
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from detectors.api import Runtime
from detectors.checks import ToyTrainSet
from detectors.training import checkpoint
from detectors.training.loop import train
from detectors.training.network_detector import NetworkDetector
from detectors.training.schedules import CosineSchedule, EarlyStopping
from tests.support.small_training import PLAN, VIEW, small


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
def test_a_training_that_was_killed_is_resumed_to_the_same_end(tmp_path, monkeypatch, schedule):
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
