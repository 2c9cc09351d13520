"""A subset of a data set in which format, size and JPEG quality no longer tell generated images from real ones.

In the manner of UnbiasedGenImage (Grommelt et al., "Fake or JPEG?", 2024, arXiv 2403.17608), which keeps real images of
one band of sizes and encodes generated ones at a quality drawn from the real ones' histogram. Here every real image is
matched with one generated image of each generator of its pool, of nearly its size; all of them are cropped to the size
that they have in common and encoded at the quality that the real one has. The facts are then equal pair by pair, not
only on average. A real JPEG image is encoded once more, at its own quality and on its own block grid, which changes it
little. Scaling in place of cropping keeps whole pictures, of any sizes, and leaves traces of resampling in the larger
image of a match.

A real image can be in one match alone, so a generator that has few images would leave few to all generators of its
pool. Where more images are kept by it, such a generator is matched by itself, with real images of its own.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench.images.files.description import DESCRIPTION
from bench.images.image_set import ImageSet
from bench.images.quality.inspection import InspectedImages
from bench.platform.errors import InputError
from protocols.degradations.resampling import reduced_size

CALIPERS = (0.0, 0.05, 0.15, 0.5)  # octaves: in one match sizes (root of width times height) differ by 1.41 at most
COLUMNS = ("path", "label", "generator", "split", "content", "source", "degradation")
RowNumbers = NDArray[np.int64]
MatchedPairs = dict[int, int]  # row number of a real image to that of a generated one
MatchBy = Literal["crop", "scale"]  # how the images of a match become of one size


@dataclass(frozen=True)
class _Matcher:
    """Chooses matches by one way of making sizes equal.

    Attributes:
        by: The way.
        where: What messages call the data set.
    """

    by: MatchBy
    where: str

    @property
    def calipers(self) -> tuple[float, ...]:
        """The largest differences of size in a match, in octaves, in the order in which they are tried."""
        return (*CALIPERS, np.inf) if self.by == "scale" else CALIPERS

    def matches(self, pool: str, files: pd.DataFrame) -> Iterator[tuple[str, RowNumbers]]:
        """The pool of real images that each match belongs to, and the row numbers of its images, a real one first.

        Args:
            pool: Name of a pool.
            files: Its images, and those of its generators.

        Raises:
            InputError: A split of a generator is left without images.
        """
        splits = {str(split): rows for split, rows in files.groupby("split") if (rows["label"] == 1).any()}
        pairs = {split: self._pairs_by_generator(pool, split, rows) for split, rows in splits.items()}
        together = _matched_together(list(pairs.values()))
        for split, rows in splits.items():
            real, generated = rows[rows["label"] == 0], rows[rows["label"] == 1]
            for name in sorted(set(pairs[split]) - together, key=lambda name: len(pairs[split][name])):
                own = self._pairs(real, generated[generated["generator"] == name])
                self._require(own, pool, split, name)
                yield from ((name, np.array(pair)) for pair in own.items())
                real = real.drop(list(own))
            shared = [self._pairs(real, group) for name, group in generated.groupby("generator") if name in together]
            if not shared:
                continue
            common = sorted(set.intersection(*map(set, shared)))
            self._require(common, pool, split, ", ".join(sorted(together)))
            yield from ((pool, np.array([row, *(one[row] for one in shared)])) for row in common)

    def _pairs_by_generator(self, pool: str, split: str, files: pd.DataFrame) -> dict[str, MatchedPairs]:
        """How each generator alone could be matched with the pool in one split."""
        real, generated = files[files["label"] == 0], files[files["label"] == 1]
        pairs = {str(name): self._pairs(real, rows) for name, rows in generated.groupby("generator")}
        for name, found in pairs.items():
            self._require(found, pool, split, name)
        return pairs

    def _pairs(self, real: pd.DataFrame, generated: pd.DataFrame) -> MatchedPairs:
        """Real row to generated row: those of nearly one size first, then the others with larger calipers."""
        real_sizes, generated_sizes = _sizes(real), _sizes(generated)
        pairs: MatchedPairs = {}
        for caliper in self.calipers:
            rest = generated_sizes.drop(list(pairs.values()))
            pairs |= _pairs_within(caliper, real_sizes.drop(list(pairs)), rest)
        return pairs

    def _require(self, found: Collection[int], pool: str, split: str, generators: str) -> None:
        if not found:
            size = "" if self.by == "scale" else " and is of nearly its size (a factor of 1.41)"
            more = "" if self.by == "scale" else ", or match by scaling (--match-by scale)"
            msg = (
                f"{self.where}: in the {split} split, no real image of {pool} is left that can be matched with a "
                f"generated one of {generators}{size}; add real images{more}"
            )
            raise InputError(msg)

    def chain(self, files: pd.DataFrame) -> str:
        """The degradations that give a match one size and one encoding: its lowest JPEG quality, or PNG for none."""
        sizes = files[["width", "height"]].to_numpy(np.int64)
        side = int(sizes.min())
        scaling = f"lr:{side}+" if self.by == "scale" and (sizes.min(axis=1) > side).any() else ""
        if scaling:
            sizes = np.array([reduced_size(width, height, side) for width, height in sizes.tolist()])
        width, height = sizes.min(axis=0)
        quality = files.loc[files["nearest_quality"] >= 0, "nearest_quality"].min()
        encoding = "png" if np.isnan(quality) else f"jpeg{quality:.0f}"
        return f"{scaling}crop:{width}x{height}+canonical:{encoding}"


def matched_subset(inspected: InspectedImages, by: MatchBy = "crop") -> pd.DataFrame:
    """Choose the images and the degradation of each.

    Args:
        inspected: A data set all of whose files can be used.
        by: How the images of a match become of one size.

    Returns:
        Rows of the image set's table that were chosen, with `degradation` filled in, in the order of their names; the
        real images that a generator has to itself have its name as `generator`. Which images are chosen depends on
        sizes and content hashes alone, not on names or order.

    Raises:
        InputError: A split of a generator is left without images.
    """
    files = inspected.table.assign(hash=inspected.records["hash"])
    sides = files["width"] * files["height"] if by == "crop" else files[["width", "height"]].min(axis=1) ** 2
    files["octave"] = np.log2(sides) / 2
    matcher = _Matcher(by, inspected.images.files.where)
    chains: dict[int, str] = {}
    pools = files["generator"].copy()
    for pool, group in files.groupby(_pool_of(files, inspected.images.pools)):
        for owner, rows in matcher.matches(str(pool), group):
            chains |= dict.fromkeys(rows.tolist(), matcher.chain(files.loc[rows]))
            pools[rows[0]] = owner
    table = inspected.images.table.assign(generator=pools).loc[sorted(chains)]
    joined = [_chain(old, chains[row]) for row, old in zip(sorted(chains), table["degradation"], strict=True)]
    return table.assign(degradation=joined).reset_index(drop=True)


def _pool_of(files: pd.DataFrame, pools: Mapping[str, str]) -> pd.Series[str]:
    """The pool of each image: its own, or that of its generator."""
    return files["generator"].where(files["label"] == 0, files["generator"].map(pools)).rename("pool")


def _matched_together(splits: Sequence[Mapping[str, MatchedPairs]]) -> set[str]:
    """Which generators of a pool are matched together: the largest ones, as many as keep the most images.

    Args:
        splits: By split, how each generator alone could be matched with the pool.
    """
    sizes: Counter[str] = Counter()
    for pairs in splits:
        sizes.update({name: len(found) for name, found in pairs.items()})
    ordered = [name for name, _ in sizes.most_common()]
    choices = [set(ordered[: count + 1]) for count in range(len(ordered))]
    return max(choices, key=lambda together: (sum(_kept(pairs, together) for pairs in splits), len(together)))


def _kept(pairs: Mapping[str, MatchedPairs], together: set[str]) -> float:
    """About how many images are kept in one split where these generators are matched together; minus infinity for none.

    The others are matched first, each with real images of its own.
    """
    apart = sum(len(found) for name, found in pairs.items() if name not in together)
    shared = [set(found) for name, found in pairs.items() if name in together]
    if not shared:
        return 2 * apart
    common = len(set.intersection(*shared)) - apart
    return 2 * apart + (len(shared) + 1) * common if common > 0 else -np.inf


def _sizes(files: pd.DataFrame) -> pd.Series[float]:
    """Sizes in octaves in ascending order; ties by content, so that the order does not depend on names."""
    return files.sort_values(["octave", "hash"])["octave"]


def _pairs_within(caliper: float, real: pd.Series[float], generated: pd.Series[float]) -> MatchedPairs:
    """As many pairs as there can be whose sizes differ by no more than a caliper; both come in ascending order."""
    pairs: MatchedPairs = {}
    rows, sizes = generated.index.to_numpy(), generated.to_numpy()
    position = 0
    for row, size in zip(real.index.to_numpy(), real.to_numpy(), strict=True):
        while position < len(sizes) and sizes[position] < size - caliper:
            position += 1
        if position < len(sizes) and sizes[position] <= size + caliper:
            pairs[int(row)] = int(rows[position])
            position += 1
    return pairs


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
