"""The modified DeiT: its bottleneck, what stays frozen, and the numbers of the slides."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch.nn import functional

from detectors.api import Runtime, Unavailable
from detectors.architectures import timm_networks
from detectors.architectures.support.initial_weights import on_meta_device
from detectors.checks import ToyTrainSet, same_state, sample, texture
from detectors.networks.yu_deit import YuDeit
from detectors.weight_file import WrongWeights, hashed_file
from detectors.weights.loading import to_state

PAPER, SMALL = YuDeit("paper"), YuDeit("small")


def seeded(recipe, seed):
    """The randomly initialised network of a recipe."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return recipe.network().eval()


def test_deit_without_its_top_layer_and_a_bottleneck():
    shapes = {name: tuple(tensor.shape) for name, tensor in PAPER.build().state_dict().items()}
    body = on_meta_device(lambda: timm_networks.one_output_network("deit_base_patch16_224")).state_dict()
    expected = {name: tuple(tensor.shape) for name, tensor in body.items() if not name.startswith("head.")}
    expected |= {"head.bottleneck.weight": (256, 768), "head.bottleneck.bias": (256,)}
    assert shapes == expected | {"head.fc.weight": (1, 256), "head.fc.bias": (1,)}
    assert sum(np.prod(shape, dtype=int) for shape in shapes.values()) == PAPER.variant.size.parameters


def test_the_output_reads_the_bottleneck():
    network = seeded(SMALL, 3)
    with torch.no_grad():
        network.head.fc.weight *= 10  # so that images differ
    detector = SMALL.restore(to_state(network), Runtime())
    images = [texture("wide", 90, 140), np.zeros((128, 128, 3), np.uint8)]
    prepared = [detector.prepare(sample(image)) for image in images]
    pixels = torch.from_numpy(np.stack(prepared)).permute(0, 3, 1, 2) / 255
    mean, std = (torch.tensor(row).view(3, 1, 1) for row in ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]))
    state = network.state_dict()
    with torch.inference_mode():
        tokens = network.forward_features((pixels - mean) / std)[:, 1:].mean(1)
    narrow = functional.gelu(tokens @ state["head.bottleneck.weight"].T + state["head.bottleneck.bias"])
    expected = torch.sigmoid(narrow @ state["head.fc.weight"].T + state["head.fc.bias"])[:, 0].numpy()
    scores = detector.score(prepared)
    assert scores == pytest.approx(expected, abs=1e-5)
    assert abs(scores[0] - scores[1]) > 1e-4


def test_numbers_of_the_slides():
    plan = PAPER.plan
    assert (plan.batch, plan.epochs, plan.schedule.rate) == (32, 50, 1e-3)
    state = plan.schedule.start()
    assert [state.update(accuracy) for accuracy in (0.5, 0.6, 0.6, 0.6, 0.6, 0.6)] == [True, True] + 4 * [False]
    state.update(0.6)
    assert state.stopped


def test_only_the_bottleneck_and_the_output_learn():
    begun = SMALL.initial_weights(SMALL.build(), 0)[0]
    fitted = SMALL.fit(ToyTrainSet(8), 0, Runtime()).state()
    moved = {name for name, tensor in begun.items() if not np.array_equal(fitted[name], tensor.numpy())}
    assert {"head.bottleneck.weight", "head.fc.weight"} <= moved
    assert all(name.startswith("head.") for name in moved)
    assert SMALL.tune == "top"
    assert "tune='all'" in replace(SMALL, tune="all").key


def test_all_of_it_learns_where_that_is_asked():
    recipe = YuDeit("small", tune="all")
    begun = recipe.initial_weights(recipe.build(), 0)[0]
    fitted = recipe.fit(ToyTrainSet(4), 0, Runtime()).state()
    assert not np.array_equal(fitted["blocks.0.mlp.fc1.weight"], begun["blocks.0.mlp.fc1.weight"].numpy())


def test_deit_loses_its_top_layer_and_a_fitted_one_keeps_its_bottleneck(tmp_path):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        deit = timm_networks.small_deit().state_dict()
    save_file(deit, tmp_path / "deit.safetensors")
    begun, _ = SMALL.warm_start(SMALL.build(), hashed_file(tmp_path / "deit.safetensors"), 1)
    assert torch.equal(begun["blocks.2.attn.qkv.weight"], deit["blocks.2.attn.qkv.weight"])
    assert "head.weight" not in begun
    save_file(begun, tmp_path / "fitted.safetensors")
    again, _ = SMALL.warm_start(SMALL.build(), hashed_file(tmp_path / "fitted.safetensors"), 2)
    assert torch.equal(again["head.bottleneck.weight"], begun["head.bottleneck.weight"])
    assert not torch.equal(again["head.fc.weight"], begun["head.fc.weight"])


def test_other_weights_are_refused(tmp_path):
    save_file({"conv1.weight": torch.zeros(3)}, tmp_path / "other.safetensors")
    with pytest.raises(WrongWeights, match="missing"):
        YuDeit("small", str(tmp_path / "other.safetensors")).fit(ToyTrainSet(4), 0, Runtime())


@pytest.mark.slow
def test_fit_repeats_and_follows_the_seed():
    first, again, other = (SMALL.fit(ToyTrainSet(8), seed, Runtime()).state() for seed in (0, 0, 1))
    assert same_state(first, again)
    assert not same_state(first, other)


def test_there_is_no_checkpoint(tmp_path):
    with pytest.raises(Unavailable, match="no published checkpoint"):
        PAPER.load(tmp_path / "any.pth", Runtime())
