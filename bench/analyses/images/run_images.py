"""The images of a finished run, found again by what its result folder says of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any

import pandas as pd

from bench.engine.cache import Cache
from bench.engine.selections import hashes_as_degraded, images_digest
from bench.images.assembly import with_base_degradation, with_splits_by_content
from bench.images.data_names import EMBEDDED
from bench.images.data_sets import open_data
from bench.images.decoding.structure import MAX_PIXELS
from bench.images.image_set import ImageSet
from bench.images.quality.inspection import InspectedImages
from bench.images.reading import AS_STATED, Reading, parse_classes, parse_columns, parse_levels, parse_pixel_count
from bench.platform.errors import InputError
from bench.platform.progress import Reporter
from bench.records.columns import TEST, TRAIN
from bench.records.manifest import Manifest
from bench.records.settings import SETTINGS, read_settings
from bench.records.store import Store
from protocols.api import NONE, Split, Subset

SPLITS: tuple[Split, ...] = ("train", "val", "test")
REMEDY = "name the place of the same images with --data, or run again"
SHOWN = 12  # characters of a digest in a message


@dataclass(frozen=True)
class DataPlace:
    """Where the images of a run lie, and how they are read.

    Attributes:
        data: "embedded", a path or URL, or layout:path.
        real: Where real images lie, for data without any; "" for none.
        reading: What was stated of the images.
        max_pixels: The largest number of pixels of an image that is read.
    """

    data: str
    real: str = ""
    reading: Reading = AS_STATED
    max_pixels: int = MAX_PIXELS


@dataclass(frozen=True)
class Workplace:
    """What opening images needs.

    Attributes:
        cache: The cache folder.
        workers: Threads that read and decode.
        reporter: Shows progress.
    """

    cache: Path
    workers: int
    reporter: Reporter


@dataclass(frozen=True)
class RunImages:
    """The images that a run used.

    Attributes:
        folder: The result folder.
        place: Where the images were found.
        inspected: The images of the run's own data that its cells name, under its base degradation, and what is known
            of their files. Their names, contents and labels have the digest that the manifest records.
    """

    folder: Path
    place: DataPlace
    inspected: InspectedImages

    @property
    def images(self) -> ImageSet:
        """The images, whose names are those of the stored scores."""
        return self.inspected.images


def images_of_run(folder: Path, workplace: Workplace, data: str = "", real: str = "") -> RunImages:
    """The images of a finished run again.

    Only files whose size or state the cache does not know are decoded.

    Args:
        folder: The result folder.
        workplace: The cache, the workers and the reporter.
        data: Another place of the same images, as after DATA=; "" for the recorded one.
        real: Another place of the real images that were added; "" for the recorded one.

    Raises:
        InputError: There is no run in the folder, it does not say where its images lie or what they hold, they are
            gone, or what lies there has another content.
    """
    manifest, cells = Store(folder).outline()
    record = manifest.data
    if not record.digest or (not record.files and all(one.imported for one in manifest.detectors.values())):
        msg = f"{folder} records no content of its images, as scores of other tools come without; images that it names"
        raise InputError(f"{msg} cannot be told from others: give the folder of a run that read them")
    place = _place(folder, manifest, data, real)
    images = _opened(folder, place, workplace)
    if record.limit is not None:
        images = images.select_at_most(record.limit)
    # the cache knows what the run used, and perhaps nothing else
    recalled = _as_in_run(images, manifest, workplace, _recalled).usable()
    if (used := _with_digest(recalled, record.digest, cells)) is not None:
        return RunImages(folder, place, used)
    found = _as_in_run(images, manifest, workplace, _inspected).usable()
    if (used := _with_digest(found, record.digest, cells)) is not None:
        return RunImages(folder, place, used)
    raise _refusal(folder, place, manifest, found)


def _recalled(images: ImageSet, workplace: Workplace) -> InspectedImages:
    """What the cache knows of some files; nothing is decoded."""
    return Cache(workplace.cache).recall(images, workplace.workers)[0]


def _inspected(images: ImageSet, workplace: Workplace) -> InspectedImages:
    """The facts of some files, those that the cache does not know decoded now."""
    with workplace.reporter.stage("check files", len(images)) as advance:
        return Cache(workplace.cache).inspect(images, workplace.workers, advance)


def _as_in_run(
    images: ImageSet, manifest: Manifest, workplace: Workplace, facts: Callable[[ImageSet, Workplace], InspectedImages]
) -> InspectedImages:
    """Images with the splits and under the base degradation of a run, and what is known of their files."""
    if images.drawn_splits and manifest.protocol.trains:
        images = with_splits_by_content(images, facts(images, workplace).hashes)
    chain = manifest.data.base_degradation
    return facts(images if chain == NONE else with_base_degradation(images, chain), workplace)


def _place(folder: Path, manifest: Manifest, data: str, real: str) -> DataPlace:
    """Where the images of a run lie. Raises `InputError` where nothing says so."""
    values = _settings(folder)
    recorded = _own_data(values.get("data", ""), several=bool(manifest.further))
    found = data or recorded or (EMBEDDED if manifest.data.kind == EMBEDDED else "")
    if not found:
        msg = f"{folder} does not say where its images lie ({SETTINGS} is missing); name their place with --data"
        raise InputError(msg)
    if found == EMBEDDED:
        return DataPlace(EMBEDDED)
    stated = ("classes", "columns", "levels", "group")
    classes, columns, levels, group = (_text(values.get(name, "")) for name in stated)
    return DataPlace(
        found,
        real or _text(values.get("real", "")),
        Reading(
            parse_classes(classes),
            parse_columns(columns),
            parse_levels(levels),
            group,
            bool(values.get("follow", True)),
        ),
        parse_pixel_count(str(values.get("max_pixels", MAX_PIXELS))),
    )


def _settings(folder: Path) -> Mapping[str, Any]:
    """The settings of the run in a folder; of one of several base degradations they lie in the folder above."""
    for place in (folder, folder.absolute().parent):
        if (path := place / SETTINGS).is_file():
            return read_settings(path).values
    return {}


def _text(value: Any) -> str:  # noqa: ANN401 - a text or a list
    """A value of a settings file as a command line has it."""
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)


def _own_data(value: Any, *, several: bool) -> str:  # noqa: ANN401 - a text or a list
    """The run's own data set, the first of several."""
    if isinstance(value, list):
        return str(value[0]) if value else ""
    text = str(value)
    return text.split(",", maxsplit=1)[0].strip() if several and not Path(text).exists() else text


def _opened(folder: Path, place: DataPlace, workplace: Workplace) -> ImageSet:
    """The data set at a place. Raises `InputError` where it is gone."""
    try:
        opened = open_data(
            place.data, workplace.cache, workplace.workers, workplace.reporter, place.real, place.reading
        )
    except InputError as error:
        msg = f"the images of {folder} cannot be read again: {error} (or {REMEDY})"
        raise InputError(msg) from error
    return replace(opened, max_pixels=place.max_pixels)


def _with_digest(inspected: InspectedImages, digest: str, cells: pd.DataFrame) -> InspectedImages | None:
    """Those of some images that have a digest: a protocol may have used some splits or generators alone.

    Args:
        inspected: All images that can be used.
        digest: As the manifest records it.
        cells: The cells of the run.

    Returns:
        The images; None where no selection that a protocol usually makes has the digest.
    """
    for subsets in _usual_selections(inspected.images, cells):
        selected = inspected.images.select_subsets(subsets)
        rows = inspected.images.table["name"].isin(selected.table["name"])
        candidate = InspectedImages(selected, inspected.records[rows].reset_index(drop=True))
        if images_digest(selected, hashes_as_degraded(candidate)) == digest:
            return candidate
    return None


def _usual_selections(images: ImageSet, cells: pd.DataFrame) -> Iterator[list[Subset]]:
    """The subsets whose images a run may have used: of each split all generators, those that cells name, or none."""
    everything = tuple(images.families)
    named = [_named(everything, cells[column]) for column in ([TRAIN], [TEST], [TRAIN, TEST])]
    choices = [chosen for chosen in dict.fromkeys((everything, *named)) if chosen]
    present = set(images.table["split"])
    splits = [split for split in SPLITS if split in present]
    for chosen in product((*choices, ()), repeat=len(splits)):
        if any(chosen):
            yield [Subset(generators, split) for generators, split in zip(chosen, splits, strict=True) if generators]


def _named(generators: Sequence[str], labels: pd.DataFrame) -> tuple[str, ...]:
    """The generators that labels of subsets name, alone or joined with "+"."""
    texts = {str(value) for value in labels.to_numpy().ravel()}
    words = texts | {word for text in texts for word in text.split("+")}
    return tuple(name for name in generators if name in words)


def _refusal(folder: Path, place: DataPlace, manifest: Manifest, found: InspectedImages) -> InputError:
    """The error for images that are not those of the run."""
    record = manifest.data
    other = images_digest(found.images, hashes_as_degraded(found))
    asked = f"{record.images:,} images of digest {record.digest[:SHOWN]}"
    has = f"{len(found.images):,} of digest {other[:SHOWN]}"
    if record.base_degradation != NONE and images_digest(found.images, found.hashes) == record.files:
        why = f"the files are the same, and {record.base_degradation} gives other pixels with the libraries of now"
        return InputError(f"{folder} was made of {asked}: {why}; {REMEDY}")
    return InputError(f"{folder} was made of {asked}, and {place.data} has {has}, none of them a part; {REMEDY}")
