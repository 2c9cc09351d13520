"""Classifiers of generators on the final embedding of a frozen CLIP tower, which thereby detect generated images.

Both follow Saland's internship report (SIGMA, CRIStAL, 2024: 18 classes, open_clip's ViT-L-14 with DataComp-1B
weights) and Kilinkarov, Dorin and Grabovoy, "Robust method for detecting machine-generated images" (preprint: 26
classes): one class of real images and one per generator; an image is called generated when its class is. The score is
the probability of the likeliest generator against that of "real" alone: above 0.5 when the class is a generator.

`ClipClasses` is a linear layer with weighted cross-entropy, the weight of a class being the inverse of its frequency,
solved as logistic regression where the papers train with Adam. So weighted, all classes are equally likely a priori.

`ClipOvo` is one linear SVM per pair of classes. The pairs' probabilities come from Platt slopes and are coupled by the
second method of Wu, Lin and Weng, "Probability Estimates for Multi-class Classification by Pairwise Coupling", JMLR 5,
2004. The report votes instead, which gives no score.

In the small setting both read mean and deviation of each block's image tokens, as `clip_layers` does: a little more is
left of a generator there than in the final embedding of the small CLIP.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from detectors.api import Card, Embeddings, Labels, Runtime, Setting, State, TrainSet
from detectors.classifier import Classifier, Probabilities
from detectors.embedders.clip import FINAL_EMBEDDING, TOKEN_STATISTICS, ImageTowerEmbedder
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

    def __init__(self, embedder: ImageTowerEmbedder, columns: slice, classes: tuple[str, ...], rule: ClassRule) -> None:
        self.embedder = embedder
        self.columns = columns
        self.classes = classes
        self.rule = rule

    def class_probabilities(self, embeddings: Embeddings) -> Probabilities:
        """The probability of each of the `classes` for N embeddings, float32 (N, C)."""
        probabilities = map_rows(self.rule.probabilities, embeddings[:, self.columns], len(self.classes))
        return probabilities.astype(np.float32)

    def state(self) -> State:
        """The rule's arrays and the names of the classes."""
        return {**self.rule.state(), "classes": encode_names(self.classes)}


@dataclass(frozen=True, kw_only=True)
class ClassifierVariant(ClipVariant):
    """A classifier in one setting.

    Attributes:
        c: Weight of the training errors against the penalty, as in scikit-learn.
    """

    c: float


@dataclass(frozen=True)
class ClassifierRecipe(ClipRecipe):
    """A classifier on a CLIP tower: a subclass gives `card`, `variants`, `fit_rule` and `restore_rule`."""

    paper_weights: ClassVar[tuple[str, str]] = DATACOMP
    names_generators: ClassVar[bool] = True
    variants: ClassVar[Mapping[Setting, ClassifierVariant]]

    @abstractmethod
    def fit_rule(self, embeddings: Embeddings, members: Labels, seed: int) -> ClassRule:
        """Fit the rule.

        Args:
            embeddings: float32 (N, D).
            members: The index of each image's class, int64 (N,).
            seed: Of whatever is random.
        """

    @abstractmethod
    def restore_rule(self, state: State) -> ClassRule:
        """The rule with this state."""

    def fit(self, train: TrainSet, seed: int, runtime: Runtime) -> ClipClassifier:
        """Fit on the embeddings and generators of `train`. Raises ValueError for fewer than two images of a class."""
        embedder = self.embedder(runtime)
        columns = self.columns(embedder)
        classes, members = classes_of(train)
        rule = self.fit_rule(train.embed(embedder)[:, columns], members, seed)
        return ClipClassifier(embedder, columns, classes, rule)

    def restore(self, state: State, runtime: Runtime) -> ClipClassifier:
        """The classifier with this state."""
        embedder = self.embedder(runtime)
        rule = self.restore_rule(state)
        return ClipClassifier(embedder, self.columns(embedder), decode_names(state["classes"]), rule)


@dataclass(frozen=True)
class ClipClasses(ClassifierRecipe):
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
    variants: ClassVar[Mapping[Setting, ClassifierVariant]] = {
        "paper": ClassifierVariant(
            trained_on="head: images and generators of the run's train subset, each class weighted alike;"
            f" {DATACOMP_TOWER}",
            embedder=FINAL_EMBEDDING,
            embedding_part="final",
            c=C,
            **LARGE_TOWER,
        ),
        "small": ClassifierVariant(
            trained_on="head: images and generators of the run's train subset, each class weighted alike;"
            f" {RENDERED_TOWER}",
            shipped=True,
            embedder=TOKEN_STATISTICS,
            embedding_part="blocks",
            c=SOFTMAX_BLOCKS_C,
            **SMALL_TOWER,
        ),
    }

    def fit_rule(self, embeddings: Embeddings, members: Labels, seed: int) -> Softmax:
        """Fit the layer; nothing is random."""
        del seed
        return Softmax.fit(embeddings, members, self.variant.c)

    def restore_rule(self, state: State) -> Softmax:
        """The layer with this state."""
        return Softmax.from_state(state)


@dataclass(frozen=True)
class ClipOvo(ClassifierRecipe):
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
    variants: ClassVar[Mapping[Setting, ClassifierVariant]] = {
        "paper": ClassifierVariant(
            trained_on=f"head: images and generators of the run's train subset; {DATACOMP_TOWER}",
            embedder=FINAL_EMBEDDING,
            embedding_part="final",
            c=C,
            **LARGE_TOWER,
        ),
        "small": ClassifierVariant(
            trained_on=f"head: images and generators of the run's train subset; {RENDERED_TOWER}",
            shipped=True,
            embedder=TOKEN_STATISTICS,
            embedding_part="blocks",
            c=SVM_BLOCKS_C,
            **SMALL_TOWER,
        ),
    }

    def fit_rule(self, embeddings: Embeddings, members: Labels, seed: int) -> PairwiseSvms:
        """Fit all pairs; the seed draws the folds of the Platt slopes."""
        return PairwiseSvms.fit(embeddings, members, self.variant.c, seed)

    def restore_rule(self, state: State) -> PairwiseSvms:
        """The SVMs with this state."""
        return PairwiseSvms.from_state(state)
