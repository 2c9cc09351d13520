"""Image towers in ONNX files, run by onnxruntime on the CPU.

The file says which side its input has, if that is fixed, and may say in its metadata with which `mean` and `std` images
are normalised; what it does not say, the user does. Its digest is the identity of the embeddings.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from detectors.api import Array, Embeddings, Recipe, Unavailable
from detectors.embedders.clip import ImageTowerEmbedder
from detectors.preprocessing.augmentation import NAMED_STATISTICS, ChannelValues, StatisticsName
from detectors.weight_file import WrongWeights, hashed_file

if TYPE_CHECKING:
    from torch import nn

TokenPooling = Literal["class", "mean"]  # of an output of tokens: the first one, or the mean of all
SUFFIX = ".onnx"
TRIED = 8  # images by which it is found out whether an embedding depends on its batch
TOLERANCE = 1e-3  # of the largest value, between an image by itself and in a batch
CHANNELS = 3


class OnnxEmbedder(ImageTowerEmbedder):
    """A tower from an ONNX file: float32 (N, 3, side, side) in, one vector or one sequence of tokens per image out.

    Images are embedded one by one where the file's embeddings depend on the batch, as those of a network whose
    activations are quantised by the range of a whole batch.

    Args:
        path: The file.
        statistics: With which images are normalised; None as the file's metadata say.
        side: Side of its input; None as the file has it.
        output: Name of the output that is read; None for the only one.
        pooling: Of an output of tokens.
        pad: Whether smaller images are padded with black, or enlarged.

    Raises:
        Unavailable: onnxruntime is not installed, there is no such file, or it leaves open what the user did not say.
        WrongWeights: The file is no image tower in ONNX.
    """

    def __init__(
        self,
        path: Path,
        *,
        statistics: StatisticsName | None = None,
        side: int | None = None,
        output: str | None = None,
        pooling: TokenPooling = "class",
        pad: bool = True,
    ) -> None:
        file = hashed_file(path)
        self._session = _session(path)
        self._input = _image_input(self._session, path)
        self._output = _output(self._session, output, path)
        self._pooling: TokenPooling = pooling
        metadata = dict(self._session.get_modelmeta().custom_metadata_map)
        self._mean, self._std = _statistics(statistics, metadata, path)
        shape = self._output.shape
        dim = shape[-1]
        if len(shape) not in {2, 3} or not isinstance(dim, int):
            msg = f"{path}: its output {self._output.name} is {shape}, not (N, D) or (N, L, D): name another output"
            raise WrongWeights(msg)
        read_side = _side(side, self._input.shape, metadata, path)
        options = f"{read_side}.{self._output.name}.{pooling}.{self._mean}.{self._std}.{'pad' if pad else 'enlarge'}"
        super().__init__(f"onnx.1.{file.sha256[:16]}.{options}", dim, read_side, pad=pad)
        self.projected = dim

    def load(self) -> nn.Module:
        """A stand-in: the session is the network, and is there already."""
        from torch import nn

        return nn.Identity()

    def features(self, network: nn.Module, images: Sequence[Array]) -> Embeddings:
        """Embed at least one prepared array as float32 (N, dim)."""
        del network
        batch = self._normalised(images)
        return np.concatenate([self._run(image[None]) for image in batch]) if self.one_by_one else self._run(batch)

    @cached_property
    def one_by_one(self) -> bool:
        """Whether an embedding depends on the other images of its batch, or the file takes one image at a time."""
        if isinstance(self._input.shape[0], int):
            return True
        side = self._side
        pixels = np.random.default_rng(0).integers(0, 256, (TRIED, side, side, CHANNELS), dtype=np.uint8)
        pixels[1:] //= 4  # images of another range
        batch = self._normalised(pixels)
        together, alone = self._run(batch), np.concatenate([self._run(image[None]) for image in batch])
        return bool(np.abs(together - alone).max() > TOLERANCE * np.abs(alone).max())

    def _normalised(self, images: Sequence[Array] | Array) -> Array:
        pixels = np.stack(list(images)).astype(np.float32) / 255
        mean, std = (np.array(values, np.float32) for values in (self._mean, self._std))
        normalised = (pixels - mean) / std
        return np.ascontiguousarray(normalised.transpose(0, 3, 1, 2), np.float32)

    def _run(self, batch: Array) -> Embeddings:
        (found,) = self._session.run([self._output.name], {self._input.name: batch})
        if found.ndim == 3:
            found = found[:, 0] if self._pooling == "class" else found.mean(1)
        return np.asarray(found, np.float32)


@dataclass(frozen=True)
class OnnxOptions(Recipe):
    """The options of a recipe whose tower may be an ONNX file.

    Attributes:
        statistics: With which images are normalised for a file of the user's; None as the file's metadata or all tags
            of the model say.
        side: Side of the input of an ONNX file that takes images of any size.
        output: Name of the output of an ONNX file that has several.
        pooling: Of an ONNX file whose output is tokens.
    """

    statistics: StatisticsName | None = field(default=None, kw_only=True)
    side: int | None = field(default=None, kw_only=True)
    output: str | None = field(default=None, kw_only=True)
    pooling: TokenPooling = field(default="class", kw_only=True)

    def onnx_embedder(self, path: Path) -> OnnxEmbedder:
        """The tower of an ONNX file. Raises what `OnnxEmbedder` raises."""
        return OnnxEmbedder(path, statistics=self.statistics, side=self.side, output=self.output, pooling=self.pooling)


def is_onnx(path: str | None) -> bool:
    """Whether a path names an ONNX file."""
    return path is not None and path.lower().endswith(SUFFIX)


def _session(path: Path) -> Any:  # noqa: ANN401 - onnxruntime has no types
    try:
        import onnxruntime
    except ImportError:
        msg = f"{path} needs the package onnxruntime, which is not installed: run pip install 'lineup-bench[onnx]'"
        raise Unavailable(msg) from None
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # errors alone: warnings would go to the terminal
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:
        reason = str(error).strip().partition("\n")[0]
        msg = f"{path} cannot be run by onnxruntime {onnxruntime.__version__} ({reason}): give an image tower in ONNX"
        raise WrongWeights(msg) from error


def _image_input(session: Any, path: Path) -> Any:  # noqa: ANN401 - see `_session`
    """The one input, of float32 images (N, 3, H, W)."""
    inputs = session.get_inputs()
    shapes = ", ".join(f"{one.name} {one.type} {one.shape}" for one in inputs)
    one = inputs[0]
    if len(inputs) != 1 or one.type != "tensor(float)" or len(one.shape) != 4 or one.shape[1] not in {CHANNELS, None}:
        msg = f"{path} takes {shapes}, and not one batch of images, tensor(float) (N, 3, H, W): give an image tower"
        raise WrongWeights(msg)
    return one


def _output(session: Any, name: str | None, path: Path) -> Any:  # noqa: ANN401 - see `_session`
    outputs = {one.name: one for one in session.get_outputs()}
    if name is None and len(outputs) == 1:
        return next(iter(outputs.values()))
    if name not in outputs:
        asked = "names no output" if name is None else f"asks for the output {name!r}"
        msg = f"{path} has the outputs {', '.join(outputs)}, and the detector {asked}: say which, as output=NAME"
        raise Unavailable(msg)
    return outputs[name]


def _side(asked: int | None, shape: Sequence[Any], metadata: Mapping[str, str], path: Path) -> int:
    fixed = next((size for size in shape[2:] if isinstance(size, int)), None)
    stated = int(metadata["image_size"]) if metadata.get("image_size", "").isdigit() else None
    side = fixed or asked or stated
    if side is None or (asked and asked != side):
        found = f"takes images of {fixed} pixels" if fixed else "takes images of any size"
        msg = f"{path} {found}: say which side they have, as side=224" if not fixed else f"{path} {found}, not {asked}"
        raise Unavailable(msg)
    return side


def _statistics(
    asked: StatisticsName | None, metadata: Mapping[str, str], path: Path
) -> tuple[ChannelValues, ChannelValues]:
    """Mean and deviation of the input: the user's, else the file's."""
    if asked is not None:
        return NAMED_STATISTICS[asked]
    mean, std = (_numbers(metadata.get(name, "")) for name in ("mean", "std"))
    if mean and std:
        return mean, std
    names = "|".join(NAMED_STATISTICS)
    msg = f"{path} does not say with which mean and deviation images are normalised: say statistics={names}"
    raise Unavailable(msg)


def _numbers(text: str) -> ChannelValues | None:
    """Three numbers between commas, in brackets or not; None for anything else."""
    try:
        first, second, third = (float(part) for part in text.strip("[]() ").split(","))
    except ValueError:
        return None
    return first, second, third
