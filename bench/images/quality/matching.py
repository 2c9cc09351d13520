"""A subset of a data set in which format, size and JPEG quality no longer tell generated images from real ones.

In the manner of UnbiasedGenImage (Grommelt et al., "Fake or JPEG?", 2024, arXiv 2403.17608), which keeps real images of
one band of sizes and encodes generated ones at a quality drawn from the real ones' histogram. Here every real image is
matched with one generated image of each generator of its pool, of nearly its size; all of them are cropped to the size
that they have in common and encoded at the quality that the real one has. The facts are then equal pair by pair, not
only on average. A real JPEG image is encoded once more, at its own quality and on its own block grid, which changes it
little.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench.images.files.description import DESCRIPTION
from bench.images.image_set import ImageSet
from bench.images.quality.inspection import InspectedImages
from bench.platform.errors import InputError

CALIPERS = (0.0, 0.05, 0.15, 0.5)  # octaves: in one match sizes (root of width times height) differ by 1.41 at most
COLUMNS = ("path", "label", "generator", "split", "content", "source", "degradation")
RowNumbers = NDArray[np.int64]


def matched_subset(inspected: InspectedImages) -> pd.DataFrame:
    """Choose the images and the degradation of each.

    Args:
        inspected: A data set all of whose files can be used.

    Returns:
        Rows of the image set's table that were chosen, with `degradation` filled in, in the order of their names. Which
        ones are chosen depends on sizes and content hashes alone, not on names or order.

    Raises:
        InputError: A split of a generator is left without images.
    """
    files = inspected.table.assign(hash=inspected.records["hash"])
    files["octave"] = np.log2(files["width"] * files["height"]) / 2
    chosen: dict[int, str] = {}
    for (pool, split), group in files.groupby([_pool_of(files, inspected.images.pools), "split"]):
        generated = group[group["label"] == 1]
        if not len(generated):
            continue
        matches = _matches(group[group["label"] == 0], generated)
        if not len(matches):
            where = f"{inspected.images.files.where}: in the {split} split, no real image of {pool}"
            msg = f"{where} is of nearly the size of a generated one (a factor of 1.41), so none can be matched"
            raise InputError(msg)
        for rows in matches:
            chosen |= dict.fromkeys(rows.tolist(), _encoding(files.loc[rows]))
    table = inspected.images.table.loc[sorted(chosen)]
    chains = [_chain(old, chosen[row]) for row, old in zip(sorted(chosen), table["degradation"], strict=True)]
    return table.assign(degradation=chains).reset_index(drop=True)


def _pool_of(files: pd.DataFrame, pools: Mapping[str, str]) -> pd.Series[str]:
    """The pool of each image: its own, or that of its generator."""
    return files["generator"].where(files["label"] == 0, files["generator"].map(pools)).rename("pool")


def _matches(real: pd.DataFrame, generated: pd.DataFrame) -> list[RowNumbers]:
    """Row numbers of each match: a real image and one of each generator; as many matches as there can be."""
    sizes = _sizes(real)
    pairs = {str(name): _pairs(sizes, _sizes(rows)) for name, rows in generated.groupby("generator")}
    common = sorted(set.intersection(*map(set, pairs.values())))
    return [np.array([row, *(pairs[name][row] for name in pairs)]) for row in common]


def _sizes(files: pd.DataFrame) -> pd.Series[float]:
    """Sizes in octaves in ascending order; ties by content, so that the order does not depend on names."""
    return files.sort_values(["octave", "hash"])["octave"]


def _pairs(real: pd.Series[float], generated: pd.Series[float]) -> dict[int, int]:
    """Real row to generated row: those of nearly one size first, then the others with larger calipers."""
    pairs: dict[int, int] = {}
    for caliper in CALIPERS:
        rest = generated.drop(list(pairs.values()))
        pairs |= _pairs_within(caliper, real.drop(list(pairs)), rest)
    return pairs


def _pairs_within(caliper: float, real: pd.Series[float], generated: pd.Series[float]) -> dict[int, int]:
    """As many pairs as there can be whose sizes differ by no more than a caliper; both come in ascending order."""
    pairs: dict[int, int] = {}
    rows, sizes = generated.index.to_numpy(), generated.to_numpy()
    position = 0
    for row, size in zip(real.index.to_numpy(), real.to_numpy(), strict=True):
        while position < len(sizes) and sizes[position] < size - caliper:
            position += 1
        if position < len(sizes) and sizes[position] <= size + caliper:
            pairs[int(row)] = int(rows[position])
            position += 1
    return pairs


def _encoding(files: pd.DataFrame) -> str:
    """The chain that gives a match one size and one encoding: its lowest JPEG quality, or PNG where none is JPEG."""
    width, height = files["width"].min(), files["height"].min()
    quality = files.loc[files["quality"] >= 0, "quality"].min()
    return f"crop:{width}x{height}+canonical:" + ("png" if np.isnan(quality) else f"jpeg{quality:.0f}")


def _chain(old: str, new: str) -> str:
    return f"{old}+{new}" if old else new


def write_manifest(subset: pd.DataFrame, images: ImageSet, data: str, real: str, folder: Path) -> None:
    """Write the subset as a data set of its own, which lists images of the whole one and their degradations.

    Args:
        subset: As `matched_subset` returns it.
        images: The data set that it was chosen from.
        data: What the user called that data set.
        real: Path or URL of its real images, as the user gave it; "" for none.
        folder: A new folder.

    Raises:
        InputError: The folder is there already, and not empty.
    """
    if folder.exists() and any(folder.iterdir()):
        msg = f"{folder} is there already; give a new folder for the manifest"
        raise InputError(msg)
    folder.mkdir(parents=True, exist_ok=True)
    subset.rename(columns={"name": "path"})[list(COLUMNS)].to_csv(folder / "manifest.csv", index=False)
    facts: dict[str, Any] = {
        "title": f"{images.title}, matched",
        "version": images.version,
        "families": {name: images.families[name] for name in images.generators},
        "of": _absolute(data),
        "real": _absolute(real) if real else "",
    }
    (folder / DESCRIPTION).write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")


def _absolute(data: str) -> str:
    """The name of a data set with an absolute path, which the working folder does not change."""
    layout, colon, path = data.rpartition(":") if "://" not in data else ("", "", data)
    return layout + colon + (str(Path(path).resolve()) if Path(path).exists() else path)
