"""From what a user writes after DATA= to an image set."""

from __future__ import annotations

import json
from pathlib import Path

from bench.errors import InputError
from bench.images.genimage import read
from bench.images.imageset import ImageSet
from bench.progress import Reporter

EMBEDDED = "embedded"


def open_data(text: str, cache_root: Path, workers: int, reporter: Reporter) -> ImageSet:
    """Open a data set by name or path; the embedded corpus is made on first use.

    Args:
        text: "embedded", or a folder in GenImage layout.
        cache_root: Where the embedded corpus is kept.
        workers: Processes that make it.
        reporter: Told how far it is.

    Raises:
        InputError: The folder is not a data set.
    """
    if text != EMBEDDED:
        return read(Path(text))
    root = embedded_corpus(cache_root, workers, reporter)
    images = read(root)
    promised = json.loads((root / "dataset.json").read_text(encoding="utf-8"))["images"]
    if len(images) != promised:
        msg = f"{root} holds {len(images)} of the {promised} images that were made; delete it and run again"
        raise InputError(msg)
    return images


def embedded_corpus(cache_root: Path, workers: int, reporter: Reporter) -> Path:
    """Folder of the embedded corpus, made now if it is not there."""
    from bench.embedded.corpus import build, identity, is_built

    root = cache_root / "corpus" / identity()
    if not is_built(root):
        reporter.say(f"Making the embedded corpus once, into {root}")
        with reporter.stages() as report:
            build(root, workers, report)
    return root
