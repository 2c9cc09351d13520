"""Classifiers on the final embedding of a frozen CLIP tower that tell generators apart and so real from generated.

Both follow Saland's internship report (SIGMA, CRIStAL, 2024: 18 classes, open_clip's ViT-L-14 with DataComp-1B
weights) and Kilinkarov, Dorin and Grabovoy, "Robust method for detecting machine-generated images" (preprint: 26
classes): one class of real images and one per generator; an image is called generated when its class is. The score is
the probability of the likeliest generator against that of "real" alone: above 0.5 when the class is a generator.

`ClipClasses` is a linear layer with weighted cross-entropy, the weight of a class being the inverse of its frequency,
solved as logistic regression where the papers descend by Adam. So weighted, all classes are as likely beforehand.

`ClipOvo` is one linear SVM per pair of classes. The pairs' probabilities come from Platt slopes and are coupled by the
second method of Wu, Lin and Weng, "Probability Estimates for Multi-class Classification by Pairwise Coupling", JMLR 5,
2004. The report votes instead, which gives no score.

In the small setting both read mean and deviation of each block's image tokens, as `clip_layers` does: the small
CLIP's final embedding says little of a generator.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from detectors.api import Card, Embeddings, Labels, Runtime, Setting, State, TrainSet
from detectors.classifier import Classifier, Probabilities
from detectors.embedders.clip import FINAL, SPREAD, ClipEmbedder
from detectors.embedders.clip_recipe import (
    DATACOMP_LICENCE,
    DATACOMP_TOWER,
    LARGE_TOWER,
    PREPRINT,
    RENDERED_TOWER,
    REPORT,
    SMALL_TOWER,
    ClipRecipe,
    ClipVariant,
)
from detectors.heads.multiclass import ClassRule, PairwiseSvms, Softmax, classes_of, decode_names, encode_names
from detectors.heads.rows import map_rows
from detectors.weights.open_clip import DATACOMP

C = 1.0  # scikit-learn's own
SOFTMAX_BLOCKS_C, SVM_BLOCKS_C = 0.1, 0.01  # by cross-validation on the train split of the embedded corpus


class ClipClassifier(Classifier):
    """A frozen CLIP tower and a rule that gives class probabilities."""

    def __init__(self, embedder: ClipEmbedder, columns: slice, classes: tuple[str, ...], rule: ClassRule) -> None:
        self.embedder = embedder
        self.columns = columns
        self.classes = classes
        self.rule = rule

    def class_probabilities(self, embeddings: Embeddings) -> Probabilities:
        """The probability of each of the `classes` for N embeddings, float32 (N, C)."""
        said = map_rows(self.rule.probabilities, embeddings[:, self.columns], len(self.classes))
        return said.astype(np.float32)

    def state(self) -> State:
        """The rule's arrays and the names of the classes."""
        return {**self.rule.state(), "classes": encode_names(self.classes)}


@dataclass(frozen=True, kw_only=True)
class ClassesVariant(ClipVariant):
    """What a classifier is in one setting.

    Attributes:
        c: Weight of the training errors against the penalty, as in scikit-learn.
    """

    c: float


@dataclass(frozen=True)
class ClassesRecipe(ClipRecipe):
    """What both classifiers share: a subclass gives `card`, `variants`, `learn` and `remember`."""

    published: ClassVar[tuple[str, str]] = DATACOMP
    variants: ClassVar[Mapping[Setting, ClassesVariant]]

    @abstractmethod
    def learn(self, embeddings: Embeddings, members: Labels, seed: int) -> ClassRule:
        """Fit the rule on N final embeddings and the index of each image's class, int64 (N,)."""

    @abstractmethod
    def remember(self, state: State) -> ClassRule:
        """The rule whose `state` this is."""

    def fit(self, train: TrainSet, seed: int, runtime: Runtime) -> ClipClassifier:
        """Fit on the embeddings and generators of `train`. Raises ValueError for fewer than two images of a class."""
        embedder = self.embedder(runtime)
        columns = self.columns(embedder)
        classes, members = classes_of(train)
        rule = self.learn(train.embed(embedder)[:, columns], members, seed)
        return ClipClassifier(embedder, columns, classes, rule)

    def restore(self, state: State, runtime: Runtime) -> ClipClassifier:
        """The classifier whose `state` this is."""
        embedder = self.embedder(runtime)
        rule = self.remember(state)
        return ClipClassifier(embedder, self.columns(embedder), decode_names(state["classes"]), rule)


@dataclass(frozen=True)
class ClipClasses(ClassesRecipe):
    """A linear layer with weighted cross-entropy."""

    card: ClassVar[Card] = Card(
        name="clip_classes",
        family="foundation",
        year=2024,
        version=2,
        title="CLIP + multi-class linear layer",
        paper=f"{PREPRINT}; {REPORT}",
        upstream="none published; open_clip https://github.com/mlfoundations/open_clip (nothing copied)",
        licence=DATACOMP_LICENCE,
    )
    variants: ClassVar[Mapping[Setting, ClassesVariant]] = {
        "paper": ClassesVariant(
            trained_on="head: images and generators of the run's train subset, each class weighted alike;"
            f" {DATACOMP_TOWER}",
            embedder=FINAL,
            reads="final",
            c=C,
            **LARGE_TOWER,
        ),
        "small": ClassesVariant(
            trained_on="head: images and generators of the run's train subset, each class weighted alike;"
            f" {RENDERED_TOWER}",
            shipped=True,
            embedder=SPREAD,
            reads="blocks",
            c=SOFTMAX_BLOCKS_C,
            **SMALL_TOWER,
        ),
    }

    def learn(self, embeddings: Embeddings, members: Labels, seed: int) -> Softmax:
        """Fit the layer; nothing is drawn at random."""
        del seed
        return Softmax.fit(embeddings, members, self.variant.c)

    def remember(self, state: State) -> Softmax:
        """The layer whose `state` this is."""
        return Softmax.from_state(state)


@dataclass(frozen=True)
class ClipOvo(ClassesRecipe):
    """One linear SVM per pair of classes, coupled."""

    card: ClassVar[Card] = Card(
        name="clip_ovo",
        family="foundation",
        year=2024,
        version=2,
        title="CLIP + one-vs-one linear SVMs",
        paper=f"{REPORT}; probabilities after Wu, Lin and Weng, JMLR 5, 2004",
        upstream="none published; open_clip https://github.com/mlfoundations/open_clip (nothing copied)",
        licence=DATACOMP_LICENCE,
    )
    variants: ClassVar[Mapping[Setting, ClassesVariant]] = {
        "paper": ClassesVariant(
            trained_on=f"head: images and generators of the run's train subset; {DATACOMP_TOWER}",
            embedder=FINAL,
            reads="final",
            c=C,
            **LARGE_TOWER,
        ),
        "small": ClassesVariant(
            trained_on=f"head: images and generators of the run's train subset; {RENDERED_TOWER}",
            shipped=True,
            embedder=SPREAD,
            reads="blocks",
            c=SVM_BLOCKS_C,
            **SMALL_TOWER,
        ),
    }

    def learn(self, embeddings: Embeddings, members: Labels, seed: int) -> PairwiseSvms:
        """Fit all pairs; the seed draws the folds of the Platt slopes."""
        return PairwiseSvms.fit(embeddings, members, self.variant.c, seed)

    def remember(self, state: State) -> PairwiseSvms:
        """The pairs whose `state` this is."""
        return PairwiseSvms.from_state(state)
