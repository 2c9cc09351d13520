"""`lineup data`: what is printed of a data set that was inspected: its census, and what is wrong with it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bench.images.data_names import EMBEDDED
from bench.images.quality.audit import audit_attributes, rewritten_note
from bench.images.quality.census import take_census
from bench.images.quality.inspection import InspectedImages
from bench.images.quality.matching import MatchBy, matched_subset, write_manifest
from bench.interface.data import DataSet
from bench.platform.errors import InputError
from bench.platform.outside.console import PlainConsole
from bench.platform.outside.json_text import json_document
from bench.platform.outside.terminal import say_json
from bench.platform.progress import Reporter
from bench.report import data_report
from bench.report.terminal import WIDTH


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


def survey(data: DataSet, inspection: InspectedImages, wanted: SurveyRequest, reporter: Reporter) -> None:
    """Print the census of an inspected data set, and what else is wanted of it."""
    census = take_census(inspection)
    console = PlainConsole(least_width=WIDTH)
    width = console.width
    title = inspection.images.title
    console.print("\n".join(inspection.images.reading))
    console.print(data_report.census_report(census, title, data.place, width, every_row=wanted.every_row))
    usable = inspection.usable()
    try:
        inspection.require_usable(data.max_unreadable)
    except InputError as error:
        reporter.say(f"A run would refuse to start: {error}")
    if wanted.audit:
        findings, note = audit_attributes(usable.table, usable.images.pools), rewritten_note(usable.table)
        console.print(data_report.audit_report(findings, note, every_row=wanted.every_row))
    if wanted.match is not None:
        _match(usable, data, wanted.match, wanted.match_by, reporter)


def print_json(data: DataSet, inspection: InspectedImages, *, audit: bool) -> None:
    """Print the census of an inspected data set as JSON, and what tells its classes apart where that is asked for."""
    whole: dict[str, Any] = {
        "title": inspection.images.title,
        "data": data.place,
        "reading": list(inspection.images.reading),
    }
    whole |= take_census(inspection).to_json()
    if audit:
        usable = inspection.usable()
        whole["audit"] = [asdict(one) for one in audit_attributes(usable.table, usable.images.pools)]
    say_json(json_document(whole))


def _match(usable: InspectedImages, data: DataSet, folder: Path, match_by: MatchBy, reporter: Reporter) -> None:
    """Write a matched subset to a new folder."""
    if any(usable.images.degradations):
        msg = f"{data.place} is a subset already, with degradations of its own; match the data that it is of"
        raise InputError(msg)
    subset = matched_subset(usable, match_by)
    place = f"genimage:{usable.images.files.where}" if data.place == EMBEDDED else data.place
    write_manifest(subset, usable.images, place, data.real, folder)
    told = f"{len(subset)} of {len(usable.images)} images are matched; manifest in {folder}: DATA={folder}"
    known = set(usable.images.pools.values())
    if own := [name for name in subset.loc[subset["label"] == 0, "generator"].unique() if name not in known]:
        told += f"; with real images of their own, for they are few: {', '.join(own)}"
    reporter.say(told)
