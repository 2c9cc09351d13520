"""Which library computes the bodies of networks, and what of that stands in keys."""

import pickle
from pathlib import Path

import pytest

from bench.engine.scoring.agreement import needs_check
from bench.inference import backends
from bench.inference.backends import LibraryBackend, backend_key, bfloat16_features, choose_backend, library_name
from bench.platform.errors import InputError
from detectors.api import Runtime

CONVOLUTIONAL, TRANSFORMER = frozenset({"convolutional"}), frozenset({"transformer"})


def chosen(name="auto", device="cpu", precision="float32"):
    return Runtime(device, precision, choose_backend(name, device, precision, Path("graphs")))


def test_auto_follows_the_kind_of_network_and_not_the_clock():
    runtime = chosen()
    assert library_name(runtime, CONVOLUTIONAL).startswith("onnxruntime 1.")
    assert library_name(runtime, TRANSFORMER).startswith("torch 2.")
    assert library_name(runtime, CONVOLUTIONAL | TRANSFORMER).count(",") == 1
    assert not library_name(runtime, frozenset())


@pytest.mark.parametrize("device", ["cuda", "cuda:1"])
def test_a_card_and_torch_by_name_need_no_backend_in_float32(device):
    assert chosen(device=device).backend is None
    assert chosen("torch").backend is None
    assert library_name(chosen("torch"), CONVOLUTIONAL).startswith("torch 2.")


@pytest.mark.parametrize("name", ["auto", "torch"])
def test_torch_mixes_precisions(name):
    runtime = chosen(name, precision="bfloat16")
    assert runtime.backend == LibraryBackend("torch", "bfloat16", Path("graphs"))
    assert library_name(runtime, CONVOLUTIONAL).startswith("torch 2.")


@pytest.mark.parametrize(("device", "precision"), [("cuda", "float32"), ("cuda:1", "tf32")])
def test_the_compiler_of_torch_is_checked_and_stands_in_keys_with_the_version_of_torch(monkeypatch, device, precision):
    monkeypatch.setattr(backends, "installed_version", lambda library: {"torch": "9", "triton": "3"}[library])
    runtime = chosen("inductor", device, precision)
    assert needs_check(runtime, TRANSFORMER)
    assert library_name(runtime, TRANSFORMER) == "inductor 9"
    assert backend_key(runtime, TRANSFORMER).startswith(f"inductor 9 {precision}")


def test_a_card_without_a_compiler_is_refused(monkeypatch):
    monkeypatch.setattr(backends, "installed_version", lambda _: "absent")
    with pytest.raises(InputError, match="needs the package triton on a GPU, which is not installed: run pip install"):
        choose_backend("inductor", "cuda", "float32", Path("graphs"))


@pytest.mark.slow  # the compiler takes seconds to import
def test_a_processor_without_a_compiler_is_refused():
    from torch._inductor import config

    assert choose_backend("inductor", "cpu", "bfloat16", Path("graphs")).library("transformer") == "inductor"
    with (
        config.patch({"cpp.cxx": (None, "no-such-compiler")}),
        pytest.raises(InputError, match=r"needs a C\+\+ compiler on the CPU, and there is none: install g"),
    ):
        choose_backend("inductor", "cpu", "float32", Path("graphs"))


def test_tf32_is_checked_against_float32_on_a_card():
    runtime = chosen(device="cuda", precision="tf32")
    assert runtime.backend == LibraryBackend("torch", "tf32", Path("graphs"))
    assert needs_check(runtime, CONVOLUTIONAL)


@pytest.mark.parametrize(
    ("asked", "fault"),
    [
        (("onnxruntime", "cuda", "float32"), "--backend onnxruntime computes on the CPU and not on cuda: choose"),
        (("openvino", "cuda:1", "float32"), "--backend openvino computes on the CPU and not on cuda:1: choose"),
        (
            ("auto", "cpu", "tf32"),
            "tf32 is a rounding of NVIDIA GPUs, and networks are computed on the CPU: choose",
        ),
        (("onnxruntime", "cpu", "bfloat16"), "computes in float32 alone: choose --backend torch or openvino"),
    ],
)
def test_what_a_backend_does_not_do_is_said(asked, fault):
    with pytest.raises(InputError, match=fault):
        choose_backend(*asked, Path("graphs"))


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("openvino", r"needs the package openvino, which is not installed: run pip install 'lineup-bench\[openvino\]'"),
        ("onnxruntime", "needs the package onnxruntime, which is not installed: run pip install onnxruntime, or"),
        ("auto", "needs the package onnxruntime, which is not installed: run pip install onnxruntime, or"),
    ],
)
def test_a_backend_that_is_not_installed_is_no_other_one(monkeypatch, name, fault):
    monkeypatch.setattr(backends, "installed_version", lambda library: "absent" if library != "torch" else "2")
    with pytest.raises(InputError, match=fault):
        choose_backend(name, "cpu", "float32", Path("graphs"))


def test_the_library_with_its_version_and_precision_stands_in_keys_where_it_is_not_torch(monkeypatch):
    assert backend_key(chosen("torch"), CONVOLUTIONAL) == ""
    assert backend_key(chosen(), TRANSFORMER) == ""
    assert backend_key(chosen(), frozenset()) == ""
    key = backend_key(chosen(), CONVOLUTIONAL)
    assert key.startswith("onnxruntime 1.")
    assert key.endswith(" float32")
    assert backend_key(chosen("onnxruntime"), TRANSFORMER) == key
    monkeypatch.setattr(backends, "installed_version", lambda library: "9")
    assert backend_key(chosen(), CONVOLUTIONAL) == "onnxruntime 9 float32"


def test_how_a_processor_multiplies_bfloat16_stands_in_keys_on_a_cpu(monkeypatch):
    monkeypatch.setattr(backends, "cpu_features", lambda: frozenset({"avx2", "amx_bf16", "avx512_bf16"}))
    assert backend_key(chosen(precision="bfloat16"), TRANSFORMER) == "amx_bf16+avx512_bf16"
    assert backend_key(chosen("torch", "cuda", "bfloat16"), TRANSFORMER) == ""
    monkeypatch.setattr(backends, "cpu_features", lambda: frozenset({"avx2"}))
    assert bfloat16_features()
    assert backend_key(chosen(precision="bfloat16"), TRANSFORMER) != "amx_bf16+avx512_bf16"


def test_a_backend_can_be_sent_to_another_process():
    backend = choose_backend("auto", "cpu", "float32", Path("graphs"))
    assert pickle.loads(pickle.dumps(backend)) == backend  # noqa: S301 - our own bytes
