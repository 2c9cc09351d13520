"""What a data set holds and what is wrong with it, told before a run and recorded with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from bench.images.quality.duplicates import Duplicates, find_duplicates
from bench.images.quality.inspection import Inspection

CLASSES = {0: "real", 1: "generated"}
GROUP = ("generator", "split", "label")


@dataclass(frozen=True)
class Census:
    """The census of an image set.

    Attributes:
        groups: One row per generator or pool, split and class: `generator`, `split`, `class`, `images`, `formats` and
            `modes` (dicts of counts), `width`, `height`, `short_side` (dicts of min, median, max), `quality` (the same,
            of the JPEG files; empty where there are none), `bytes_per_pixel` (the same), `exif`, `profile` (counts).
        excluded: Columns `name` and `reason`: files that cannot be used by any detector.
        duplicates: Images that stand in it more than once.
        notes: What a reader of results should know, from the layout.
        warnings: What a reader of results must know: leakage, contradictions, what is missing or excluded.
        ignored: Files that are no images, by suffix.
    """

    groups: pd.DataFrame
    excluded: pd.DataFrame
    duplicates: tuple[Duplicates, ...]
    notes: tuple[str, ...]
    warnings: tuple[str, ...]

    @property
    def images(self) -> int:
        """The number of images that can be used."""
        return int(self.groups["images"].sum())

    def to_json(self) -> dict[str, Any]:
        """Everything, ready for JSON."""
        return {
            "images": self.images,
            "groups": self.groups.to_dict(orient="records"),
            "excluded": self.excluded.to_dict(orient="records"),
            "duplicates": [one._asdict() for one in self.duplicates],
            "notes": list(self.notes),
            "warnings": list(self.warnings),
        }


def take_census(inspection: Inspection) -> Census:
    """Count an inspected image set; files that cannot be used are counted as excluded and nowhere else."""
    excluded = inspection.unreadable
    sound = inspection.sound()
    groups = [_group(key, files) for key, files in sound.facts.groupby(list(GROUP), sort=False)]
    duplicates = tuple(find_duplicates(sound))
    images = inspection.images
    warnings = [*_excluded(excluded), *map(_duplicate, duplicates), *_missing(images.missing)]
    table = pd.DataFrame(groups, columns=list(_COLUMNS))
    return Census(table, excluded, duplicates, images.notes, tuple(filter(None, warnings)))


_COLUMNS = (
    *("generator", "split", "class", "images", "formats", "modes", "width", "height", "short_side"),
    *("quality", "bytes_per_pixel", "exif", "profile"),
)


def _group(key: Any, files: pd.DataFrame) -> dict[str, Any]:  # noqa: ANN401 - as pandas gives the key of a group
    generator, split, label = key
    pixels = files["width"] * files["height"]
    return {
        "generator": generator,
        "split": split,
        "class": CLASSES[label],
        "images": len(files),
        "formats": _counts(files["format"]),
        "modes": _counts(files["mode"]),
        "width": _spread(files["width"]),
        "height": _spread(files["height"]),
        "short_side": _spread(files[["width", "height"]].min(axis=1)),
        "quality": _spread(files.loc[files["quality"] >= 0, "quality"]),
        "bytes_per_pixel": _spread(files["bytes"] / pixels),
        "exif": int(files["exif"].sum()),
        "profile": int((files["profile"] != "").sum()),
    }


def _counts(values: pd.Series[Any]) -> dict[str, int]:
    return {str(value): int(count) for value, count in values.value_counts().items()}


def _spread(values: pd.Series[Any]) -> dict[str, float]:
    """Least, median and most; empty for no values."""
    if not len(values):
        return {}
    return {"min": float(values.min()), "median": float(values.median()), "max": float(values.max())}


def _excluded(excluded: pd.DataFrame) -> list[str]:
    if not len(excluded):
        return []
    first = excluded.iloc[0]
    which = (
        f"such as {first['name']} ({first['reason']})" if len(excluded) > 1 else f"{first['name']} ({first['reason']})"
    )
    return [f"{len(excluded)} files cannot be used and were excluded for every detector: {which}"]


def _missing(missing: Mapping[str, int]) -> list[str]:
    return [f"the data set lists {count} {what}, which are not there" for what, count in missing.items() if count]


def _duplicate(one: Duplicates) -> str:
    """A warning, or "" where a duplicate is nothing to warn of."""
    example = " and ".join(one.example)
    same = "the very file" if one.what == "exact" else "nearly the same image"
    if one.across == "splits":
        return (
            f"leakage: {one.images} images outside of the train split have {same} in another split, such as {example}"
        )
    if one.across == "classes" and one.what == "exact":
        return f"contradiction: {one.images} files are called real and generated, such as {example}"
    return ""
