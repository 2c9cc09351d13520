"""Words of folders that hold no images of a set of their own, of copies, and of what images show."""

from __future__ import annotations

import re
from functools import lru_cache

from bench.images.vocabulary.class_words import words_of
from bench.images.vocabulary.generator_names import CACHED_NAMES

ANNOTATIONS = frozenset({
    "annoations", "annotation", "annotations", "depth", "depths", "depth_maps", "edge_maps", "gt", "ground_truth",
    "groundtruth", "heatmaps", "landmarks", "mask", "masks", "saliency", "seg", "segmentation", "segmentations",
})  # fmt: skip
PREVIEWS = frozenset({"assets", "docs", "fig", "figs", "figures", "preview", "previews", "teaser", "thumbnails"})
PLATFORMS = frozenset({
    "discord", "facebook", "fb", "instagram", "qq", "reddit", "telegram", "tiktok", "twitter", "wechat", "weibo",
    "whatsapp", "x",
})  # fmt: skip
UNTOUCHED = frozenset({"clean", "none", "original", "originals", "pre_social", "presocial", "raw", "unperturbed"})
STRENGTH = r"(eps(ilon)?|jpe?g|q|qf|quality|strength|blur|noise|sigma|crf|c|level|scale)[_-]?\d+([._-]\d+)?"
GENERIC = frozenset({
    "batch", "chunk", "class", "classes", "data", "dataset", "datasets", "folder", "frame", "frames", "image", "images",
    "img", "imgs", "part", "picture", "pictures", "sequence", "sequences", "set", "shard", "video", "videos",
})  # fmt: skip
CONTENTS = frozenset({
    "airplane", "animal", "animals", "apple", "art", "bedroom", "bicycle", "bird", "boat", "bottle", "building",
    "buildings", "bus", "car", "cars", "cat", "cats", "chair", "church", "cow", "diningtable", "dog", "dogs", "face",
    "faces", "food", "general", "horse", "indoor", "landscape", "landscapes", "man", "men", "motorbike", "object",
    "objects", "orange", "outdoor", "painting", "paintings", "people", "person", "plants", "portraits", "pottedplant",
    "scene", "scenes", "sheep", "sofa", "summer", "train", "tvmonitor", "uncategorized", "winter", "woman", "women",
    "zebra",
})  # fmt: skip


def _plain(name: str) -> str:
    return "_".join(words_of(name))


@lru_cache(maxsize=CACHED_NAMES)
def is_annotation(name: str) -> bool:
    """Whether a folder holds what describes images: masks, depth, ground truth."""
    words = _plain(name)
    ends = r"(\w+_)?(masks?|gt|ground_?truth)(_(images?|imgs?))?"
    return words in ANNOTATIONS or bool(re.fullmatch(ends, words))


@lru_cache(maxsize=CACHED_NAMES)
def is_preview(name: str) -> bool:
    """Whether a folder holds pictures of a README or of a page."""
    return _plain(name) in PREVIEWS


@lru_cache(maxsize=CACHED_NAMES)
def is_manipulated(name: str) -> bool:
    """Whether a folder holds manipulated images of all kinds, as sets of manipulated faces call their fakes."""
    return "manipulated" in words_of(name) and is_generic(re.sub("manipulated", "images", name.lower()))


@lru_cache(maxsize=CACHED_NAMES)
def is_copy(name: str) -> bool:
    """Whether a folder may hold copies: as a platform returns them, or under an attack or a codec of some strength."""
    known = {_plain(name), name.lower()} & (PLATFORMS | UNTOUCHED)
    return bool(known or re.fullmatch(STRENGTH, name.lower()))


def copy_name(name: str) -> str:
    """What a copy is called: the name of its folder; "" for images to which nothing was done, as `original`."""
    return "" if {_plain(name), name.lower()} & UNTOUCHED else name


@lru_cache(maxsize=CACHED_NAMES)
def is_content(name: str) -> bool:
    """Whether a folder names what its images show, or the platform that they were found on."""
    return name.lower() in CONTENTS | PLATFORMS


@lru_cache(maxsize=CACHED_NAMES)
def is_generic(name: str) -> bool:
    """Whether a folder's name says nothing of its images: `images`, `Dataset`, `part-000001`."""
    words = set(words_of(name))
    return bool(words) and words <= GENERIC


def is_serial(name: str) -> bool:
    """Whether a folder's name is a number of several digits, as of one of many parts: `000`, `00042`."""
    return bool(re.fullmatch(r"\d{2,}", name))


def annotated_name(stem: str) -> str:
    """The stem of the image that a file such as `0001_mask` describes; "" for a file that describes none."""
    found = re.fullmatch(r"(.+?)[_-](mask|gt|depth|seg|edges?)", stem, re.IGNORECASE)
    return found[1] if found else ""
