"""The words that data sets use for real, generated, and train, val or test.

Words for a class are of two kinds. Some do nothing but name one: real, fake, generated. Others may name what is shown,
or just wrap other folders: photos, human, nature. The second kind means real only where nothing around it says
otherwise, which `bench.images.annotations.folder_levels` decides.
"""

from __future__ import annotations

import re
from functools import lru_cache

from bench.images.vocabulary.generator_names import CACHED_NAMES, is_known_generator, normalised

REAL = frozenset({"real", "reals"})
GENERATED = frozenset({"ai", "aigc", "fake", "fakes", "generated", "synthetic", "synth", "synthesized"})
MAYBE_REAL = frozenset({
    "authentic", "camera", "human", "humans", "natural", "nature", "original", "originals", "photo", "photograph",
    "photographs", "photos", "pristine",
})  # fmt: skip
FILLERS = frozenset({
    "class", "data", "dataset", "face", "faces", "folder", "frame", "frames", "image", "images", "img", "imgs", "photo",
    "photos", "picture", "pictures", "sequence", "sequences", "set", "video", "videos",
})  # fmt: skip
SPLITS = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "dev": "val",
    "test": "test",
    "testing": "test",
    "eval": "test",
    "evaluation": "test",
}
PHOTO_SETS = (
    r"ade20k|afhq|celeba|celeba_?hq|cc3m|cc12m|cifar(_?100?)?|(ms_?)?coco|div2k|dresden|ffhq|flickr|imagenet|laion|lfw|"
    r"lsun|metfaces|open_?images|places365|raise|redcaps|utkface|vggface|wikiart"
)
PLAIN_WORDS = REAL | MAYBE_REAL | SPLITS.keys() | FILLERS | {
    "aligned", "crop", "cropped", "full", "hq", "ilsvrc", "jpeg", "jpg", "mini", "png", "px", "raw", "resize",
    "resized", "sample", "samples", "small", "subset", "tiny", "v",
}  # fmt: skip
SIZE = r"\d+(k|m|b|px|x\d+)?"  # 256, 256x256, 1k, 5B
YEAR = r"_?(19|20)\d\d"
NEGATIONS = frozenset({"no", "non", "not", "un"})
THIRD_CLASSES = frozenset({"tampered", "manipulated", "edited", "inpainted", "mixed", "partial"})
UNDECIDED = "real|generated|skip"  # for a user to choose from


@lru_cache(maxsize=CACHED_NAMES)
def words_of(text: str) -> tuple[str, ...]:
    """The words of a name, in lower case and without numbers: `0_real` is `real`, `AiArtData` is `ai art data`."""
    apart = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text)
    return tuple(word for word in re.split(r"[^a-z0-9]+", apart.lower()) if word and not word.isdigit())


@lru_cache(maxsize=CACHED_NAMES)
def label_of_name(name: str) -> int | None:
    """0 for a name that does nothing but say real, 1 for one that does nothing but say generated, None for others."""
    words = set(words_of(name))
    for label, known in ((0, REAL), (1, GENERATED)):
        if words & known and words <= known | FILLERS | SPLITS.keys():
            return label
    return None


def guessed_class(name: str) -> str:
    """What a name probably means, for a suggestion: the class of its words, or all there are."""
    words = set(words_of(name))
    real, generated = bool(words & REAL), bool(words & GENERATED)
    if real == generated or words & NEGATIONS:
        return UNDECIDED
    return "real" if real else "generated"


@lru_cache(maxsize=CACHED_NAMES)
def may_be_real(name: str) -> bool:
    """Whether a name means real images where nothing around it says otherwise: `photos`, `coco_val2017`, `nature`."""
    words = set(words_of(name))
    if words & (MAYBE_REAL | REAL) and words <= MAYBE_REAL | REAL | FILLERS:
        return True
    return _photo_set(name) is True


@lru_cache(maxsize=CACHED_NAMES)
def is_unsure(name: str) -> bool:
    """Whether a name may be of either class.

    `imagenet_dit`, `real_vis_xl` and `RealArt` begin as real ones, `not_ai` says no, `tampered` is a third class.
    """
    words = words_of(name)
    denied = bool(set(words) & NEGATIONS and set(words) & (REAL | GENERATED))
    if denied or (len(words) > 1 and words[0] in REAL and _begins_as_real(name)):
        return True
    return _photo_set(name) is None or is_third_class(name)


def is_third_class(name: str) -> bool:
    """Whether a name is that of images that are neither as taken nor wholly generated: `tampered`."""
    return normalised(name) in THIRD_CLASSES


def _begins_as_real(name: str) -> bool:
    """Whether a name whose first word is real goes on with what is neither plain, nor a class, nor a generator."""
    says_more = not (may_be_real(name) or is_known_generator(name) or GENERATED & set(words_of(name)))
    return says_more and label_of_name(name) is None


def _photo_set(folder: str) -> bool | None:
    """Whether a name is that of a set of photographs; None where it begins so, and the rest is unknown."""
    name = normalised(folder)
    known = rf"(?<![a-z])({PHOTO_SETS})(?![a-z])"
    if GENERATED & set(name.split("_")) or is_known_generator(folder):
        return False
    if not re.match(rf"real(?![a-z])|{known}", name):
        return False
    rest = re.sub(known, "", name).split("_")
    plain = all(re.fullmatch(SIZE, word) or word.rstrip("0123456789") in PLAIN_WORDS | {""} for word in rest)
    return True if plain else None


def label_of(value: object) -> int | None:
    """0 or 1 of a text that stands for a class, None for anything else; numbers stand for none."""
    if not isinstance(value, str):
        return None
    label = label_of_name(value)
    return 0 if label is None and may_be_real(value) else label


@lru_cache(maxsize=CACHED_NAMES)
def split_word(name: str) -> str:
    """The split that a name is the word of, in any case and with a year (`val2017`); "" where it says more, or none.

    `PublicTest` and `PrivateTest`, the two tests of competitions, are words of one split.
    """
    return SPLITS.get(re.sub(rf"^(public|private)_?(?=test)|({YEAR}|_?set)$", "", normalised(name)), "")


@lru_cache(maxsize=CACHED_NAMES)
def filled_split(name: str) -> str:
    """The split whose word stands among words that say nothing, as in `train_images`; "" for a split word alone."""
    others = {word for word in words_of(name) if not split_word(word)}
    return "" if split_word(name) or not others <= FILLERS else held_split(name)


def held_split(name: str) -> str:
    """The one split whose word a name holds, whatever else it says: "train" of `DF40_train`; "" for none or several."""
    splits = {split_word(word) for word in words_of(name)} - {""}
    return split_word(name) or (splits.pop() if len(splits) == 1 else "")


def split_of_class(name: str) -> str:
    """The split that a class word names besides: "train" of `real_train`; "" for none."""
    splits = {SPLITS[word] for word in words_of(name) if word in SPLITS}
    return splits.pop() if len(splits) == 1 and label_of_name(name) is not None else ""


def holds_split_word(name: str) -> bool:
    """Whether a name holds a split word and more, such as `DF40_train`: it is not taken as a split."""
    return not split_word(name) and bool(SPLITS.keys() & set(words_of(name)))
