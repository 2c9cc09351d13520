"""One rule reads every published layout without running code, and names whatever it refuses."""

import argparse
import io
import os
import pickle
import zipfile
from collections import OrderedDict, defaultdict
from pathlib import Path

import joblib
import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from sklearn.svm import LinearSVC
from torch import nn

from detectors.weight_file import WrongWeights, hashed_file
from detectors.weights.reading import PREFIXES, WRAPPERS, read, read_tensor

TENSORS = {"conv.weight": torch.arange(12.0).view(4, 3), "conv.bias": torch.ones(4), "steps": torch.tensor(7)}


def saved(content, path, **options):
    torch.save(content, path, **options)
    return hashed_file(path)


def same(left, right):
    return left.keys() == right.keys() and all(torch.equal(left[name], right[name]) for name in left)


def refusal(path):
    with pytest.raises(WrongWeights) as raised:
        read(hashed_file(path))
    message = str(raised.value)
    assert "\n" not in message
    assert str(path) in message
    assert "weights_only" not in message
    return message


@pytest.mark.parametrize("wrapper", [*WRAPPERS, None])
@pytest.mark.parametrize("prefix", [*PREFIXES, ""])
def test_wrappers_and_prefixes_are_taken_off(tmp_path, wrapper, prefix):
    tensors = {prefix + name: tensor for name, tensor in TENSORS.items()}
    content = {"epoch": 3, wrapper: tensors, "optimizer": {"state": {0: torch.ones(2)}}} if wrapper else tensors
    assert same(read(saved(content, tmp_path / "net.pth")), TENSORS)


def test_prefixes_and_wrappers_may_be_several(tmp_path):
    tensors = OrderedDict((f"module._orig_mod.model.{name}", tensor) for name, tensor in TENSORS.items())
    assert same(read(saved({"state_dict": {"model": tensors}}, tmp_path / "net.pth")), TENSORS)


def test_a_prefix_that_not_all_names_have_or_that_is_expected_stays(tmp_path):
    mixed = {"module.a": torch.ones(1), "b": torch.ones(1)}
    assert same(read(saved(mixed, tmp_path / "mixed.pth")), mixed)
    own = {"net.a": torch.ones(1), "net.b": torch.ones(1)}
    parallel = {f"module.{name}": tensor for name, tensor in own.items()}
    assert same(read(saved(parallel, tmp_path / "own.pth"), expected=own), own)


@pytest.mark.parametrize("wrapper", [name for name in WRAPPERS if name != "ema"])
def test_of_a_model_and_its_average_the_model_is_read(tmp_path, wrapper):
    averaged = {name: tensor + 1 for name, tensor in TENSORS.items()}
    assert same(read(saved({"ema": averaged, wrapper: TENSORS}, tmp_path / "both.pth")), TENSORS)


@pytest.mark.parametrize("old", [False, True], ids=["zip", "legacy"])
def test_inert_objects_beside_the_tensors_are_read_past(tmp_path, old):
    beside = {
        "args": argparse.Namespace(lr=1e-4, output=Path("out")),
        "metrics": defaultdict(list, accuracy=[np.float64(0.5), np.float32(0.25)]),
        "history": np.arange(6, dtype=np.int64).reshape(2, 3),
        "best": np.int64(3),
        "folder": Path("somewhere"),
        "name": "run",
        "nothing": None,
    }
    content = {"model": TENSORS, **beside}
    assert same(read(saved(content, tmp_path / "net.pth", _use_new_zipfile_serialization=not old)), TENSORS)


def test_a_path_of_another_system_is_read_past(tmp_path, monkeypatch):
    class ForeignPath:
        def __reduce__(self):
            return self.__class__, ("C:", "weights")

    ForeignPath.__module__, ForeignPath.__qualname__, ForeignPath.__name__ = "pathlib", "WindowsPath", "WindowsPath"
    monkeypatch.setattr("pathlib.WindowsPath", ForeignPath)
    file = saved({"model": TENSORS, "folder": ForeignPath()}, tmp_path / "net.pth")
    monkeypatch.undo()
    assert same(read(file), TENSORS)


@pytest.mark.parametrize("suffix", [".pth", ".safetensors", ".ckpt", ""])
def test_the_content_tells_the_kind_and_not_the_suffix(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    save_file(TENSORS, path)
    assert same(read(hashed_file(path)), TENSORS)
    other = saved({"model": TENSORS}, tmp_path / f"b{suffix}")
    assert same(read(other), TENSORS)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64, torch.float8_e4m3fn])
def test_other_precisions_are_read(tmp_path, dtype):
    found = read(saved({"w": torch.tensor([0.5, -2.0]).to(dtype)}, tmp_path / "net.pth"))
    assert found["w"].float().tolist() == [0.5, -2.0]


def test_subnormal_numbers_become_zero_and_small_ones_stay(tmp_path):
    tiny = torch.finfo(torch.float32).tiny
    numbers = torch.tensor([tiny / 2, -tiny / 4, tiny, -1.0, 0.0])
    half = torch.tensor([6e-8], dtype=torch.float16)  # subnormal as half precision, and none in single
    found = read(saved({"w": numbers, "half": half}, tmp_path / "net.pth"))
    assert found["w"].tolist() == [0.0, 0.0, tiny, -1.0, 0.0]
    assert torch.equal(found["half"], half)


@pytest.mark.parametrize("number", [float("nan"), float("inf"), -float("inf")])
def test_a_number_that_is_not_finite_is_refused_by_name(tmp_path, number):
    path = tmp_path / "net.pth"
    saved({"model": TENSORS | {"fc.weight": torch.tensor([1.0, number])}}, path)
    assert "fc.weight holds a number that is not finite" in refusal(path)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_finite_numbers_may_sum_to_more_than_a_number_holds(tmp_path, dtype):
    largest = torch.finfo(min(dtype, torch.float32, key=lambda one: torch.finfo(one).max)).max
    numbers = torch.full((4,), largest, dtype=dtype)
    assert torch.equal(read(saved({"w": numbers}, tmp_path / "net.pth"))["w"], numbers)


def test_infinite_numbers_that_cancel_are_refused(tmp_path):
    saved({"w": torch.tensor([float("inf"), -float("inf")])}, tmp_path / "net.pth")
    assert "w holds a number that is not finite" in refusal(tmp_path / "net.pth")


def test_a_number_that_single_precision_cannot_hold_is_refused_by_name(tmp_path):
    path = tmp_path / "net.pth"
    largest = torch.finfo(torch.float32).max
    saved({"a": torch.tensor([largest], dtype=torch.float64)}, path)
    read(hashed_file(path))
    saved({"fc.weight": torch.tensor([1.0, 1e39], dtype=torch.float64)}, path)
    assert "fc.weight holds a number beyond single precision" in refusal(path)


def test_complex_weights_are_refused_by_name(tmp_path):
    saved(TENSORS | {"filter": torch.ones(2, dtype=torch.complex64)}, tmp_path / "net.pth")
    assert "filter holds complex numbers" in refusal(tmp_path / "net.pth")


class Trap:
    def __init__(self, folder):
        self.folder = folder

    def __reduce__(self):
        return os.mkdir, (self.folder,)


def test_what_only_code_could_read_is_refused_with_the_name_of_its_type(tmp_path):
    path = tmp_path / "net.pth"
    saved({"model": Trap(str(tmp_path / "sprung"))}, path)
    assert "mkdir" in refusal(path)
    assert not (tmp_path / "sprung").exists()
    saved(nn.Sequential(nn.Linear(2, 1)), path)
    message = refusal(path)
    assert "torch.nn.modules.container.Sequential" in message
    assert "state_dict() alone" in message


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize("beside", ["", "text"])
def test_a_pickle_of_something_else_is_refused_with_the_name_of_its_type(tmp_path, protocol, beside):
    path = tmp_path / "net.pkl"
    held = {"first": beside, "again": beside, "trap": Trap(str(tmp_path / "sprung"))}
    path.write_bytes(pickle.dumps(held, protocol))
    assert "holds an object of posix.mkdir, whose reading would run code" in refusal(path)
    joblib.dump(LinearSVC(), path)
    assert "holds an object of sklearn.svm._classes.LinearSVC" in refusal(path)
    path.write_bytes(pickle.dumps({"a": 1}, protocol))
    assert "holds a pickle, and no file of torch.save" in refusal(path)
    assert not (tmp_path / "sprung").exists()


def test_an_archive_of_a_later_protocol_is_refused_with_the_name_of_its_type(tmp_path):
    saved({"model": Trap(str(tmp_path / "sprung"))}, tmp_path / "net.pth", pickle_protocol=4)
    assert "holds an object of posix.mkdir" in refusal(tmp_path / "net.pth")
    assert not (tmp_path / "sprung").exists()


def test_a_file_cut_anywhere_is_one_sentence(tmp_path):
    path = tmp_path / "net.pth"
    saved({"w": torch.ones(2)}, path, _use_new_zipfile_serialization=False)
    data = path.read_bytes()
    for size in range(1, len(data)):
        path.write_bytes(data[:size])
        assert refusal(path) in {
            f"{path} is damaged or cut: download it again",
            f"{path} is neither a .safetensors file nor one of torch.save: give the published file",
        }, size


def test_a_torchscript_program_is_named(tmp_path):
    path = tmp_path / "net.pt"
    with zipfile.ZipFile(path, "w") as archive:  # laid out as torch.jit.save does
        archive.writestr("net/code/__torch__.py", "class Net(Module): pass")
        archive.writestr("net/data.pkl", b"\x80\x02}.")
    assert "a TorchScript program" in refusal(path)


def arrays():
    stream = io.BytesIO()
    np.savez(stream, a=np.ones(2))
    return stream.getvalue()


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "an empty file"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n", "Git LFS pointer"),
        (b"\n<!DOCTYPE html><html><body>Sign in</body></html>", "web page"),
        (b"<html>\n", "web page"),
        (b"<?xml version='1.0'?><Error/>", "XML"),
        (b'{"error": "gated"}', "JSON"),
        (b"\x1f\x8b\x08" + bytes(20), "gzip"),
        (b"\x89HDF\r\n" + bytes(20), "HDF5"),
        (b"no weights", "neither a .safetensors file nor one of torch.save"),
        (arrays(), "arrays of NumPy"),
        (b"PK\x05\x06" + bytes(18), "zip archive of 0 other files"),
        (b"\x80\x02}q", "damaged"),
        (b"\x10\x00\x00\x00\x00\x00\x00\x00{}", "damaged or cut"),
        (b'{"data":{"error": "quota"}}', "JSON"),
        (b"\xef\xbb\xbf<!DOCTYPE html>", "web page"),
        (b"<!-- a comment --><html>", "web page"),
        (b"<Error><Code>AccessDenied</Code></Error>", "XML"),
    ],
)
def test_other_files_are_named_for_what_they_are(tmp_path, data, said):
    path = tmp_path / "net.pth"
    path.write_bytes(data)
    assert said in refusal(path)


@pytest.mark.parametrize("kept", [0.3, 0.9, 0.999])
@pytest.mark.parametrize("kind", ["safetensors", "zip", "legacy"])
def test_a_truncated_file_is_one_sentence(tmp_path, kind, kept):
    path = tmp_path / "net.pth"
    if kind == "safetensors":
        save_file(TENSORS, path)
    else:
        saved(TENSORS, path, _use_new_zipfile_serialization=kind == "zip")
    data = path.read_bytes()
    path.write_bytes(data[: int(kept * len(data))])
    assert "download it again" in refusal(path)


@pytest.mark.parametrize(
    ("held", "found"),
    [
        ({"weights": {"w": torch.zeros(1)}, "epoch": 3}, "a dict of weights, epoch, not tensors by name"),
        ([torch.zeros(1)], "a list, not tensors"),
        ({"model": {"w": 3}}, "a dict of model, not tensors"),
        ({}, "a dict of nothing"),
    ],
    ids=["other entry", "list", "no tensors", "empty"],
)
def test_other_containers_are_named(tmp_path, held, found):
    saved(held, tmp_path / "net.pth")
    assert found in refusal(tmp_path / "net.pth")


def test_one_tensor_is_read_alone(tmp_path):
    assert read_tensor(saved(torch.ones(3), tmp_path / "mean.pth")).tolist() == [1, 1, 1]
    with pytest.raises(WrongWeights, match="holds a dict, not one tensor"):
        read_tensor(saved(TENSORS, tmp_path / "net.pth"))
    with pytest.raises(WrongWeights, match="not finite"):
        read_tensor(saved(torch.tensor([float("nan")]), tmp_path / "nan.pth"))
