"""`lineup degrade`: degraded copies of images, for detectors of other tools."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bench.command import options
from bench.command.menu.documents import Json, print_document
from bench.images.data_names import check_data, layout_and_place
from bench.images.decoding.structure import MAX_PIXELS
from bench.platform.errors import InputError
from bench.platform.printable import printable

if TYPE_CHECKING:
    from bench.images.degraded_copies import OriginalImages
    from bench.images.image_set import ImageSet
    from bench.images.reading import Reading
    from bench.platform.progress import Reporter

MAX_SHOWN = 3  # images that a note names


def degrade_command(  # noqa: PLR0913, PLR0917 - one parameter per option
    data: Annotated[str, typer.Argument(help="A folder of images, or data as `lineup data` reads it.")],
    out: Annotated[Path, typer.Option(help="A new folder.")],
    degradations: Annotated[str, typer.Option(help="What is done to them, such as jpeg:65,lr:112.")] = "",
    profile: Annotated[
        str, typer.Option(help="A named list of degradations, such as techjam-2026, or a TOML file of one.")
    ] = "",
    real: options.Real = "",
    classes: options.Classes = "",
    columns: options.Columns = "",
    levels: options.Levels = "",
    group: options.GroupBy = "",
    follow: options.Follow = True,  # noqa: FBT002
    limit: options.Limit = None,
    workers: options.Workers = options.CORES,
    max_pixels: options.MaxPixels = str(MAX_PIXELS),
    as_json: Json = False,  # noqa: FBT002
) -> None:
    """Write degraded copies of images as PNG, a folder for each degradation, with a manifest of what each is.

    Exits with 1 where an image was left out.
    """
    from bench.request.early_checks import chain_names

    chains = chain_names([*options.names(degradations), *([profile] if profile else [])])
    if not chains:
        msg = (
            "nothing is to be done to the images; give --profile techjam-2026, or --degradations such as jpeg:65,lr:112"
        )
        raise InputError(msg)
    pixels = options.pixel_count(max_pixels)
    check_data(data, real)
    reading = options.reading(classes, columns, levels, group, follow=follow)
    from bench.images.degraded_copies import MANIFEST, condition_folders, require_new, write_copies

    require_new(out)
    folders = condition_folders(chains)
    reporter = options.reporter()
    originals = _originals(data, real, reading, (pixels, limit), reporter)
    with reporter.stage("degrade images", len(originals.names)) as advance:
        left_out = write_copies(originals, out, chains, workers, advance)
    if as_json:
        print_document({"folder": out, "manifest": out / MANIFEST, "copies": folders, **_counts(originals, left_out)})
    count = len(originals.names) - len(left_out)
    reporter.say(
        f"{len(folders)} folders of {count} images each, {_classes(originals, left_out)}, and {MANIFEST}: {out}"
    )
    if left_out:
        shown = "; ".join(printable(f"{name} ({reason})") for name, reason in list(left_out.items())[:MAX_SHOWN])
        reporter.say(f"{len(left_out)} of {len(originals.names)} images were left out, such as {shown}")
        raise typer.Exit(1)


def _originals(
    data: str, real: str, reading: Reading, most: tuple[int, int | None], reporter: Reporter
) -> OriginalImages:
    """The images of a data set with what is known of them, or of a folder that says nothing of them.

    Args:
        data: As a user writes it.
        real: Further real images.
        reading: What the user states of the images.
        most: Pixels of the largest image that is read, and images of each class; None for all.
        reporter: Shows progress.

    Raises:
        InputError: There are no images; or the user states what they are, and that is not so.
    """
    from bench.images.data_sets import open_data
    from bench.images.reading import Reading

    pixels, limit = most
    stated = real or limit or reading != Reading(follow_links=reading.follow_links)
    try:
        images = open_data(data, options.working_cache().path, options.CORES, reporter, real, reading)
    except InputError as error:
        if stated or layout_and_place(data)[0] or "://" in data:
            raise
        reporter.say(f"Note: the copies have no labels, for {error}")
        return _unlabelled(Path(data), pixels, follow=reading.follow_links)
    images = replace(images, max_pixels=pixels)
    return _labelled(images if limit is None else images.select_at_most(limit), reporter)


def _counts(originals: OriginalImages, left_out: Mapping[str, str]) -> dict[str, object]:
    """How many images were copied, and the reason for each that was not."""
    return {"images": len(originals.names) - len(left_out), "left_out": dict(left_out)}


def _classes(originals: OriginalImages, left_out: Collection[str]) -> str:
    """How many of the images that were copied are of each class, in words."""
    if "label" not in originals.facts:
        return "without labels"
    kept = [name not in left_out for name in originals.names]
    generated = int(originals.facts["label"][kept].sum())
    return f"{sum(kept) - generated} real and {generated} generated"


def _labelled(images: ImageSet, reporter: Reporter) -> OriginalImages:
    """The images of a data set; of one that ships copies the originals, where it has them."""
    from bench.images.degraded_copies import OriginalImages

    for note in images.notes:
        reporter.say(f"Note: {note}")
    if "" in images.copies:
        originals = images.select(images.table["copy"] == "")
        reporter.say(f"Note: {len(images) - len(originals)} images are copies already, and were left out")
        images = originals
    facts = images.table.assign(
        generator=images.table["generator"].where(images.table["generator"].isin(images.families), "")
    )
    return OriginalImages(
        images.title, images.names, images.__getitem__, facts.drop(columns="split") if images.drawn_splits else facts
    )


def _unlabelled(folder: Path, max_pixels: int, *, follow: bool) -> OriginalImages:
    """Every image of a folder or archive. Raises `InputError` where there is none."""
    import pandas as pd

    from bench.images.decoding.decoder import decode
    from bench.images.degraded_copies import OriginalImages
    from bench.images.files.local import open_local

    tree = open_local(folder, follow=follow)
    names = list(tree.listing.paths())
    if not names:
        msg = f"{folder} holds no image; give a folder of images"
        raise InputError(msg)
    return OriginalImages(
        folder.name,
        names,
        lambda row: decode(tree.read(names[row]), names[row], max_pixels),
        pd.DataFrame(index=range(len(names))),
    )
