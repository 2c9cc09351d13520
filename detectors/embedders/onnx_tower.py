"""Image towers in ONNX files, run by onnxruntime on the CPU.

The file says which side its input has, if that is fixed, and may say in its metadata with which `mean` and `std` images
are normalised and which `pooling` makes one vector of an output of tokens; what it does not say, the user does. Its
digest is the identity of the embeddings, so that all weights have to be in it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np

from detectors.api import Array, Embeddings, Recipe, Unavailable
from detectors.embedders.clip import ImageTowerEmbedder
from detectors.embedders.frozen_embedder import Centre
from detectors.embedders.onnx_references import referred_files
from detectors.preprocessing.augmentation import NAMED_STATISTICS, ChannelValues, StatisticsName
from detectors.weight_file import WrongWeights, hashed_file

TokenPooling = Literal["class", "mean"]  # of an output of tokens: the first one, or the mean of all
POOLINGS: tuple[TokenPooling, ...] = get_args(TokenPooling)
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
        pooling: Of an output of tokens; None as the file's metadata say.
        pad: Whether smaller images are padded with black, or enlarged.

    Raises:
        Unavailable: There is no such file, or it leaves open what the user did not say.
        WrongWeights: The file is no image tower in ONNX.
    """

    def __init__(
        self,
        path: Path,
        *,
        statistics: StatisticsName | None = None,
        side: int | None = None,
        output: str | None = None,
        pooling: TokenPooling | None = None,
        pad: bool = True,
    ) -> None:
        file = hashed_file(path)
        self._session = _session(path)
        self._input = _image_input(self._session, path)
        self._output = _output(self._session, output, path)
        metadata = dict(self._session.get_modelmeta().custom_metadata_map)
        self._mean, self._std = _statistics(statistics, metadata, path)
        read_side = _side(side, self._input.shape, metadata, path)
        shape = self._output_shape(read_side, path)
        self._pooling = _pooling(pooling, metadata, shape, path)
        chosen = f"{self._output.name}.{self._pooling}.{self._mean}.{self._std}.{'pad' if pad else 'enlarge'}"
        super().__init__(f"onnx.1.{file.sha256[:16]}.{read_side}.{chosen}", shape[-1], Centre(read_side, pad))
        self.projected = shape[-1]

    def _output_shape(self, side: int, path: Path) -> tuple[int, ...]:
        """The shape of the output for one image, (1, D) or (1, L, D): of a trial where the file leaves it open.

        Raises:
            WrongWeights: It has another number of axes, or the file does not take such an image.
        """
        stated = self._output.shape  # a symbol, or None, for what is open; empty where the number of axes is
        shape = tuple(stated)
        if not stated or not isinstance(stated[-1], int):
            image = np.zeros((1, CHANNELS, side, side), np.float32)
            try:
                shape = self._session.run([self._output.name], {self._input.name: image})[0].shape
            except Exception as error:
                reason = str(error).strip().partition("\n")[0]
                msg = f"{path} does not run on an image of {side} pixels ({reason}): say another side, as side=224"
                raise WrongWeights(msg) from error
        if len(shape) not in {2, 3}:
            msg = f"{path}: its output {self._output.name} is {shape}, not (N, D) or (N, L, D): name another output"
            raise WrongWeights(msg)
        return shape

    def features(self, images: Sequence[Array]) -> Embeddings:
        """Embed at least one prepared array as float32 (N, dim)."""
        batch = self._normalised(images)
        return np.concatenate([self._run(image[None]) for image in batch]) if self.one_by_one else self._run(batch)

    @cached_property
    def one_by_one(self) -> bool:
        """Whether an embedding depends on the other images of its batch, or the file takes one image at a time."""
        if isinstance(self._input.shape[0], int):
            return True
        side = self._centre.side
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
        pooling: Of an ONNX file whose output is tokens; None as its metadata say.
    """

    statistics: StatisticsName | None = field(default=None, kw_only=True)
    side: int | None = field(default=None, kw_only=True)
    output: str | None = field(default=None, kw_only=True)
    pooling: TokenPooling | None = field(default=None, kw_only=True)

    def onnx_embedder(self, path: Path, *, pad: bool) -> OnnxEmbedder:
        """The tower of an ONNX file. Raises what `OnnxEmbedder` raises.

        Args:
            path: The file.
            pad: Whether smaller images are padded with black, or enlarged.
        """
        return OnnxEmbedder(
            path, statistics=self.statistics, side=self.side, output=self.output, pooling=self.pooling, pad=pad
        )

    def refuse_onnx_options(self, *more: str) -> None:
        """Raise `Unavailable` where an option was chosen that does nothing without an ONNX file.

        Args:
            more: Names of further options that do nothing for the tower at hand.
        """
        idle = [name for name in ("side", "output", "pooling", *more) if getattr(self, name) is not None]
        if idle:
            chosen = ", ".join(f"{name}={getattr(self, name)}" for name in idle)
            msg = f"{self.card.name}: {chosen} changes nothing of this tower: leave it out, or give the file"
            raise Unavailable(f"{msg} that it is of, as weights=PATH")


def is_onnx(path: str | None) -> bool:
    """Whether a path names an ONNX file."""
    return path is not None and path.lower().endswith(SUFFIX)


def _session(path: Path) -> Any:  # noqa: ANN401 - onnxruntime has no types
    import onnxruntime

    if elsewhere := referred_files(path):
        msg = f"{path} keeps weights in {', '.join(elsewhere)}: save it as one file, as torch.onnx.export does with"
        raise WrongWeights(f"{msg} external_data=False")
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # errors alone: warnings would go to the terminal
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:
        reason = str(error).strip().partition("\n")[0]
        msg = f"{path} cannot be run by onnxruntime {onnxruntime.__version__} ({reason}): give an image tower in ONNX"
        raise WrongWeights(msg) from error


def _image_input(session: Any, path: Path) -> Any:  # noqa: ANN401 - see `_session`
    """The one input, of float32 images (N, 3, H, W); a symbol stands for an axis of any size."""
    inputs = session.get_inputs()
    shapes = ", ".join(f"{one.name} {one.type} {one.shape}" for one in inputs) or "no input"
    if len(inputs) != 1 or not _takes_images(inputs[0]):
        msg = f"{path} takes {shapes}, and not one batch of images, tensor(float) (N, 3, H, W): give an image tower"
        raise WrongWeights(msg)
    batch, _, height, width = (size if isinstance(size, int) else None for size in inputs[0].shape)
    if batch not in {1, None}:
        msg = f"{path} takes exactly {batch} images at a time: export it for any number of them, or for one"
        raise WrongWeights(msg)
    if height and width and height != width:
        msg = f"{path} takes images of {height}x{width} pixels, and Lineup cuts squares: export it for a square"
        raise WrongWeights(msg)
    return inputs[0]


def _takes_images(one: Any) -> bool:  # noqa: ANN401 - see `_session`
    """Whether an input is of float32 images with three channels, or any number of them."""
    shape = one.shape
    return one.type == "tensor(float)" and len(shape) == 4 and (not isinstance(shape[1], int) or shape[1] == CHANNELS)


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
    """The side of the input: the file's where it is fixed, else the user's, else the metadata's."""
    fixed = next((size for size in shape[2:] if isinstance(size, int)), None)
    stated = int(metadata["image_size"]) if metadata.get("image_size", "").isdigit() else None
    side = next((one for one in (fixed, asked, stated) if one is not None), None)
    if side is None or (asked is not None and asked != side):
        found = f"takes images of {fixed} pixels" if fixed else "takes images of any size"
        msg = f"{path} {found}: say which side they have, as side=224" if not fixed else f"{path} {found}, not {asked}"
        raise Unavailable(msg)
    if side < 1:
        msg = f"{path} cannot take images of {side} pixels: say which side they have, as side=224"
        raise Unavailable(msg)
    return side


def _pooling(
    asked: TokenPooling | None, metadata: Mapping[str, str], shape: Sequence[Any], path: Path
) -> TokenPooling | None:
    """What makes one vector of the tokens of an output: the user's, else the file's; None where it is a vector."""
    if len(shape) == 2:
        if asked is not None:
            msg = f"{path} gives one vector per image, of which pooling={asked} changes nothing: leave it out"
            raise Unavailable(msg)
        return None
    stated = next((name for name in POOLINGS if name == metadata.get("pooling")), None)
    if (chosen := asked or stated) is None:
        msg = f"{path} gives tokens and does not say what makes one vector of them: say pooling={'|'.join(POOLINGS)}"
        raise Unavailable(msg)
    return chosen


def _statistics(
    asked: StatisticsName | None, metadata: Mapping[str, str], path: Path
) -> tuple[ChannelValues, ChannelValues]:
    """Mean and deviation of the input, of values in [0, 1]: the user's, else the file's."""
    if asked is not None:
        return NAMED_STATISTICS[asked]
    names = "|".join(NAMED_STATISTICS)
    mean, std = (_numbers(metadata.get(name, "")) for name in ("mean", "std"))
    if not mean or not std:
        msg = f"{path} does not say with which mean and deviation images are normalised: say statistics={names}"
        raise Unavailable(msg)
    if not all(0 <= value <= 1 for value in mean) or not all(0 < value <= 1 for value in std):  # neither holds of NaN
        msg = f"{path} says mean {mean} and std {std}, which are none of values in [0, 1]: say statistics={names}"
        raise Unavailable(msg)
    return mean, std


def _numbers(text: str) -> ChannelValues | None:
    """Three numbers between commas, in brackets or not; None for anything else."""
    try:
        first, second, third = (float(part) for part in text.strip("[]() ").split(","))
    except ValueError:
        return None
    return first, second, third
