"""Graphs of bodies in ONNX: exported once for all networks that differ in their weights alone, and kept without them.

Exporting follows a body operation by operation with an example, which takes seconds; filling in weights takes
milliseconds. A graph is known by everything of a body that is no weight.
"""

from __future__ import annotations

import copy
import inspect
import io
import warnings
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from hashlib import sha256
from importlib.metadata import version
from itertools import chain
from pathlib import Path
from typing import Any, cast

import onnx
import torch
from onnx import ModelProto, numpy_helper
from torch import Tensor, nn

from bench.platform.files import digest
from bench.platform.seals import EMPTY_SEAL, SEAL, read_cached, write_sealed

VERSION = 1  # of how graphs are exported
OPSET = 18
EXAMPLES = 2  # images of the example: a batch of one would be folded into constants
OUTPUT = "outputs"
_OWN_ATTRIBUTES = frozenset(vars(nn.Module()))  # of every module
Shapes = tuple[tuple[int, ...], ...]  # of each input, without the batch


def input_names(count: int) -> list[str]:
    """Names of the inputs of a graph."""
    return [f"input{number}" for number in range(count)]


def graph_of(body: nn.Module, shapes: Shapes, folder: Path, *, kept: bool = True) -> bytes:
    """A body with its weights as an ONNX model.

    Args:
        body: In evaluation mode.
        shapes: Of its inputs.
        folder: Where graphs without weights are kept.
        kept: Whether a graph that is kept is taken; else the body is exported anew.

    Raises:
        Exception: Whatever the exporter raises where a body cannot be exported.
    """
    path = folder / f"{_identity(body, shapes)}.onnx"
    model = (read_cached(path, _read) if kept else None) or _exported(body, shapes, path)
    weights = body.state_dict()
    for tensor in model.graph.initializer:
        if tensor.name in weights:
            tensor.CopyFrom(numpy_helper.from_array(weights[tensor.name].cpu().contiguous().numpy(), tensor.name))
    content: bytes = model.SerializeToString()
    return content


def _read(path: Path) -> ModelProto:
    """A graph that was kept. Raises whatever says that it is damaged."""
    model = onnx.load_model(path)
    if not model.graph.output:
        msg = "it has no outputs"
        raise ValueError(msg)
    return model


def _exported(body: nn.Module, shapes: Shapes, path: Path) -> ModelProto:
    """The graph of a body, kept without its weights."""
    model = onnx.load_model_from_string(_export(_stand_in(body), shapes))
    names = set(body.state_dict())
    for tensor in model.graph.initializer:
        if tensor.name in names:
            tensor.ClearField("raw_data")
    model.metadata_props.add(key=SEAL, value=EMPTY_SEAL)
    with suppress(OSError):  # of a full disk: what is not kept is exported again
        write_sealed(path, lambda temporary: temporary.write_bytes(model.SerializeToString()))
    return model


def _stand_in(body: nn.Module) -> nn.Module:
    """A copy of a body with other weights, no two alike: the exporter makes one of weights that are equal."""
    stand_in = copy.deepcopy(body).cpu().eval()
    generator = torch.Generator().manual_seed(0)
    stand_in.register_forward_pre_hook(_silence_exporter)
    with torch.no_grad():
        for tensor in stand_in.state_dict().values():
            if tensor.is_floating_point():
                tensor.copy_(torch.rand(tensor.shape, generator=generator) + 0.5)  # variances are positive
    return stand_in


def _export(body: nn.Module, shapes: Shapes) -> bytes:
    """A body as torch exports it, with the names of its weights and nothing folded into them."""
    generator = torch.Generator().manual_seed(0)
    inputs = tuple(torch.rand(EXAMPLES, *shape, generator=generator) for shape in shapes)
    names, content = input_names(len(inputs)), io.BytesIO()
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # of what a trace cannot follow: scores are compared with torch's own
        torch.onnx.export(
            body,
            inputs,
            cast("Any", content),  # any stream of bytes
            dynamo=False,  # the other exporter needs packages of its own and takes several times as long
            training=torch.onnx.TrainingMode.PRESERVE,
            do_constant_folding=False,
            opset_version=OPSET,
            input_names=names,
            output_names=[OUTPUT],
            dynamic_axes={name: {0: "images"} for name in (*names, OUTPUT)},
        )
    return content.getvalue()


def _silence_exporter(*_: object) -> None:
    """Let the exporter, which follows a body with its log switched on, not print the whole network where it fails."""
    torch._C._jit_set_onnx_log_enabled(False)  # noqa: FBT003, SLF001 - `verbose=False` does not switch it off


def _identity(body: nn.Module, shapes: Shapes) -> str:
    """Identity of a graph: what the modules of a body are and hold beside their weights, and who exports them.

    Of a body whose code or attributes cannot be told, the weights are part of it: its graph is no other's.
    """
    weights = body.state_dict()
    known = [(name, tuple(tensor.shape), str(tensor.dtype)) for name, tensor in weights.items()]
    parts, told = [], True
    for name, module in body.named_modules(remove_duplicate=False):
        settings, plain = _settings(module, set(weights), name)
        source = _source(cast("Any", type(module)))
        parts.append((name, type(module).__module__, type(module).__qualname__, source, settings))
        told = told and plain and bool(source)
    further = [] if told else [sha256(tensor.cpu().contiguous().numpy()).hexdigest() for tensor in weights.values()]
    libraries = torch.__version__, onnx.__version__
    return digest(str(VERSION), *libraries, repr((repr(body), known, parts, shapes)), *further)


@cache
def _source(kind: type) -> str:
    """The source of a class, of torch's own their version; empty where it cannot be had."""
    if kind.__module__.startswith(("torch.", "torchvision.", "timm.")):
        return version(kind.__module__.partition(".")[0])
    try:
        return inspect.getsource(kind)
    except (OSError, TypeError):
        return ""


def _settings(module: nn.Module, weights: set[str], prefix: str) -> tuple[list[tuple[str, str]], bool]:
    """The attributes of a module beside its weights, and whether each of them could be written."""
    settings, plain = [], True
    buffers = {name: buffer for name, buffer in module._buffers.items() if f"{prefix}.{name}".strip(".") not in weights}  # noqa: SLF001
    for name, value in sorted({**vars(module), **buffers}.items()):
        if name in _OWN_ATTRIBUTES:
            continue
        if isinstance(value, Tensor):
            settings.append((name, repr(value.tolist())))
        elif _is_plain(value):
            settings.append((name, repr(value)))
        elif value is not None:
            plain = False
    return settings, plain


def _is_plain(value: Any) -> bool:  # noqa: ANN401 - any attribute
    if isinstance(value, Mapping):
        return all(map(_is_plain, chain.from_iterable(value.items())))
    if isinstance(value, Sequence) and not isinstance(value, str):
        return all(map(_is_plain, value))
    return value is None or isinstance(value, str | int | float | bool | torch.dtype)
