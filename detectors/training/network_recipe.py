"""Recipes of detectors that are one trained network: a subclass says which network, shown how, trained how.

What a family of networks needs is a table, `variants`: for each setting the network, its view, its plan and where
pretrained weights come from. Fitting, restoring, strict loading of published checkpoints and the options of transfer
learning stand here, once for all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

from detectors.api import Detector, Recipe, Runtime, Setting, State, TrainSet, Unavailable, Variant
from detectors.architectures.initial_weights import on_meta_device, random_init
from detectors.preprocessing.augmentation import View
from detectors.training.pairing import Pairs
from detectors.training.plan import Plan
from detectors.weight_file import HashedFile, WeightFile, hashed_file
from detectors.weights.files import LocalFile
from detectors.weights.loading import from_state, load_strict, read

if TYPE_CHECKING:
    from torch import Tensor, nn


@dataclass(frozen=True, kw_only=True)
class NetworkVariant(Variant):
    """A network of one setting, how it is shown images, and how it is trained.

    Attributes:
        view: How it is shown an image.
        network: Makes it, with the weights that it draws for itself; imports torch when it is called, not before. It
            takes float32 (N, 3, H, W), normalised as the view says, and gives log odds (N, 1), or (N, 2) logits of
            which `generated_output` (an attribute of the network, else 1) is "generated".
        plan: How it is trained.
        start: Pretrained weights that training goes on from; None for those that it draws.
        published: Whether published checkpoints are of this network.
        pairs: Which images stand side by side in a batch, unless the user says otherwise.
    """

    view: View
    network: Callable[[], nn.Module]
    plan: Plan
    start: WeightFile | None = None
    published: bool = False
    pairs: Pairs = "none"


@dataclass(frozen=True)
class NetworkRecipe(Recipe):
    """A network that is trained.

    Attributes:
        start: Path of weights to go on from instead of the variant's own, such as those of a detector that was fitted
            on another generator.
        tune: Which weights learn: "all" of them; the "top" alone, the first of `stages`; or "staged", one more of
            `stages` every epoch, then all.
        curriculum: Generators from easy to hard. Epoch by epoch the images of one more generator join in, with the
            real ones from the start; empty: all of them always.
        pairs: Whether a real image and a generated twin stand side by side in every batch, seen through one crop:
            twins of one "source", or images of the same "content" where no data says more; None is the family's own.
    """

    start: str | None = field(default=None, metadata={"file": True})
    tune: Literal["all", "top", "staged"] = "all"
    curriculum: tuple[str, ...] = ()
    pairs: Pairs | None = None

    checkpoint: ClassVar[str | None] = None  # where published checkpoints nest their tensors
    stages: ClassVar[tuple[tuple[str, ...], ...]] = (("fc",),)  # names of parts of the network, the top first
    variants: ClassVar[Mapping[Setting, NetworkVariant]]

    @property
    def single_threaded_fit(self) -> bool:
        """Whether the training computes with one thread."""
        return self.plan().threads == 1

    @property
    def pairing(self) -> Pairs:
        """Which images stand side by side, the user's choice first."""
        return self.pairs or self.variant.pairs

    def own_weight_files(self) -> tuple[WeightFile, ...]:
        """The weights that fitting starts from: the user's, or the variant's own where it has some."""
        if self.start is not None:
            return (LocalFile(Path(self.start)),)
        return () if self.variant.start is None else (self.variant.start,)

    @property
    def view(self) -> View:
        """How the network is shown an image in this setting."""
        return self.variant.view

    def plan(self) -> Plan:
        """How it is trained in this setting."""
        return self.variant.plan

    def network(self) -> nn.Module:
        """The network of this setting, with the weights that it draws for itself."""
        return self.variant.network()

    def build(self) -> nn.Module:
        """The network on the meta device, without weights, which is quicker."""
        return on_meta_device(self.network)

    def initial_weights(self, network: nn.Module, seed: int) -> tuple[dict[str, Tensor], object]:
        """The weights that training starts from, and where they come from. Raises `Unavailable`."""
        for source in self.weight_files():
            return self.warm_start(network, source.get(), seed)
        return random_init(self.network, seed), "random weights"

    def warm_start(self, network: nn.Module, weights: HashedFile, seed: int) -> tuple[dict[str, Tensor], object]:
        """A start made of weights that were read; a family that replaces its last layer says so here."""
        del network, seed
        return read(weights, self.checkpoint), weights.path

    def input_statistics(self, train: TrainSet, seed: int, runtime: Runtime) -> dict[str, Tensor]:
        """Weights that are not learnt but measured on the train set, such as mean and variance of an input."""
        del train, seed, runtime
        return {}

    def fit(self, train: TrainSet, seed: int, runtime: Runtime) -> Detector:
        """Train on `train`.

        Raises:
            Unavailable: The weights to start from are not here, or twins are wanted and no image has one.
            ValueError: Fewer than two images of a class.
        """
        from detectors.training import loop
        from detectors.training.fine_tuning import FineTuning
        from detectors.training.network_detector import NetworkDetector

        network = self.build()
        tensors, source = self.initial_weights(network, seed)
        load_strict(network, tensors | self.input_statistics(train, seed, runtime), source)
        tuning = FineTuning(self.tune, self.stages, self.curriculum, self.pairing)
        history = loop.train(network, train, self.view, self.plan(), seed, runtime, tuning)
        return NetworkDetector(network, self.view, runtime, history)

    def restore(self, state: State, runtime: Runtime) -> Detector:
        """The detector with these weights."""
        from detectors.training.network_detector import NetworkDetector

        network = self.build()
        from_state(network, state)
        return NetworkDetector(network, self.view, runtime)

    def load(self, weights: Path, runtime: Runtime) -> Detector:
        """Load a published checkpoint strictly.

        Raises:
            Unavailable: There is no such file, or the paper published no checkpoint of this setting's network.
            WrongWeights: The file holds anything more, less or else.
        """
        from detectors.training.network_detector import NetworkDetector

        if not self.variant.published:
            settings = [setting for setting, one in self.variants.items() if one.published]
            if not settings:
                return super().load(weights, runtime)
            msg = f"published {self.card.title} checkpoints belong to the {settings[0]} setting: load them there"
            raise Unavailable(msg)
        network, file = self.build(), hashed_file(weights)
        load_strict(network, self.renamed(read(file, self.checkpoint)), weights)
        return NetworkDetector(network, self.view, runtime)

    def renamed(self, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
        """The tensors of a published checkpoint under the names of `build`'s network."""
        return tensors
