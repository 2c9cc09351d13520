"""Degraded copies of images as PNG files, for detectors of other tools: bit for bit the pixels that are scored here.

One folder for each condition holds every image under its number; a manifest says of each file what it is a copy of. The
folder is a data set: its copies are of one source, which keeps them in one split. What the file of an original says
beside its pixels, such as its format or its JPEG quality, is not in a copy.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pandas as pd
from PIL import Image as PillowImage

from bench.images.decoding.decoder import UnreadableImage
from bench.images.files.description import DESCRIPTION
from bench.platform.errors import InputError
from bench.platform.files import plain_name, write_atomically
from bench.platform.processes.executors import map_in_order
from detectors.api import Sample
from protocols.api import NONE
from protocols.degradations import parse_degradation

MANIFEST = "manifest.csv"
ORIGINAL = "original"  # the column of what a file is a copy of
CLEAN = "clean"  # the folder of images as they are
FACTS = ("label", "generator", "split", "content", "source")  # of the manifest, where they are known
COMPRESSION = 1  # of PNG files, 0 to 9: three times as fast as the usual 6, for a tenth more bytes


@dataclass(frozen=True)
class OriginalImages:
    """What copies are made of.

    Attributes:
        title: What tables call the data set.
        names: Of the images.
        read: Decodes the image at a position. Raises `UnreadableImage`, OSError.
        facts: One row per image: those of `FACTS` that are known.
    """

    title: str
    names: Sequence[str]
    read: Callable[[int], Sample]
    facts: pd.DataFrame


def condition_folders(chains: Sequence[str]) -> dict[str, str]:
    """The folder of each condition, images as they are first, by the canonical name of the degradation.

    Raises:
        InputError: Two would be called alike.
    """
    folders = {name: CLEAN if name == NONE else plain_name(name) for name in dict.fromkeys((NONE, *chains))}
    by_folder = {folder.casefold(): name for name, folder in folders.items()}
    for name, folder in folders.items():
        if by_folder[folder.casefold()] != name:
            msg = f"{name} and {by_folder[folder.casefold()]} would both be in a folder {folder}; write them one by one"
            raise InputError(msg)
    return folders


def require_new(folder: Path) -> None:
    """Raise `InputError` where a folder is there already and not empty."""
    if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
        msg = f"{folder} is there already; give a new folder for the copies"
        raise InputError(msg)


def write_copies(
    images: OriginalImages, folder: Path, chains: Sequence[str], workers: int, advance: Callable[[int], object]
) -> dict[str, str]:
    """Write a copy of every image under each condition, and last the manifest.

    Args:
        images: The originals.
        folder: A new folder.
        chains: Canonical names of the degradations; images as they are come first in any case.
        workers: Threads.
        advance: Called with 1 after each image.

    Returns:
        Name and reason of each image that is left out, as it cannot be read, or not be degraded in one of the ways.

    Raises:
        InputError: The folder is there already, or two conditions would share a folder.
    """
    require_new(folder)
    folders = condition_folders(chains)
    places = [f"{number:0{len(str(len(images.names)))}d}.png" for number in range(1, len(images.names) + 1)]

    def write(position: int) -> str:
        paths = {name: folder / inside / places[position] for name, inside in folders.items()}
        return _write_image(partial(images.read, position), paths)

    reasons = []
    for reason in map_in_order(write, range(len(images.names)), workers):
        reasons.append(reason)
        advance(1)
    written = [position for position, reason in enumerate(reasons) if not reason]
    if not written:
        msg = f"none of {len(reasons)} images could be copied, such as {images.names[0]} ({reasons[0]}); give others"
        raise InputError(msg)
    rows = pd.concat([_rows(images, places, written, name, inside) for name, inside in folders.items()])
    described = _description(images, folders)
    write_atomically(folder / DESCRIPTION, lambda path: path.write_text(described, encoding="utf-8"))
    write_atomically(folder / MANIFEST, lambda path: rows.to_csv(path, index=False))
    return {name: reason for name, reason in zip(images.names, reasons, strict=True) if reason}


def _write_image(read: Callable[[], Sample], paths: Mapping[str, Path]) -> str:
    """Write one image under each condition, or under none: the reason, "" for one that was written."""
    try:
        sample = read()
    except UnreadableImage as error:
        return error.reason
    except OSError as error:
        return f"it cannot be read: {error.strerror or error}"
    for name, path in paths.items():
        try:
            copy = PillowImage.fromarray(parse_degradation(name)(sample).pixels)
        except Exception as error:  # noqa: BLE001 - another package may have added it
            for done in paths.values():
                done.unlink(missing_ok=True)
            return f"{name} fails ({type(error).__name__}: {' '.join(str(error).split())})"
        write_atomically(path, partial(copy.save, format="PNG", compress_level=COMPRESSION))
    return ""


def _rows(
    images: OriginalImages, places: Sequence[str], written: Sequence[int], chain: str, inside: str
) -> pd.DataFrame:
    """The rows of the manifest of one condition."""
    facts = images.facts.iloc[list(written)]
    own = pd.DataFrame(
        {
            "path": [f"{inside}/{places[position]}" for position in written],
            ORIGINAL: [images.names[position] for position in written],
            "copy": chain,
        },
        index=facts.index,
    )
    return own.join(facts[[name for name in FACTS if name in facts]])


def _description(images: OriginalImages, folders: Mapping[str, str]) -> str:
    """The text of `dataset.json`: the title, and what the pixels of each condition depend on."""
    keys = {name: parse_degradation(name).key for name in folders}
    return json.dumps({"title": f"{images.title}, degraded", "degradations": keys}, indent=1, ensure_ascii=False) + "\n"
