"""Weights are found, checked and loaded whole, or the error says what is wrong in one line."""

import json
from hashlib import sha256
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from detectors.api import Unavailable
from detectors.weight_file import WrongWeights, content_id, hashed_file
from detectors.weights import locations
from detectors.weights.loading import load_state, load_strict, to_state
from detectors.weights.locations import shipped_file
from detectors.weights.reading import read


def network(seed=0, device="cpu"):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(4, 1)).to(device)


@pytest.fixture
def saved(tmp_path):
    path = tmp_path / "net.safetensors"
    save_file(network().state_dict(), path)
    return path


def same(left, right):
    return left.keys() == right.keys() and all(torch.equal(left[name], right[name]) for name in left)


def test_every_weight_is_filled_on_any_device(saved):
    for empty in (network(1), network(1, "meta")):
        load_strict(empty, read(hashed_file(saved)), saved)
        assert same(empty.state_dict(), network().state_dict())


def test_half_precision_fills_full_precision(saved):
    tensors = {
        name: tensor.half() if tensor.is_floating_point() else tensor
        for name, tensor in read(hashed_file(saved)).items()
    }
    filled = network(1)
    load_strict(filled, tensors, saved)
    assert filled[0].weight.dtype == torch.float32
    assert torch.allclose(filled[0].weight, network()[0].weight, atol=1e-3)


def test_one_error_names_what_is_missing_unexpected_and_misshapen(saved):
    tensors = read(hashed_file(saved))
    del tensors["0.bias"]
    tensors |= {"module.fc": torch.zeros(1), "3.weight": torch.zeros(2, 4)}
    untouched = network(1)
    with pytest.raises(WrongWeights) as raised:
        load_strict(untouched, tensors, saved)
    message = str(raised.value)
    assert "missing 0.bias; unexpected module.fc; 3.weight is (2, 4), not (1, 4)" in message
    assert "net.safetensors" in message
    assert "\n" not in message
    assert same(untouched.state_dict(), network(1).state_dict())


def test_a_wholly_different_file_gives_a_short_error():
    with pytest.raises(WrongWeights, match=r"unexpected k0, k1, k10, k11 and 46 more") as raised:
        load_strict(network(), {f"k{index}": torch.zeros(1) for index in range(50)}, "other.pth")
    assert len(str(raised.value)) < 300


def test_counters_of_batch_normalisation_may_be_absent(saved):
    tensors = {name: tensor for name, tensor in read(hashed_file(saved)).items() if "num_batches" not in name}
    filled = network(1, "meta")
    load_strict(filled, tensors, saved)
    assert same(filled.state_dict(), network().state_dict())


def test_state_goes_there_and_back():
    other = network(1)
    load_state(other, to_state(network()))
    assert same(other.state_dict(), network().state_dict())
    state = to_state(network())
    state.pop("3.bias")
    with pytest.raises(WrongWeights, match=r"missing 3\.bias"):
        load_state(other, state)


def test_a_file_is_known_by_its_content(tmp_path, saved):
    assert hashed_file(saved).sha256 == sha256(saved.read_bytes()).hexdigest()
    before = content_id(saved)
    saved.write_bytes(saved.read_bytes() + b" ")
    assert content_id(saved) != before
    assert content_id(tmp_path / "nothing") == "absent"


def test_a_missing_file_says_so(tmp_path):
    with pytest.raises(Unavailable, match=r"no weights at .*nothing\.pth: give the path"):
        hashed_file(tmp_path / "nothing.pth")


def test_shipped_weights_are_the_ones_on_their_card(tmp_path, saved, monkeypatch):
    monkeypatch.setattr(locations, "SHIPPED_FOLDER", tmp_path)
    with pytest.raises(Unavailable, match=r"other\.safetensors is not in"):
        shipped_file("other")
    with pytest.raises(Unavailable, match=r"net\.json is not in"):
        shipped_file("net")
    card = tmp_path / "net.json"
    card.write_text(json.dumps({"sha256": hashed_file(saved).sha256}))
    assert shipped_file("net").path == saved
    card.write_text(json.dumps({"sha256": "0" * 64}))
    with pytest.raises(WrongWeights, match="its card says 000"):
        shipped_file("net")


def test_everything_shipped_fits_its_card():
    paths = sorted(locations.SHIPPED_FOLDER.glob("*.safetensors"))
    assert [path.stem for path in paths] == ["small_clip", "small_deit", "small_dino", "small_resnet", "small_swin"]
    for path in paths:
        assert shipped_file(path.stem).path == path
        assert path.stat().st_size < 4e6


@pytest.mark.parametrize("variable", ["TORCH_HOME", "XDG_CACHE_HOME", None])
def test_torch_downloads_are_looked_for_where_torch_does(tmp_path, monkeypatch, variable):
    for name in ("TORCH_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    if variable:
        monkeypatch.setenv(variable, str(tmp_path))
    assert str(locations.torch_hub_folder()) == torch.hub.get_dir()


def test_torch_hub_files_must_have_the_hash_in_their_name(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    folder = Path(torch.hub.get_dir()) / "checkpoints"
    folder.mkdir(parents=True)
    digest = sha256(b"weights").hexdigest()
    (folder / "resnet50-00000000.pth").write_bytes(b"weights")
    assert locations.cached_torch_file("resnet50-00000000.pth") is None
    (folder / f"resnet50-{digest[:8]}.pth").write_bytes(b"weights")
    assert locations.cached_torch_file("resnet50-00000000.pth", f"resnet50-{digest[:8]}.pth").sha256 == digest
