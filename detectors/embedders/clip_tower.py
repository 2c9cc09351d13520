"""Image towers of open_clip models: found by name, loaded strictly, frozen; import this inside functions only."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal

import open_clip
import torch
from open_clip.model import _build_text_tower, _build_vision_tower
from torch import Tensor, nn

from detectors.api import Embeddings, Runtime, Unavailable
from detectors.architectures.support.forward_pass import token_statistics
from detectors.architectures.support.torch_contexts import deterministic
from detectors.architectures.timm_networks import lineup_small_deit  # noqa: F401 - timm is to know its name
from detectors.embedders.word_tokenizer import WordTokenizer
from detectors.preprocessing.augmentation import (
    CLIP_MEAN,
    CLIP_STD,
    NAMED_STATISTICS,
    ChannelValues,
    StatisticsName,
)
from detectors.weight_file import HashedFile, WeightFile, hashed_file
from detectors.weights.files import HubFile, UnknownFile
from detectors.weights.loading import load_strict
from detectors.weights.locations import shipped_card, shipped_file
from detectors.weights.open_clip import OPEN_CLIP_FILES
from detectors.weights.reading import read

# of the tokens of each block: none, the class token, the same as the block's second normalisation gives it to its last
# layers ("normalised"), or mean and deviation of the image tokens ("spread"); with "unprojected" none, and the final
# embedding is taken before its projection
ClipPooling = Literal["none", "class", "normalised", "spread", "unprojected"]
STATISTICS: Mapping[ClipPooling, int] = {"none": 0, "class": 1, "normalised": 1, "spread": 2, "unprojected": 0}


@dataclass(frozen=True, slots=True)
class ClipTower:
    """An image tower whose weights have been found but not read.

    Attributes:
        name: Of the model.
        config: open_clip's configuration: `embed_dim`, `vision_cfg` and maybe `quick_gelu`.
        weights: A file with the whole model or with its image tower.
        mean: Subtracted from images, per channel in [0, 1].
        std: By which the difference is divided.
    """

    name: str
    config: Mapping[str, Any]
    weights: HashedFile
    mean: ChannelValues = CLIP_MEAN
    std: ChannelValues = CLIP_STD

    @property
    def side(self) -> int:
        """Side of its square input, in pixels."""
        size = self.config["vision_cfg"]["image_size"]
        return int(size if isinstance(size, int) else size[0])

    @property
    def projected(self) -> int:
        """Length of its final embedding."""
        return int(self.config["embed_dim"])

    @property
    def width(self) -> int:
        """Length of its tokens, and of its final embedding before the projection; 0 for no vision transformer."""
        return int(self.config["vision_cfg"].get("width", 0))

    @property
    def own_statistics(self) -> bool:
        """Whether images are normalised with other statistics than OpenAI's CLIP."""
        return (self.mean, self.std) != (CLIP_MEAN, CLIP_STD)

    @property
    def blocks(self) -> int:
        """Number of transformer blocks; 0 for no vision transformer."""
        layers = self.config["vision_cfg"].get("layers", 0)
        return layers if isinstance(layers, int) else 0  # open_clip states none for networks of timm

    def tokens(self, pooling: ClipPooling) -> int:
        """Number of columns of the pooled tokens of all blocks."""
        return self.blocks * self.width * STATISTICS[pooling]


def shipped_tower(name: str, source: str | None) -> ClipTower:
    """A tower that ships with the package, with its own weights or those of a file of the user's.

    Raises:
        Unavailable: The package was installed without it, or there is no such file.
    """
    return ClipTower(name, shipped_card(name), shipped_file(name) if source is None else hashed_file(Path(source)))


def find_tower(model: str, source: str, statistics: StatisticsName | None = None) -> ClipTower:
    """An open_clip model by name.

    Args:
        model: As `open_clip.list_models` names it.
        source: One of its pretrained tags, or the path of a file.
        statistics: With which images are normalised for a file; None for those that all tags of the model have.

    Raises:
        Unavailable: There is no such model or file, the hub cannot be reached, the weights were trained with another
            activation than the model has, or a file does not say with which statistics.
    """
    config = open_clip.get_model_config(model)
    if config is None:
        raise Unavailable(_no_such_model(model))
    tags = open_clip.list_pretrained_tags_by_model(model)
    if source not in tags:
        file = _local_file(model, source, tags)
        return ClipTower(model, config, file, *_statistics_of_file(model, tags, statistics))
    _require_same_gelu(model, source, config, quick=bool(open_clip.get_pretrained_cfg(model, source).get("quick_gelu")))
    return ClipTower(model, config, pretrained_file(model, source).get(), *_statistics_of_tag(model, source))


def _statistics_of_tag(model: str, tag: str) -> tuple[ChannelValues, ChannelValues]:
    """Mean and deviation that images are normalised with for published weights."""
    pretrained = open_clip.get_pretrained_cfg(model, tag)
    return tuple(pretrained["mean"]), tuple(pretrained["std"])


def _statistics_of_file(
    model: str, tags: Sequence[str], asked: StatisticsName | None
) -> tuple[ChannelValues, ChannelValues]:
    """Mean and deviation for a file of the user's: asked for, else those of all published weights of the model."""
    if asked is not None:
        return NAMED_STATISTICS[asked]
    known = {_statistics_of_tag(model, tag) for tag in tags} or {(CLIP_MEAN, CLIP_STD)}  # open_clip's own default
    if len(known) == 1:
        return known.pop()
    msg = (
        f"weights of {model} are published for images that are normalised in {len(known)} ways, and a file does not say"
        f" in which: say statistics={'|'.join(NAMED_STATISTICS)}"
    )
    raise Unavailable(msg)


def activation_note(model: str) -> str:
    """Which GELU a model has, where open_clip has it with either; empty where it has one alone."""
    plain, quick = model.removesuffix("-quickgelu"), f"{model.removesuffix('-quickgelu')}-quickgelu"
    if open_clip.get_model_config(plain) is None or open_clip.get_model_config(quick) is None:
        return ""
    own, other = ("QuickGELU", plain) if model == quick else ("GELU", quick)
    return f"{model} computes with {own}; for weights that were trained with the other kind name the model {other}"


def _require_same_gelu(model: str, tag: str, config: Mapping[str, Any], *, quick: bool) -> None:
    """Raise `Unavailable` where a model and its weights differ in the kind of GELU that they were made for."""
    if quick == bool(config.get("quick_gelu")) or "timm_model_name" in config["vision_cfg"]:
        return
    other = f"{model}-quickgelu" if quick else model.removesuffix("-quickgelu")
    msg = f"weights {tag!r} of {model!r} were trained with the other GELU: name the model {other!r}"
    raise Unavailable(msg)


def pretrained_file(model: str, tag: str) -> WeightFile:
    """The file that open_clip downloads for one of its tags; `UnknownFile` where it has no such model or tag."""
    tags = open_clip.list_pretrained_tags_by_model(model)
    if open_clip.get_model_config(model) is None:
        return UnknownFile(model, _no_such_model(model))
    if tag not in tags:
        return UnknownFile(f"{model} {tag}", _no_such_source(model, tag, tags))
    repository, _, file = open_clip.get_pretrained_cfg(model, tag).get("hf_hub", "").rpartition("/")
    return HubFile(repository, (file,) if file else OPEN_CLIP_FILES)


def _no_such_model(model: str) -> str:
    """The message for a model that open_clip does not have."""
    near = get_close_matches(model, open_clip.list_models(), n=1)
    hint = f": did you mean {near[0]}?" if near else ": open_clip.list_models() names them"
    return f"open_clip {open_clip.__version__} has no model {model!r}{hint}"


def _no_such_source(model: str, source: str, tags: Sequence[str]) -> str:
    """The message for what is neither a file nor a tag of a model."""
    return f"{source!r} is neither a file nor a tag of {model}, which has {', '.join(tags) or 'none'}"


def _local_file(model: str, source: str, tags: Sequence[str]) -> HashedFile:
    if not Path(source).is_file():
        raise Unavailable(_no_such_source(model, source, tags))
    return hashed_file(Path(source))


def meta_tower(config: Mapping[str, Any]) -> nn.Module:
    """The image tower of open_clip's configuration of a model, on the meta device: without weights."""
    with torch.device("meta"):
        network: nn.Module = _build_vision_tower(
            int(config["embed_dim"]), dict(config["vision_cfg"]), bool(config.get("quick_gelu"))
        )
    return network


def load_tower(tower: ClipTower, runtime: Runtime, *, project: bool = True) -> nn.Module:
    """Build an image tower and load its weights strictly.

    Args:
        tower: The tower.
        runtime: Its device.
        project: Whether a vision transformer keeps the projection of its final embedding.

    Raises:
        WrongWeights: The file does not hold exactly this tower, alone or under "visual." in a whole model.
    """
    network = meta_tower(tower.config)
    tensors = read(tower.weights)
    image = {name.removeprefix("visual."): tensor for name, tensor in tensors.items() if name.startswith("visual.")}
    load_strict(network, image or tensors, tower.weights.path)
    if not project:
        network.register_parameter("proj", None)
    return network.requires_grad_(requires_grad=False).eval().to(runtime.device)


def text_embeddings(tower: ClipTower, prompts: Sequence[str]) -> Embeddings:
    """Embed P prompts by the text tower of the same model, as float32 (P, projected), not normalised.

    Raises:
        Unavailable: The model's text tower is one of another library, or does not know a word.
        WrongWeights: The file does not hold exactly this tower, alone or under "text." in a whole model.
    """
    config = dict(tower.config["text_cfg"])
    if "hf_model_name" in config or "hf_tokenizer_name" in config:
        msg = f"{tower.name} reads text with another library's tower: choose a model that reads it with open_clip's"
        raise Unavailable(msg)
    # not on the meta device: its attention mask is a buffer that no file holds
    network: nn.Module = _build_text_tower(tower.projected, config, bool(tower.config.get("quick_gelu")))
    tensors = {
        name.removeprefix("text."): tensor
        for name, tensor in read(tower.weights).items()
        if not name.startswith(("visual.", "logit_"))
    }
    load_strict(network, tensors, tower.weights.path)
    length = int(network.context_length)  # type: ignore[arg-type]
    words = tower.config.get("vocabulary")
    tokenize = open_clip.SimpleTokenizer(context_length=length) if words is None else WordTokenizer(words, length)
    with torch.inference_mode(), deterministic():
        array: Embeddings = network.eval()(torch.as_tensor(tokenize(list(prompts)))).float().numpy()
    return array


class TowerColumns(nn.Module):
    """The columns that are read of a tower: the final embedding, not L2-normalised, then pooled tokens of each block.

    Args:
        network: As `load_tower` gives it.
        tower: The tower.
        pooling: What is read of the tokens.
    """

    def __init__(self, network: nn.Module, tower: ClipTower, pooling: ClipPooling) -> None:
        super().__init__()
        self.network = network
        self.pooling: ClipPooling = pooling if tower.blocks or pooling == "unprojected" else "none"

    def forward(self, images: Tensor) -> Tensor:
        """Columns (N, projected + tokens) of normalised images (N, 3, side, side)."""
        return torch.cat(self._parts(images), 1)

    def _parts(self, images: Tensor) -> list[Tensor]:
        """The final embedding, and the pooled tokens of each block."""
        if self.pooling in {"none", "unprojected"}:
            output = self.network(images)
            return [output[0] if isinstance(output, tuple) else output]
        if self.pooling == "normalised":
            with _outputs([block.ln_2 for block in self.network.transformer.resblocks]) as normalisations:  # type: ignore[union-attr]
                return [self.network(images), *(tokens[:, 0] for tokens in normalisations)]
        outputs: dict[str, Any] = self.network.forward_intermediates(  # type: ignore[operator]
            images, output_fmt="NLC", output_extra_tokens=True
        )
        if self.pooling == "class":
            return [outputs["image_features"], *(tokens[:, 0] for tokens in outputs["image_intermediates_prefix"])]
        return [outputs["image_features"], *token_statistics(outputs["image_intermediates"])]


@contextmanager
def _outputs(modules: Sequence[nn.Module]) -> Iterator[list[Tensor]]:
    """A context in which the outputs of modules are collected, in the order in which they are computed."""
    found: list[Tensor] = []
    hooks = [module.register_forward_hook(lambda _, __, output: found.append(output)) for module in modules]
    try:
        yield found
    finally:
        for hook in hooks:
            hook.remove()
