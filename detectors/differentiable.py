"""The contract of fitted detectors whose score has a gradient: what attacks and maps of saliency read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

from detectors.types import FloatImage

if TYPE_CHECKING:
    from torch import Tensor


@runtime_checkable
class DifferentiableRecipe(Protocol):
    """A recipe that says whether its detectors have a gradient; one that says nothing has none."""

    @property
    def differentiable(self) -> bool:
        """Whether its detectors are `Differentiable`."""


def has_gradient(recipe: object) -> bool:
    """Whether the detectors of a recipe are `Differentiable`."""
    return isinstance(recipe, DifferentiableRecipe) and recipe.differentiable


@runtime_checkable
class DifferentiableEmbedder(Protocol):
    """A frozen network of torch whose embeddings can be differentiated by the pixels of an image.

    Attributes:
        device: Where it computes.
    """

    device: str

    def embed_floats(self, images: Tensor) -> Tensor:
        """As `Embedder.embed` of images (N, 3, H, W) in [0, 1] of any size, without rounding: float32 (N, dim)."""


@runtime_checkable
class Differentiable(Protocol):
    """A fitted detector whose log odds can be differentiated by the pixels of an image.

    A recipe whose detectors are says so as a `DifferentiableRecipe`.
    """

    def odds_and_gradient(self, pixels: FloatImage) -> tuple[float, FloatImage]:
        """Log odds of "generated" for one image, and their gradient.

        The image is shown as by `Detector.prepare`, but that nothing is rounded to 8 bits: of an image whose samples
        are multiples of 1 / 255 the log odds are nearly those of the detector's answer.

        Args:
            pixels: float32 (H, W, 3), RGB in [0, 1], of any size: before the detector's own crop, resize and
                normalisation.

        Returns:
            The log odds, and by how much they rise with each sample, float32 (H, W, 3): 0 for what it does not read.
        """
