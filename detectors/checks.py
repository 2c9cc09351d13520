"""Contract checks for any detector: call `check(recipe)`, or run `CHECKS` one by one as test cases.

Authors of plug-ins call these from their own tests; no test framework is needed.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from copy import copy
from dataclasses import Field, replace
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from types import UnionType
from typing import Any, Literal, Union, cast, get_args, get_origin, get_type_hints

import numpy as np

from detectors import catalogue
from detectors.api import (
    Array,
    Detector,
    Embedder,
    Embeddings,
    Image,
    Labels,
    Probe,
    Recipe,
    Rows,
    Runtime,
    Sample,
    Scores,
)
from detectors.card import SETTINGS
from detectors.differentiable import Differentiable, has_gradient
from detectors.identity import options_of
from detectors.types import Facts, read_only

UNDECIDED = 0.5
STEP = 1e-4  # of samples in [0, 1]: networks of kinks are straight so near, and single precision still tells
SLOPE_TOLERANCE = 0.2  # of what the gradient says: some samples pass a kink
TOLERANCE = 1e-5  # between a batch and its images one by one: matrix products may round differently


class ContractViolation(AssertionError):
    """A detector that breaks the contract. The message says which clause, and what was found."""


def _require(condition: object, clause: str, found: object = "") -> None:
    if not condition:
        msg = f"{clause}; seen: {found}" if str(found) else clause
        raise ContractViolation(msg)


def sample(pixels: Image) -> Sample:
    """A sample of these pixels, uint8 (H, W, 3), with the facts of an uncompressed file."""
    return Sample(pixels, Facts("RAW", pixels.shape[1], pixels.shape[0], pixels.nbytes))


def texture(name: str, height: int = 128, width: int = 128) -> Image:
    """A smooth random image, uint8 (height, width, 3), seeded with its name: each call gives an array of its own."""
    return _drawn_texture(name, height, width).copy()


@lru_cache(maxsize=512)
def _drawn_texture(name: str, height: int, width: int) -> Image:
    """The same, drawn once: checks ask for the same few images again and again."""
    rng = np.random.default_rng(list(sha256(name.encode()).digest()))
    coarse = rng.normal(0, 40, (height // 8 + 2, width // 8 + 2, 3)).repeat(8, 0).repeat(8, 1)[:height, :width]
    return np.clip(128 + coarse + rng.normal(0, 6, coarse.shape), 0, 255).astype(np.uint8)


class ToyTrainSet:
    """A tiny train set: "generated" images carry a faint checkerboard, as some upsamplers leave."""

    def __init__(self, size: int = 48) -> None:
        self.names: Sequence[str] = [f"toy/{index:04d}.png" for index in range(size)]
        self.labels: Labels = np.arange(size, dtype=np.int64) % 2
        self.labels.flags.writeable = False  # as those of the harness
        self.generators: Sequence[str] = ["checkerboard" if label else "" for label in self.labels]
        self.sources: Sequence[str] = [str(index // 2) for index in range(size)]
        self.contents: Sequence[str] = ["texture"] * size

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, index: int) -> Sample:
        pixels = texture(self.names[index])
        if self.labels[index]:
            pixels[::2, ::2] = np.clip(pixels[::2, ::2].astype(int) + 12, 0, 255)
        return sample(pixels)

    def embed(self, embedder: Embedder) -> Embeddings:
        """Embeddings of all images, float32 (N, dim); nothing is cached."""
        return embedder.embed([embedder.prepare(self[index]) for index in range(len(self))])

    def scores(self, detector: Detector) -> Scores:
        """Scores of all images, float32 (N,); nothing is cached."""
        return detector.score([detector.prepare(self[index]) for index in range(len(self))])

    def part(self, rows: Rows) -> ToyTrainSet:
        """The images at these positions, in this order."""
        part = copy(self)
        part.labels = self.labels[np.asarray(rows, np.int64)]
        part.labels.flags.writeable = False
        for column in ("names", "generators", "sources", "contents"):
            setattr(part, column, [getattr(self, column)[row] for row in rows])
        return part


def _score(detector: Detector, images: Sequence[Image]) -> Scores:
    return detector.score([detector.prepare(sample(image)) for image in images])


def _odd_images() -> list[Image]:
    rgb = texture("odd", 96, 96)
    grey = np.ascontiguousarray(np.broadcast_to(rgb[:, :, :1], rgb.shape))
    sizes = ((1, 1), (31, 47), (2, 300), (60, 4000))
    return [texture(f"odd{height}x{width}", height, width) for height, width in sizes] + [grey, rgb[:, ::-1]]


def card_is_complete(recipe: Recipe, detector: Detector, train: ToyTrainSet) -> None:
    """Card and variants are complete, each setting has one, and the key names detector, version and setting."""
    del detector, train
    _require(not recipe.card.missing(), "every field of a card is filled", recipe.card.missing())
    _require(set(recipe.variants) == set(SETTINGS), "there is a variant for each setting", sorted(recipe.variants))
    for setting, variant in recipe.variants.items():
        empty = [f"{setting}: {name}" for name in variant.missing()]
        _require(not empty, "every field of a variant is filled", empty)
        stated = variant.size is None or variant.front_end
        _require(stated, "a network's front end and its precision are stated", setting)
    expected = f"{recipe.card.name}.{recipe.card.version}.{recipe.setting}"
    _require(recipe.key.startswith(expected), f"a recipe's key starts with {expected}", recipe.key)


def options_change_the_key(recipe: Recipe, detector: Detector, train: ToyTrainSet) -> None:
    """Another setting or another value of any option gives another key: their fits are never confused."""
    del detector, train
    keys = {replace(recipe, setting=setting).key for setting in SETTINGS}
    _require(len(keys) == len(SETTINGS), "another setting gives another key", recipe.key)
    hints = get_type_hints(type(recipe))
    for option in options_of(recipe):
        changed = _with_changed_option(recipe, option, hints[option.name])
        clause = f"another value of the option {option.name} gives another key"
        _require(changed.key != recipe.key, clause, f"{getattr(changed, option.name)!r} gives {changed.key}")
        _require(changed.key == replace(changed).key, "a key depends on the options alone", changed.key)


def _with_changed_option(recipe: Recipe, option: Field[Any], hint: object) -> Recipe:
    """The recipe with another value of one option: the first of some candidates that it accepts."""
    current = getattr(recipe, option.name)
    declared = [option.metadata["other"]] if "other" in option.metadata else []
    for value in (*declared, *_candidates(hint)):
        if value == current:
            continue
        try:
            changed = replace(recipe, **{option.name: value})
            changed.key  # noqa: B018 - a composite looks its components up when it makes its key
        except Exception:  # noqa: BLE001, S112 - no value for this option: the next candidate may be one
            continue
        return changed
    msg = f"no other value is known for the option {option.name}: name one in the field's metadata, as 'other'"
    raise ContractViolation(msg)


def _candidates(hint: object) -> Iterator[object]:
    """Values of a type hint, to be tried in this order."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Literal:
        yield from arguments
    elif origin in {Union, UnionType}:
        for argument in arguments:
            yield from _candidates(argument)
    elif origin is tuple:
        for value in _candidates(arguments[0]):
            yield (value,)
    elif hint is str:
        yield from ("another", *catalogue.names())
    else:
        yield from {bool: (True, False), int: (1, 2, 8, 16), float: (0.5, 1.5, 5.0), Path: (Path("another"),)}.get(
            cast("type", hint), ()
        )


def scores_are_probabilities(recipe: Recipe, detector: Detector, train: ToyTrainSet) -> None:
    """Scores are float32 (N,), finite, in [0, 1]."""
    del recipe
    scores = _score(detector, [train[index].pixels for index in range(5)])
    _require(scores.shape == (5,), "scores have shape (N,)", scores.shape)
    _require(scores.dtype == np.float32, "scores are float32", scores.dtype)
    _require(np.isfinite(scores).all() and (scores >= 0).all() and (scores <= 1).all(), "scores are in [0, 1]", scores)


def empty_batch(recipe: Recipe, detector: Detector, train: ToyTrainSet) -> None:
    """No images give no scores."""
    del recipe, train
    scores = detector.score([])
    _require(scores.shape == (0,) and scores.dtype == np.float32, "no images give float32 (0,)", scores)


def odd_inputs(recipe: Recipe, detector: Detector, train: ToyTrainSet) -> None:
    """Any size from 1x1 to 4000 pixels wide, grey content and non-contiguous pixels are scored."""
    del recipe, train
    scores = _score(detector, _odd_images())
    _require(np.isfinite(scores).all(), "odd sizes are scored", scores)


def batch_is_its_images(recipe: Recipe, detector: Detector, train: ToyTrainSet) -> None:
    """A batch of N equals N batches of one, and the order does not matter; of log odds, relative to their size."""
    del recipe
    images = [train[index].pixels for index in range(7)]
    together, reverse = _ordered(detector, images), _ordered(detector, images[::-1])[::-1]
    single = np.concatenate([_ordered(detector, [image]) for image in images])
    for found, clause in ((single, "a batch equals its images"), (reverse, "order is free")):
        fine = np.allclose(found, together, rtol=TOLERANCE, atol=TOLERANCE)
        with np.errstate(invalid="ignore"):  # log odds may be infinite, which is for another check to say
            _require(fine, clause, np.abs(found - together).max())


def _ordered(detector: Detector, images: Sequence[Image]) -> Array:
    """What a detector orders images by: its log odds, else its scores."""
    answer = detector.answer([detector.prepare(sample(image)) for image in images])
    return answer.scores if answer.log_odds is None else answer.log_odds


def log_odds_say_the_same(recipe: Recipe, detector: Detector, train: ToyTrainSet) -> None:
    """Log odds, where there are any, are float32 (N,), finite, and of the scores: 0 is 0.5."""
    from scipy.special import expit

    del recipe
    answer = detector.answer([detector.prepare(train[index]) for index in range(5)])
    if answer.log_odds is None:
        return
    odds = answer.log_odds
    _require(odds.shape == (5,) and odds.dtype == np.float32, "log odds are float32 (N,)", (odds.shape, odds.dtype))
    _require(np.isfinite(odds).all(), "log odds are finite", odds)
    expected = expit(odds.astype(np.float64))
    _require(np.allclose(answer.scores, expected, atol=TOLERANCE), "scores are the probabilities of the log odds", odds)


def gradients_are_of_the_log_odds(recipe: Recipe, detector: Detector, train: ToyTrainSet) -> None:
    """Where a recipe is differentiable, log odds change with the pixels as their gradient says."""
    if not has_gradient(recipe):
        return
    _require(isinstance(detector, Differentiable), "detectors of a differentiable recipe have odds_and_gradient")
    attacked = cast("Differentiable", detector)
    pixels = np.clip(train[1].pixels / 255, 2 * STEP, 1 - 2 * STEP).astype(np.float32)
    before = pixels.copy()
    odds, gradient = attacked.odds_and_gradient(pixels)
    _require((pixels == before).all(), "odds_and_gradient leaves the pixels alone")
    fine = gradient.shape == pixels.shape and gradient.dtype == np.float32 and np.isfinite(gradient).all()
    _require(fine, "a gradient is float32 (H, W, 3) and finite", (gradient.shape, gradient.dtype))
    answer = detector.answer([detector.prepare(train[1])])
    if answer.log_odds is not None:
        _require(abs(odds - answer.log_odds[0]) < 1 + abs(odds), "log odds are nearly those of the answer", odds)
    steepest = np.float32(STEP) * np.sign(gradient)
    above, below = (attacked.odds_and_gradient(shown)[0] for shown in (pixels + steepest, pixels - steepest))
    expected = 2 * STEP * float(np.abs(gradient).sum(dtype=np.float64))
    clause = "log odds change along the gradient by its sum"
    _require(abs(above - below - expected) <= SLOPE_TOLERANCE * expected, clause, (above - below, expected))


def answers_are_not_constant(recipe: Recipe, detector: Detector, train: ToyTrainSet) -> None:
    """Different files get different answers; the same for all is right only where it says "undecided", 0.5."""
    del recipe
    images = [*_odd_images(), *(train[index].pixels for index in range(8))]
    samples = [sample(image) for image in images]
    samples += [replace(one, facts=replace(one.facts, format="JPEG", jpeg_quality=90)) for one in samples]
    first = detector.score([detector.prepare(samples[0])])[0]
    different = (detector.score([detector.prepare(one)])[0] != first for one in reversed(samples))
    # 0.5 for all is the answer of trees that want more images in a leaf than a toy set has
    _require(any(different) or first == UNDECIDED, "different files get different answers", first)


def a_fault_is_no_score(recipe: Recipe, detector: Detector, train: ToyTrainSet) -> None:
    """What cannot be scored raises, or gives NaN, which the harness refuses: a fault never becomes a score."""
    del recipe, train
    try:
        scores = detector.score([cast("Array", None)])
    except Exception:  # noqa: BLE001 - any exception is the right answer
        return
    _require(not np.isfinite(scores).any(), "what cannot be scored gets no score", scores)


def not_a_number_is_no_score(recipe: Recipe, detector: Detector, train: ToyTrainSet) -> None:
    """Learned numbers that are NaN give an exception or NaN, which the harness refuses, and never a score."""
    state = detector.state()
    spoiled = {
        name: np.full_like(array, np.nan) if np.asarray(array).dtype.kind == "f" else array
        for name, array in state.items()
    }
    if not any(np.asarray(array).dtype.kind == "f" and np.size(array) for array in state.values()):
        return
    try:
        with np.errstate(all="ignore"):
            scores = _score(recipe.restore(spoiled, Runtime()), [train[index].pixels for index in range(3)])
    except Exception:  # noqa: BLE001 - any exception is the right answer
        return
    _require(not np.isfinite(scores).any(), "NaN in what was learned is no score", scores)


def inputs_are_left_alone(recipe: Recipe, detector: Detector, train: ToyTrainSet) -> None:
    """Neither `prepare` nor `score` modifies its input: both accept read-only arrays, as a probe does embeddings."""
    del recipe
    sample = train[0]
    pixels_before = sample.pixels.copy()
    prepared = read_only(detector.prepare(sample))
    prepared_before = prepared.copy()
    detector.score([prepared])
    _require((sample.pixels == pixels_before).all(), "prepare leaves the sample alone")
    _require((prepared == prepared_before).all(), "score leaves the batch alone")
    if isinstance(detector, Probe):
        embeddings = read_only(detector.embedder.embed([prepared]))
        embeddings_before = embeddings.copy()
        detector.answer_embeddings(embeddings)
        _require((embeddings == embeddings_before).all(), "a probe leaves embeddings alone")


def scoring_repeats(recipe: Recipe, detector: Detector, train: ToyTrainSet) -> None:
    """The same batch gives the same scores to the last bit."""
    del recipe
    images = [train[index].pixels for index in range(5)]
    _require((_score(detector, images) == _score(detector, images)).all(), "scoring repeats exactly")


def fitting_repeats(recipe: Recipe, detector: Detector, train: ToyTrainSet) -> None:
    """The same images and seed give the same detector to the last bit."""
    again = recipe.fit(train, 0, Runtime())
    _require(same_state(detector.state(), again.state()), "the same images and seed give the same detector")


def restoring_keeps_scores(recipe: Recipe, detector: Detector, train: ToyTrainSet) -> None:
    """A detector restored from its state gives the same scores to the last bit."""
    images = [train[index].pixels for index in range(5)]
    restored = recipe.restore(detector.state(), Runtime())
    _require((_score(detector, images) == _score(restored, images)).all(), "a restored detector scores alike")


def importing_is_light(recipe: Recipe, detector: Detector, train: ToyTrainSet) -> None:
    """Importing the module of the recipe does not import torch."""
    del detector, train
    module = type(recipe).__module__
    code = f"import sys, {module}; sys.exit('torch' in sys.modules)"
    process = subprocess.run([sys.executable, "-c", code], check=False)  # noqa: S603 - our own interpreter and module
    _require(process.returncode == 0, f"importing {module} does not import torch")


def same_state(left: dict[str, Array], right: dict[str, Array]) -> bool:
    """Whether two states hold the same arrays to the last bit."""
    return left.keys() == right.keys() and all(np.array_equal(left[name], right[name]) for name in left)


CHECKS: tuple[Callable[[Recipe, Detector, ToyTrainSet], None], ...] = (
    card_is_complete,
    options_change_the_key,
    scores_are_probabilities,
    empty_batch,
    odd_inputs,
    log_odds_say_the_same,
    gradients_are_of_the_log_odds,
    batch_is_its_images,
    answers_are_not_constant,
    a_fault_is_no_score,
    not_a_number_is_no_score,
    inputs_are_left_alone,
    scoring_repeats,
    fitting_repeats,
    restoring_keeps_scores,
    importing_is_light,
)


def check(recipe: Recipe) -> None:
    """Fit a recipe on a toy train set and run every check. Raises `ContractViolation` at the first that fails."""
    train = ToyTrainSet()
    detector = recipe.fit(train, 0, Runtime())
    for contract_check in CHECKS:
        contract_check(recipe, detector, train)
