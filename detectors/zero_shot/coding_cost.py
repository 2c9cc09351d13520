"""Bits that a lossless coder spends on an image, against bits that it expects to spend; no generated image is needed.

Cozzolino, Poggi, Nießner and Verdoliva, "Zero-Shot Detection of AI-Generated Images" (ZED), ECCV 2024, arXiv
2409.15875. A coder of real images predicts a distribution for every pixel from the image at half size and from pixels
coded before. At level l (0 is the image, 1 its half) the gap D(l) is the cost of the actual pixels less the entropy of
their distributions, in bits per coded value: near 0 for images like those it was trained on. The paper compares four
statistics: D(0), Delta01 = D(0) - D(1), and the absolute values of both; `statistic` chooses. By default it is
|Delta01| in the paper setting, and D(0) in the small one, whose coder has two levels and whose D(1) is mostly noise.

The coder is SReC of Cao, Wu and Krähenbühl, 2020, arXiv 2004.02872 and https://github.com/caoscott/SReC: means of 2x2
blocks, rounded, with two bits for the rounding error; then top left, top right and bottom left pixel, each a
mixture of logistics; the fourth follows. The scheme, the mixtures and the dependence between channels are SReC's, and
in the paper setting 3 levels, 64 channels, 5 residual blocks, 10 components, crops of 128, Adam at 1e-4, 50 epochs.

Where this departs:
- The authors take SReC as it was trained on Open Images. Those weights cannot be had here, so a coder is trained on the
  real images of the train set. It is a model of those reals, not of photographs at large; generated images of the train
  set are never opened.
- A quarter of the real images is held out for the decision. Absolute values are taken from their mean and not from 0,
  for a small coder is biased; and the score is 0.5 where one in ten of them would be called generated, a threshold that
  needs no generated image either. The score is a logistic function of the distance beyond it, in deviations.
- No features pass between levels, the mixture is read by a 1x1 convolution in place of three dilated ones, locations
  are predicted as offsets from the block's mean, and the rate rises and falls once over the training.
- "distance", which is not in the paper: the Mahalanobis distance of (D(0), D(1)).

An image is never enlarged unless it has less than 16 pixels: enlarged images are cheap to code, and the score would
depend on the size. The small setting is a coder of 38,000 weights with 2 levels, trained on crops of 32 pixels.
"""

# Why these numbers: bits per coded value of level 0 and 1, trained on 150 real images of the embedded corpus, on the 50
# others, one seed: 1.77 and 2.72. At half the rate 1.78 and 2.79; there, a residual block more 1.76 and 2.77 for a
# fifth more time. One component in place of two, in 450 steps of 16 crops: 1.85 and 2.83 against 1.77 and 2.76.

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from detectors.api import (
    Array,
    Card,
    Detector,
    Recipe,
    Runtime,
    Sample,
    Scores,
    Setting,
    Size,
    State,
    TrainSet,
    Variant,
)
from detectors.architectures.support.initial_weights import on_meta_device, random_init
from detectors.epochs import TrainedInEpochs
from detectors.training.loader import shuffled
from detectors.weights.loading import load_state, load_strict, to_state
from detectors.zero_shot.coder_plan import PAPER_PLAN, SMALL_PLAN, CoderPlan, NativeSquareView
from detectors.zero_shot.gap_threshold import RealImageStatistics, Statistic

if TYPE_CHECKING:
    from torch import nn

HELD_OUT_SHARE = 0.25  # of the real images: the coder is not trained on them
MIN_HELD_OUT = 10  # a tenth of fewer is not one image
MIN_REAL_IMAGES = 2 * MIN_HELD_OUT
STATISTICS_PREFIX = "reals."  # in a state, of the names of the statistics of real images


@dataclass(frozen=True, kw_only=True)
class CodingVariant(Variant):
    """The detector in one setting.

    Attributes:
        plan: The coder and how it is trained.
        statistic: What is scored unless the user chooses.
    """

    plan: CoderPlan
    statistic: Statistic


class CodingDetector(Detector):
    """A coder and the statistics of real images that it was not trained on."""

    def __init__(
        self,
        network: nn.Module,
        reals: RealImageStatistics,
        statistic: Statistic,
        view: NativeSquareView,
        runtime: Runtime,
        history: Sequence[Mapping[str, float]] = (),
    ) -> None:
        self.history = tuple(history)
        self._network = network
        self._reals = reals
        self._statistic = statistic
        self._view = view
        self._runtime = runtime

    def prepare(self, sample: Sample) -> Array:
        """The centre, uint8 (s, s, 3): s is a multiple of 8 and differs between images."""
        return self._view.test(sample.pixels)

    def score(self, batch: Sequence[Array]) -> Scores:
        """Scores of N prepared arrays, float32 (N,)."""
        from detectors.zero_shot.coder_training import coding_gaps

        return self._reals.decide(self._statistic, coding_gaps(self._network, batch, self._runtime))

    def state(self) -> State:
        """The coder's weights, and the real images' centre, scaling and threshold."""
        statistics = {STATISTICS_PREFIX + name: value.copy() for name, value in vars(self._reals).items()}
        return to_state(self._network) | statistics


VARIANT = CodingVariant(
    trained_on="the real images of the train subset alone: SReC's weights, trained on Open Images, cannot be had",
    input_size="up to 512x512",
    input_policy="largest centred square up to that size, its side a multiple of 8, nothing resampled; images of less"
    " than 16 pixels are enlarged bilinearly",
    size=Size(3_440_952, 98.4),
    front_end="8-bit pixels and their halved images, in float32",
    notes="decides against one in ten real images called generated, so accuracy cannot pass 95 %",
    plan=PAPER_PLAN,
    statistic="abs_delta01",
)


@dataclass(frozen=True)
class CodingCost(Recipe, TrainedInEpochs):
    """Recipe of a coder of real images.

    Attributes:
        statistic: The statistic that is scored: "abs_delta01", "delta01", "abs_d0" or "d0" of the paper, or "distance";
            None is the variant's.
    """

    statistic: Statistic | None = None

    card: ClassVar[Card] = Card(
        name="coding_cost",
        family="zero-shot",
        year=2024,
        version=2,
        title="Coding cost (ZED)",
        paper="Cozzolino et al., Zero-Shot Detection of AI-Generated Images, ECCV 2024, arXiv 2409.15875; coder: Cao et"
        " al., Lossless Image Compression through Super-Resolution, 2020, arXiv 2004.02872",
        upstream="https://github.com/grip-unina/ZED (no code there); coder: https://github.com/caoscott/SReC (nothing"
        " copied)",
        licence="Apache-2.0 (own implementation)",
    )
    variants: ClassVar[Mapping[Setting, CodingVariant]] = {
        "paper": VARIANT,
        "small": replace(
            VARIANT,
            input_size="up to 128x128",
            size=Size(38_160, 0.0966),
            notes=f"{VARIANT.notes}. Calls generated what costs more than the coder expects: smooth or enlarged images"
            " pass for real. Area under the curve on the embedded corpus, mean of three seeds: it sees cascade (.89),"
            " ldm_a and ldm_c (.81), pixdiff (.77) and vq (.75), and hardly ldm_b and gan_tconv (.68) and gan_ps (.65)",
            plan=SMALL_PLAN,
            statistic="d0",
        ),
    }

    @property
    def single_threaded_fit(self) -> bool:
        """Whether the training computes with one thread."""
        return self.training_threads == 1

    @property
    def training_threads(self) -> int | None:
        """As the plan says."""
        return self.plan.threads

    @property
    def plan(self) -> CoderPlan:
        """The coder of this setting and how it is trained."""
        return self.variant.plan

    @property
    def most_epochs(self) -> int:
        """As the plan says."""
        return self.plan.epochs

    @property
    def scored_statistic(self) -> Statistic:
        """The user's choice, else that of this setting."""
        return self.statistic or self.variant.statistic

    @property
    def view(self) -> NativeSquareView:
        """How an image is shown to the coder."""
        return NativeSquareView(self.plan.side, self.plan.crop)

    def network(self) -> nn.Module:
        """The coder, with randomly initialised weights."""
        from detectors.architectures.lossless_coder import Coder

        return Coder(self.plan.levels, self.plan.width, self.plan.depth, self.plan.components)

    def fit(self, train: TrainSet, seed: int, runtime: Runtime) -> CodingDetector:
        """Train the coder on real images and take its statistics on others.

        Raises:
            ValueError: Fewer than 20 real images.
            FloatingPointError: The loss is no longer finite.
        """
        from detectors.zero_shot import coder_training

        fitting, held_out = split_real_images(train, seed)
        network = on_meta_device(self.network)
        load_strict(network, random_init(self.network, seed), "random weights")
        history = coder_training.train(network, train.part(fitting), self.view, self.plan, seed, runtime)
        images = [self.view.test(train[index].pixels) for index in held_out]
        reals = RealImageStatistics.fit(self.scored_statistic, coder_training.coding_gaps(network, images, runtime))
        return CodingDetector(network, reals, self.scored_statistic, self.view, runtime, history)

    def restore(self, state: State, runtime: Runtime) -> CodingDetector:
        """The detector whose `state` this is."""
        from detectors.architectures.support.forward_pass import on_device

        network = on_meta_device(self.network)
        statistics = {name: value for name, value in state.items() if name.startswith(STATISTICS_PREFIX)}
        load_state(network, {name: value for name, value in state.items() if name not in statistics})
        reals = RealImageStatistics(
            **{name.removeprefix(STATISTICS_PREFIX): value for name, value in statistics.items()}
        )
        return CodingDetector(on_device(network, runtime).eval(), reals, self.scored_statistic, self.view, runtime)


def split_real_images(train: TrainSet, seed: int) -> tuple[list[int], list[int]]:
    """Indices of real images to train on and of those held out, chosen by name whatever the order.

    Raises:
        ValueError: Fewer than 20 real images.
    """
    reals = np.flatnonzero(train.labels == 0).tolist()
    if len(reals) < MIN_REAL_IMAGES:
        msg = f"coding_cost learns from real images and needs at least {MIN_REAL_IMAGES}, found {len(reals)}: give more"
        raise ValueError(msg)
    ranked = shuffled(reals, train.names, f"{seed}/aside")
    count = max(MIN_HELD_OUT, round(HELD_OUT_SHARE * len(reals)))
    return ranked[count:], ranked[:count]
