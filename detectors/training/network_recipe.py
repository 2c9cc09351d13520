"""Recipes of detectors that are one trained network: a subclass states the network, its view and its training.

What a method needs is a table, `variants`: for each setting the network, its view, its plan and where
pretrained weights come from. Fitting, restoring, strict loading of published checkpoints and the options of transfer
learning are the same for all and implemented here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

from detectors.api import Array, Detector, Recipe, Runtime, Setting, State, TrainSet, Unavailable, Variant
from detectors.architectures.support.initial_weights import on_meta_device, random_init
from detectors.epochs import FineTunable, TrainedInEpochs
from detectors.network_kinds import UsesBackend
from detectors.preprocessing.augmentation import FloatView, View
from detectors.training.pairing import Pairs
from detectors.training.plan import Plan
from detectors.training.schedules import StepSchedule
from detectors.training.stages import Stages
from detectors.types import NetworkKind
from detectors.weight_file import HashedFile, WeightFile, hashed_file
from detectors.weights.files import LocalFile
from detectors.weights.loading import load_state, load_strict
from detectors.weights.reading import read

if TYPE_CHECKING:
    from torch import Tensor, nn


NORMALISED_PIXELS = "8-bit pixels, normalised in float32"
FINE_TUNING_EPOCHS = 10
FINE_TUNING_FACTOR = 0.1  # of the rate of fine-tuning to the first rate of the training


@dataclass(frozen=True, kw_only=True)
class NetworkVariant(Variant):
    """A network of one setting, its view of images, and its training.

    Attributes:
        view: How an image is shown to it.
        network: Makes it, with randomly initialised weights; imports torch when it is called, not before. It takes
            float32 (N, 3, H, W), normalised by the view's statistics, and gives log odds (N, 1), or (N, 2) logits of
            which `generated_output` (an attribute of the network, else 1) is "generated".
        stages: Its parts in the order in which "staged" tuning adds them, the top first; each names a parameter.
        plan: How it is trained.
        start: Pretrained weights that training starts from; None for random ones.
        published: Whether there are published checkpoints of this network.
        pairs: Which images are put into one batch, unless the user chooses.
        kind: Of the network: by it a backend is chosen.
    """

    view: View
    network: Callable[[], nn.Module]
    stages: Stages
    plan: Plan
    start: WeightFile | None = None
    published: bool = False
    pairs: Pairs = "none"
    front_end: str = NORMALISED_PIXELS
    kind: NetworkKind = "convolutional"


@dataclass(frozen=True)
class NetworkRecipe(Recipe, TrainedInEpochs, FineTunable, UsesBackend):
    """A network that is trained.

    Attributes:
        start: Path of weights to start from instead of the variant's own, such as those of a detector that was fitted
            on another generator.
        tune: Which weights are trained: "all" of them; the "top" alone, the first of the variant's `stages`; or
            "staged", one more of them every epoch, then all.
        curriculum: Generators from easy to hard. Every epoch the images of one more generator are added, with the real
            ones from the start; empty: all of them always.
        pairs: Whether every batch pairs real and generated images, cropped alike: of one "source", or of the same
            "content" where the data has no sources; None is the variant's own.
    """

    start: str | None = field(default=None, metadata={"file": True})
    tune: Literal["all", "top", "staged"] = "all"
    curriculum: tuple[str, ...] = ()
    pairs: Pairs | None = None

    fit_reads_outputs = False
    variants: ClassVar[Mapping[Setting, NetworkVariant]]

    @property
    def key(self) -> str:
        """As that of every recipe; a staged training depends on the variant's stages as well, which are no option.

        Of the first stage, which "top" trains, the card's version tells.
        """
        key = super().key
        return f"{key}.{sha256(repr(self.variant.stages).encode()).hexdigest()[:8]}" if self.tune == "staged" else key

    @property
    def differentiable(self) -> bool:
        """Whether its view has a gradient, and the images are shown by that view."""
        return isinstance(self.view, FloatView) and self.input == "published"

    @property
    def own_network_kinds(self) -> frozenset[NetworkKind]:
        """The variant's kind."""
        return frozenset({self.variant.kind})

    @property
    def single_threaded_fit(self) -> bool:
        """Whether the training computes with one thread."""
        return self.plan.threads == 1

    @property
    def most_epochs(self) -> int:
        """As the plan says."""
        return self.plan.epochs

    def untrained(self, runtime: Runtime) -> Detector:
        """The network with random weights."""
        tensors = random_init(self.network, 0)
        return self.restore({name: tensor.numpy() for name, tensor in tensors.items()}, runtime)

    @property
    def pairing(self) -> Pairs:
        """Which images are put into one batch: the user's choice, else the variant's."""
        return self.pairs or self.variant.pairs

    def own_weight_files(self) -> tuple[WeightFile, ...]:
        """The weights that fitting starts from: the user's, else the variant's if it has any."""
        if self.start is not None:
            return (LocalFile(Path(self.start)),)
        return () if self.variant.start is None else (self.variant.start,)

    @property
    def view(self) -> View:
        """How an image is shown to the network in this setting."""
        return self.variant.view

    @property
    def plan(self) -> Plan:
        """How it is trained in this setting."""
        return self.variant.plan

    def network(self) -> nn.Module:
        """The network of this setting, with randomly initialised weights."""
        return self.variant.network()

    def build(self) -> nn.Module:
        """The network on the meta device, without weights: quicker where they are loaded anyway."""
        return on_meta_device(self.network)

    def build_for(self, tensors: Mapping[str, Tensor | Array]) -> nn.Module:
        """As `build`, of the size that these weights are of where a recipe class has several published ones.

        Args:
            tensors: All weights of the network by name, of its state or of a published checkpoint.
        """
        del tensors
        return self.build()

    def initial_weights(self, network: nn.Module, seed: int) -> tuple[dict[str, Tensor], object]:
        """The weights that training starts from by name, and their origin for messages. Raises `Unavailable`."""
        for file in self.weight_files():
            return self.warm_start(network, file.get(), seed)
        return random_init(self.network, seed), "random weights"

    def warm_start(self, network: nn.Module, weights: HashedFile, seed: int) -> tuple[dict[str, Tensor], object]:
        """The weights that training starts from, made of those of a file; a recipe class may replace layers here.

        Args:
            network: From `build`.
            weights: The file.
            seed: Draws the weights of new layers.

        Returns:
            The weights by name, and their origin for messages.
        """
        del network, seed
        return read(weights), weights.path

    def input_statistics(self, train: TrainSet, seed: int, runtime: Runtime) -> dict[str, Tensor]:
        """Tensors that are not trained but measured on the train set, such as mean and variance of an input."""
        del train, seed, runtime
        return {}

    def fit(self, train: TrainSet, seed: int, runtime: Runtime) -> Detector:
        """Train on `train`.

        Raises:
            Unavailable: The weights to start from are missing, or pairs are asked for and there is none.
            ValueError: Fewer than two images of a class.
        """
        from detectors.training import loop
        from detectors.training.fine_tuning import FineTuning
        from detectors.training.network_detector import NetworkDetector

        network = self.build()
        tensors, origin = self.initial_weights(network, seed)
        load_strict(network, tensors | self.input_statistics(train, seed, runtime), origin)
        tuning = FineTuning(self.tune, self.variant.stages, self.curriculum, self.pairing)
        history = loop.train(network, train, self.view, self.plan, seed, runtime, tuning)
        return NetworkDetector(network, self.view, runtime, history, self.variant.kind)

    @property
    def fine_tuning_plan(self) -> Plan:
        """The training's own optimiser and batch, for `FINE_TUNING_EPOCHS` at a constant tenth of its first rate.

        Nothing is held out of a few images, so the last weights are kept.
        """
        schedule = StepSchedule(self.plan.schedule.rate * FINE_TUNING_FACTOR)
        return replace(self.plan, schedule=schedule, epochs=FINE_TUNING_EPOCHS, validation=0.0)

    @property
    def fine_tuning(self) -> str:
        """The plan of it."""
        return repr(self.fine_tuning_plan)

    @property
    def fine_tuning_epochs(self) -> int:
        """As its plan says."""
        return self.fine_tuning_plan.epochs

    def fine_tune(self, fitted: State, further: TrainSet, seed: int, runtime: Runtime) -> Detector:
        """Train the weights that `tune` names on further images alone, by `fine_tuning_plan`.

        A few images do not tell the statistics of all: those of batch normalisation, and of a measured input, stay as
        they were fitted, and nothing is dropped out. Images are augmented as in the training, and not paired.
        """
        from detectors.training import loop
        from detectors.training.fine_tuning import FineTuning
        from detectors.training.network_detector import NetworkDetector

        network = self.build_for(fitted)
        load_state(network, fitted)
        tuning = FineTuning("top" if self.tune == "top" else "all", self.variant.stages, evaluation_mode=True)
        history = loop.train(network, further, self.view, self.fine_tuning_plan, seed, runtime, tuning)
        return NetworkDetector(network, self.view, runtime, history, self.variant.kind)

    def restore(self, state: State, runtime: Runtime) -> Detector:
        """The detector with these weights."""
        from detectors.training.network_detector import NetworkDetector

        network = self.build_for(state)
        load_state(network, state)
        return NetworkDetector(network, self.view, runtime, kind=self.variant.kind)

    def load(self, weights: Path, runtime: Runtime) -> Detector:
        """Load a published checkpoint strictly.

        Raises:
            Unavailable: There is no such file, or the paper published no checkpoint of this setting's network.
            WrongWeights: The file does not hold exactly the weights of this network.
        """
        from detectors.training.network_detector import NetworkDetector

        if not self.variant.published:
            settings = [setting for setting, variant in self.variants.items() if variant.published]
            if not settings:
                return super().load(weights, runtime)
            msg = f"published {self.card.title} checkpoints belong to the {settings[0]} setting: load them there"
            raise Unavailable(msg)
        file = hashed_file(weights)
        network = self.build_for(read(file))
        tensors = self.checkpoint_tensors(read(file, network.state_dict()), file)
        load_strict(network, tensors, weights)
        return NetworkDetector(network, self.view, runtime, kind=self.variant.kind)

    def checkpoint_tensors(self, tensors: dict[str, Tensor], file: HashedFile) -> dict[str, Tensor]:
        """All weights of the network from those of a published checkpoint: the same by default.

        Args:
            tensors: Those of the file, by name.
            file: The file, whose content may tell what its tensors do not.
        """
        del file
        return tensors
