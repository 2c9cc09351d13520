"""`lineup data`: open a data set, inspect every file, and print its census and what is wrong with it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from bench.engine.cache import Cache
from bench.images.assembly import with_splits_by_content
from bench.images.data_names import EMBEDDED
from bench.images.data_sets import open_data
from bench.images.quality.audit import audit_attributes, rewritten_note
from bench.images.quality.census import take_census
from bench.images.quality.inspection import InspectedImages
from bench.images.quality.matching import MatchBy, matched_subset, write_manifest
from bench.images.reading import AS_STATED, Reading
from bench.platform.errors import InputError
from bench.platform.outside.console import PlainConsole
from bench.platform.progress import Reporter
from bench.report import data_report
from bench.report.terminal import WIDTH


@dataclass(frozen=True)
class DataRequest:
    """What `lineup data` was asked for.

    Attributes:
        data: A path or URL, "embedded", or layout:path.
        real: Where real images lie, for data without any.
        limit: Images of each generator, split and class, at most; None for all.
        cache: The cache folder.
        workers: Threads that read.
        max_unreadable: Share of the files that may be unusable, in [0, 1].
        max_pixels: The largest number of pixels of an image that is read.
        reading: What the user states of its images.
    """

    data: str
    real: str
    limit: int | None
    cache: Path
    workers: int
    max_unreadable: float
    max_pixels: int
    reading: Reading = AS_STATED

    def inspect(self, reporter: Reporter) -> InspectedImages:
        """Open it and inspect every file; facts of unchanged files come from the cache."""
        opened = open_data(self.data, self.cache, self.workers, reporter, self.real, self.reading)
        images = replace(opened, max_pixels=self.max_pixels)
        if self.limit is not None:
            images = images.select_at_most(self.limit)
        with reporter.stage("check files", len(images)) as advance:
            inspected = Cache(self.cache).inspect(images, self.workers, advance, appearance=True)
        return replace(inspected, images=with_splits_by_content(inspected.images, inspected.hashes))


@dataclass(frozen=True)
class SurveyRequest:
    """What is to be said of a data set beside its census.

    Attributes:
        audit: Whether to name what of the files tells the classes apart.
        every_row: Whether tables are to be whole, however long.
        match: A new folder for a matched subset; None for none.
        match_by: How its images become of one size.
    """

    audit: bool
    every_row: bool
    match: Path | None
    match_by: MatchBy


def survey(request: DataRequest, wanted: SurveyRequest, reporter: Reporter) -> None:
    """Print the census of a data set, and what else is wanted of it."""
    inspection = request.inspect(reporter)
    census = take_census(inspection)
    console = PlainConsole(least_width=WIDTH)
    width = console.width
    title = inspection.images.title
    console.print("\n".join(inspection.images.reading))
    console.print(data_report.census_report(census, title, request.data, width, every_row=wanted.every_row))
    usable = inspection.usable()
    try:
        inspection.require_usable(request.max_unreadable)
    except InputError as error:
        reporter.say(f"A run would refuse to start: {error}")
    if wanted.audit:
        findings, note = audit_attributes(usable.table, usable.images.pools), rewritten_note(usable.table)
        console.print(data_report.audit_report(findings, note, every_row=wanted.every_row))
    if wanted.match is not None:
        _match(usable, request, wanted.match, wanted.match_by, reporter)


def _match(usable: InspectedImages, request: DataRequest, folder: Path, match_by: MatchBy, reporter: Reporter) -> None:
    """Write a matched subset to a new folder."""
    if any(usable.images.degradations):
        msg = f"{request.data} is a subset already, with degradations of its own; match the data that it is of"
        raise InputError(msg)
    subset = matched_subset(usable, match_by)
    data = f"genimage:{usable.images.files.where}" if request.data == EMBEDDED else request.data
    write_manifest(subset, usable.images, data, request.real, folder)
    told = f"{len(subset)} of {len(usable.images)} images are matched; manifest in {folder}: DATA={folder}"
    known = set(usable.images.pools.values())
    if own := [name for name in subset.loc[subset["label"] == 0, "generator"].unique() if name not in known]:
        told += f"; with real images of their own, for they are few: {', '.join(own)}"
    reporter.say(told)
