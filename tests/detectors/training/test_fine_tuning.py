"""Which parts of a network learn, and which images they are shown."""

from dataclasses import replace

from torch import nn

from detectors.api import Runtime
from detectors.checks import ToyTrainSet
from detectors.training.fine_tuning import FineTuning, set_trainable
from detectors.training.loop import train
from detectors.training.schedules import StepSchedule
from tests.support.small_training import PLAN, VIEW, small


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


def test_evaluation_mode_trains_weights_and_no_statistics():
    network = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2), nn.Dropout())
    set_trainable(network, None, evaluation_mode=True)
    assert not any(module.training for module in network.modules())
    assert all(parameter.requires_grad for parameter in network.parameters())
    before = {name: tensor.clone() for name, tensor in small().state_dict().items()}
    tuned, plan = small(), replace(PLAN, validation=0.0, schedule=StepSchedule(1e-3))
    train(tuned, ToyTrainSet(4), VIEW, plan, 0, Runtime(), FineTuning(evaluation_mode=True))
    changed = {name for name, tensor in tuned.state_dict().items() if (tensor != before[name]).any()}
    assert changed == {name for name, _ in tuned.named_parameters()}
