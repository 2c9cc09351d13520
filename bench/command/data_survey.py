"""`lineup data`: open a data set, inspect every file, and print its census and what is wrong with it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from rich.console import Console

from bench.engine.cache import Cache
from bench.images.data_names import EMBEDDED
from bench.images.data_sets import open_data
from bench.images.quality.audit import audit_attributes
from bench.images.quality.census import take_census
from bench.images.quality.inspection import InspectedImages
from bench.platform.errors import InputError
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
    """

    data: str
    real: str
    limit: int | None
    cache: Path
    workers: int
    max_unreadable: float
    max_pixels: int

    def inspect(self, reporter: Reporter) -> InspectedImages:
        """Open it and inspect every file; facts of unchanged files come from the cache."""
        opened = open_data(self.data, self.cache, self.workers, reporter, self.real)
        images = replace(opened, max_pixels=self.max_pixels)
        if self.limit is not None:
            images = images.select_at_most(self.limit)
        with reporter.stage("check files", len(images)) as advance:
            return Cache(self.cache).inspect(images, self.workers, advance)


def survey(request: DataRequest, reporter: Reporter, *, audit: bool, match: Path | None) -> None:
    """Print the census, with `audit` the audit too; write a matched subset where a folder is given."""
    inspection = request.inspect(reporter)
    census = take_census(inspection)
    console = Console()
    console.width = max(console.width, WIDTH)
    console.print(data_report.census_report(census, inspection.images.title, request.data, WIDTH))
    usable = inspection.usable()
    try:
        inspection.require_usable(request.max_unreadable)
    except InputError as error:
        reporter.say(f"A run would refuse to start: {error}")
    if audit:
        console.print(data_report.audit_report(audit_attributes(usable.table, usable.images.pools), WIDTH))
    if match is not None:
        if any(usable.images.degradations):
            msg = f"{request.data} is a subset already, with degradations of its own; match the data that it is of"
            raise InputError(msg)
        from bench.images.quality.matching import matched_subset, write_manifest

        subset = matched_subset(usable)
        data = f"genimage:{usable.images.files.where}" if request.data == EMBEDDED else request.data
        write_manifest(subset, usable.images, data, request.real, match)
        reporter.say(f"{len(subset)} of {len(usable.images)} images are matched; manifest in {match}: DATA={match}")
