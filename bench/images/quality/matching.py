"""A subset of a data set in which format, size and JPEG quality no longer tell generated images from real ones.

In the manner of UnbiasedGenImage (Grommelt et al., "Fake or JPEG?", 2024, arXiv 2403.17608), which keeps real images of
one band of sizes and encodes generated ones at a quality drawn from the real ones' histogram. Here every real image is
put together with one generated image of each generator that it stands against, of nearly its size; all of them are
cropped to the size that they have in common and encoded at the quality that the real one has. Equal facts then follow
pair by pair, not only on average. A real JPEG image is encoded once more, at its own quality and on its own block
grid, which changes it little.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench.images.image_set import ImageSet
from bench.images.quality.inspection import Inspection
from bench.platform.errors import InputError

CALIPERS = (0.0, 0.05, 0.15, 0.5)  # octaves: in one match sizes (root of width times height) differ by 1.41 at most
COLUMNS = ("path", "label", "generator", "split", "content", "source", "degradation")
RowNumbers = NDArray[np.int64]


def matched(inspection: Inspection) -> pd.DataFrame:
    """Choose the images and what is done to each.

    Args:
        inspection: A data set of sound files.

    Returns:
        Rows of the image set's table that were chosen, with `degradation` filled in, in the order of their names. Which
        ones are chosen depends on sizes and content hashes alone, not on names or order.

    Raises:
        InputError: A split of a generator is left without images.
    """
    files = inspection.facts.assign(hash=inspection.files["hash"])
    files["octave"] = np.log2(files["width"] * files["height"]) / 2
    chosen: dict[int, str] = {}
    for (pool, split), group in files.groupby([_pool_of(files, inspection.images.pools), "split"]):
        real = _sorted(group[group["label"] == 0])
        generated = {str(name): _sorted(rows) for name, rows in group[group["label"] == 1].groupby("generator")}
        if not generated:
            continue
        matches = _match(real, generated)
        if not len(matches):
            where = f"{inspection.images.files.where}: in the {split} split, no real image of {pool}"
            msg = f"{where} is of nearly the size of a generated one (a factor of 1.41), so none can be matched"
            raise InputError(msg)
        for rows in matches:
            chosen |= dict.fromkeys(rows.tolist(), _encoding(files.loc[rows]))
    table = inspection.images.table.loc[sorted(chosen)]
    both = [_chain(old, chosen[row]) for row, old in zip(sorted(chosen), table["degradation"], strict=True)]
    return table.assign(degradation=both).reset_index(drop=True)


def _pool_of(files: pd.DataFrame, pools: Mapping[str, str]) -> pd.Series[str]:
    return files["generator"].where(files["label"] == 0, files["generator"].map(pools)).rename("pool")


def _sorted(files: pd.DataFrame) -> pd.DataFrame:
    """By size, ties by content: an order that names do not enter."""
    return files.sort_values(["octave", "hash"])


def _match(real: pd.DataFrame, generated: Mapping[str, pd.DataFrame]) -> list[RowNumbers]:
    """Row numbers that belong together: a real image and one of each generator, as many as there can be."""
    taken = {name: _nearest(real["octave"], rows["octave"]) for name, rows in generated.items()}
    common = sorted(set.intersection(*(set(pairs) for pairs in taken.values())))
    return [np.array([row, *(taken[name][row] for name in taken)]) for row in common]


def _nearest(real: pd.Series[float], generated: pd.Series[float]) -> dict[int, int]:
    """Real row to generated row: those of nearly one size first, then what is left over with more tolerance."""
    pairs: dict[int, int] = {}
    for caliper in CALIPERS:
        rest = generated.drop(list(pairs.values()))
        pairs |= _within(caliper, real.drop(list(pairs)), rest)
    return pairs


def _within(caliper: float, real: pd.Series[float], generated: pd.Series[float]) -> dict[int, int]:
    """As many pairs as there can be whose sizes differ by no more; both come in order of size."""
    pairs: dict[int, int] = {}
    rows, sizes = generated.index.to_numpy(), generated.to_numpy()
    place = 0
    for row, size in zip(real.index.to_numpy(), real.to_numpy(), strict=True):
        while place < len(sizes) and sizes[place] < size - caliper:
            place += 1
        if place < len(sizes) and sizes[place] <= size + caliper:
            pairs[int(row)] = int(rows[place])
            place += 1
    return pairs


def _encoding(files: pd.DataFrame) -> str:
    """What brings a match to one size and one encoding: the lowest JPEG quality among it, or PNG where none is JPEG."""
    width, height = files["width"].min(), files["height"].min()
    quality = files.loc[files["quality"] >= 0, "quality"].min()
    return f"crop:{width}x{height}+canonical:" + ("png" if np.isnan(quality) else f"jpeg{quality:.0f}")


def _chain(old: str, new: str) -> str:
    return f"{old}+{new}" if old else new


def write_manifest(subset: pd.DataFrame, images: ImageSet, data: str, real: str, folder: Path) -> None:
    """Write the subset as a data set of its own, which names images of the whole one and what is done to them.

    Args:
        subset: As `matched` returns it.
        images: The data set that it was chosen from.
        data: What the user called that data set.
        real: Where the user said its real images lie, or "".
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
        "of": _lasting(data),
        "real": _lasting(real) if real else "",
    }
    (folder / "dataset.json").write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")


def _lasting(data: str) -> str:
    """The same data, whatever the working folder is later."""
    layout, colon, path = data.rpartition(":") if "://" not in data else ("", "", data)
    return layout + colon + (str(Path(path).resolve()) if Path(path).exists() else path)
