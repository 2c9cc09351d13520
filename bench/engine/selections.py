"""The images of a run: every distinct content once, and the images of each subset that cells name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property
from hashlib import sha256

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from bench.engine.caching.embedding_files import Hashes
from bench.engine.source_draw import drawn_images
from bench.images.assembly import with_base_degradation
from bench.images.corpus_files import mending
from bench.images.decoding.decoder import UnreadableImage
from bench.images.image_set import ImageSet, TooFewImages
from bench.images.quality.file_records import HASH_BYTES
from bench.images.quality.inspection import InspectedImages
from bench.platform.files import TextColumn, digest
from detectors.api import Rows, Sample
from protocols.api import NONE, DegradedImages, Subset
from protocols.degradations import parse_degradation

DataVariant = tuple[str, str, DegradedImages]  # a data set, and the degradation of which of its images
Positions = NDArray[np.int64]  # (N,), positions among the distinct images of a run


def unique_positions(parts: Iterable[Positions]) -> Positions:
    """All these positions without repetitions, in the order of their first appearance."""
    distinct = {id(part): part for part in parts}.values()  # thousands of requests may share one array
    positions = np.concatenate([np.zeros(0, np.int64), *distinct])
    _, first = np.unique(positions, return_index=True)
    return positions[np.sort(first)]


@dataclass(frozen=True)
class DistinctImages:
    """Every distinct image of a run, whatever names, subsets and data sets share it.

    Attributes:
        sets: The image sets that they are read from.
        hashes: Content hash of each, uint8 (M, 32), in ascending order.
        owners: Position of its image set, int64 (M,).
        rows: Its row in that set, int64 (M,).
    """

    sets: tuple[ImageSet, ...]
    hashes: Hashes
    owners: Positions
    rows: Positions

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, position: int) -> Sample:
        """Decode an image. Raises `OSError`, and `UnreadableImage` also where its file is another than was hashed."""
        images, row = self.sets[int(self.owners[position])], int(self.rows[position])
        data = images.encoded(row)
        if _content_hash(sha256(data).digest(), images.degradations[row]) != self.hashes[position].tobytes():
            where = images.where(images.names[row])
            raise UnreadableImage(where, f"its content is another than was checked: {mending(images)}")
        return images.decoded(row, data)

    def only(self, positions: Positions) -> DistinctImages:
        """Some of them, positions (N,) each once and ascending, to be sent to another process without the others."""
        owners, rows, sets, starts = self.owners[positions], self.rows[positions].copy(), [], []
        for owner in np.unique(owners).tolist():
            mine = owners == owner
            sets.append(self.sets[owner].select(rows[mine]).to_be_sent())
            rows[mine] = np.arange(int(mine.sum()))
            starts.append(owner)
        return DistinctImages(tuple(sets), self.hashes[positions], np.searchsorted(starts, owners), rows)

    def where(self, position: int) -> str:
        """How messages name one image."""
        images = self.sets[int(self.owners[position])]
        return images.where(images.names[int(self.rows[position])])


def _find_distinct(sets: Sequence[ImageSet], hashes: Sequence[Hashes]) -> tuple[DistinctImages, list[Positions]]:
    """The distinct images of some sets, and by set the position (N,) of each row among them.

    Args:
        sets: Image sets.
        hashes: Content hashes of each set, uint8 (N, 32).
    """
    content = np.ascontiguousarray(np.concatenate(hashes)) if hashes else np.zeros((0, HASH_BYTES), np.uint8)
    _, first, inverse = np.unique(content.view(f"V{HASH_BYTES}").ravel(), return_index=True, return_inverse=True)
    sizes = [len(images) for images in sets]
    owners = np.repeat(np.arange(len(sets)), sizes)
    rows = np.concatenate([np.arange(size) for size in sizes]) if sizes else np.zeros(0, np.int64)
    pool = DistinctImages(tuple(sets), content[first], owners[first], rows[first])
    return pool, np.split(inverse.astype(np.int64), np.cumsum(sizes)[:-1])


def images_digest(images: ImageSet, hashes: Hashes) -> str:
    """Digest of the names, contents and labels of some images, in order."""
    return digest(_texts(images, "name"), hashes.tobytes(), images.labels.tobytes())


def _texts(images: ImageSet, column: str) -> TextColumn:
    """A column of the table of an image set as parts of a digest."""
    return TextColumn(pa.array(images.table[column]))


@dataclass(frozen=True)
class Selection:
    """The images of one subset.

    Attributes:
        images: Names, labels and further columns.
        positions: Position of each among the distinct images.
        pool: The distinct images.
    """

    images: ImageSet
    positions: Positions
    pool: DistinctImages

    @property
    def hashes(self) -> Hashes:
        """Content hashes, uint8 (N, 32)."""
        return self.pool.hashes[self.positions]

    @cached_property
    def digest(self) -> str:
        """Digest of names, contents and labels, in order."""
        return images_digest(self.images, self.hashes)

    def digest_with(self, *columns: str) -> str:
        """The same with further columns of the image set's table."""
        return digest(self.digest, *(_texts(self.images, column) for column in columns))

    def select(self, rows: Rows) -> Selection:
        """The images of these rows, in this order."""
        return replace(self, images=self.images.select(rows), positions=self.positions[np.asarray(rows)])

    def with_own_pool(self) -> Selection:
        """The same images with no other image in the pool, to be sent to another process."""
        images = self.images.to_be_sent()
        pool, (positions,) = _find_distinct([images], [self.hashes])
        return Selection(images, positions, pool)


class Selections:
    """The selection of each subset that cells name, made once.

    Where a subset has images of one class degraded, these are images of their own: other pixels under the same name.

    Attributes:
        sets: Image sets by name, as cells name data sets; "" is the run's.
        pool: The distinct images of all of them, and of what the subsets have degraded of one class.
    """

    def __init__(self, inspected: Mapping[str, InspectedImages], subsets: Iterable[Subset] = ()) -> None:
        """Find the distinct images.

        Args:
            inspected: Image sets by name, with the facts of their files.
            subsets: Those that will be asked for, as far as they have images of one class degraded.
        """
        self.sets = {name: inspection.images for name, inspection in inspected.items()}
        variants: dict[DataVariant, InspectedImages] = {
            _variant_of(subset): _with_one_class_degraded(inspected[subset.data], subset)
            for subset in subsets
            if _variant_of(subset) != _whole(subset.data)
        }
        every = {**{_whole(name): inspection for name, inspection in inspected.items()}, **variants}
        self._images = {key: inspection.images for key, inspection in every.items()}
        hashes = list(map(hashes_as_degraded, every.values()))
        self.pool, positions = _find_distinct(list(self._images.values()), hashes)
        self._positions = dict(zip(every, positions, strict=True))
        self._known: dict[Subset, Selection] = {}
        self._all: dict[str, Selection] = {}  # by data set: their digests are asked for again and again

    def __getitem__(self, subset: Subset) -> Selection:
        key = _variant_of(subset)
        subset = replace(subset, degradation=key[1], degraded=key[2])  # what selects the same images is one
        if subset not in self._known:
            images, positions = self._images[key], self._positions[key]
            rows = images.rows_of(subset, self._positions[_whole(subset.data)])
            rows = rows[np.lexsort((images.labels[rows], positions[rows]))]  # whatever the files are called
            selection = Selection(images.select(rows), positions[rows], self.pool)
            self._known[subset] = selection if subset.sources is None else self._of_sources(selection, subset)
        return self._known[subset]

    def _of_sources(self, selection: Selection, subset: Subset) -> Selection:
        """The images of the sources that a subset is of. Raises `TooFewImages` where a class has none."""
        if (draw := subset.sources) is None:
            return selection
        divided = self[replace(subset.without_shots, sources=None)]
        labels, sources = divided.images.labels, divided.images.table["source"].to_numpy(object)
        drawn = set(sources[drawn_images(draw, labels, sources, divided.hashes)])
        if subset.shots:  # what is trained on is not held out as well
            drawn -= set(self[subset.shots_alone].images.table["source"])
        for label, noun in enumerate(("real", "generated")):
            of_class = np.array([source in drawn for source in sources[labels == label]])
            if of_class.all() or not of_class.any():
                where = f"{subset.name} has too few sources of {noun} images in its {subset.split} split"
                raise TooFewImages(divided.images.files.where, f"{where} to hold {100 * draw.share:g}% of them out")
        own = selection.images.table["source"].isin(list(drawn)).to_numpy()
        return selection.select(np.flatnonzero(own == draw.drawn))

    def positions(self, subsets: Iterable[Subset]) -> Positions:
        """The images of some subsets, each once."""
        return unique_positions(self[subset].positions for subset in dict.fromkeys(subsets))

    def all_images(self, data: str = "") -> Selection:
        """Every image of one data set."""
        if data not in self._all:
            self._all[data] = Selection(self.sets[data], self._positions[_whole(data)], self.pool)
        return self._all[data]


def _whole(data: str) -> DataVariant:
    """The images of a data set as they are."""
    return data, NONE, "both"


def _variant_of(subset: Subset) -> DataVariant:
    """The images that a subset selects from: as they are, unless one class alone is degraded."""
    alone = subset.degraded != "both" and subset.degradation != NONE
    return (subset.data, subset.degradation, subset.degraded) if alone else _whole(subset.data)


def _with_one_class_degraded(inspection: InspectedImages, subset: Subset) -> InspectedImages:
    """The images of a data set, those of one class under the degradation of a subset."""
    label = 0 if subset.degraded == "real" else 1
    images = with_base_degradation(inspection.images, subset.degradation, inspection.images.labels == label)
    return replace(inspection, images=images)


def hashes_as_degraded(inspection: InspectedImages) -> Hashes:
    """Content hashes, uint8 (N, 32); a degradation that is part of the data is hashed with the file."""
    hashes, chains = inspection.hashes, inspection.images.table["degradation"]
    degraded = np.flatnonzero(chains != "")
    if not degraded.size:
        return hashes
    hashes = hashes.copy()
    for row, chain in zip(degraded.tolist(), chains.iloc[degraded], strict=True):
        hashes[row] = np.frombuffer(_content_hash(hashes[row].tobytes(), chain), np.uint8)
    return hashes


def _content_hash(of_file: bytes, chain: str) -> bytes:
    """The sha256 of the content of an image: of its file, with the degradation that is part of the data, if any is."""
    return sha256(of_file + _key_of(chain)).digest() if chain else of_file


@cache
def _key_of(chain: str) -> bytes:
    return parse_degradation(chain).key.encode()
