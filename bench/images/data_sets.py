"""From what a user writes after DATA= to an image set."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from posixpath import normpath

from bench.images.assembly import assemble
from bench.images.files.archives import local
from bench.images.files.mounting import MountedTree, with_real
from bench.images.files.tree import Tree
from bench.images.image_set import ImageSet
from bench.images.layouts.api import SHARED, Claim, Layout
from bench.platform.errors import InputError
from bench.platform.progress import Reporter
from detectors import catalogue

EMBEDDED = "embedded"
LAYOUTS = "lineup.layouts"


def layouts() -> dict[str, Layout]:
    """Every installed layout by name."""
    return {name: catalogue.find(LAYOUTS, "layout", name)() for name in catalogue.installed(LAYOUTS)}


def open_data(text: str, cache_root: Path, workers: int, reporter: Reporter, real: str = "") -> ImageSet:
    """Open a data set; the embedded corpus is made on first use.

    Args:
        text: "embedded", or a path or URL whose layout is found out, or `layout:path`.
        cache_root: Where the embedded corpus is kept.
        workers: Processes that make it.
        reporter: Told how far it is.
        real: Path or URL of a folder of real images, for data that holds none; "" for none.

    Raises:
        InputError: It is not a data set, or no layout or several fit it.
    """
    if text != EMBEDDED:
        return read(text, real)
    root = embedded_corpus(cache_root, workers, reporter)
    images = read(f"genimage:{root}")
    promised = json.loads((root / "dataset.json").read_text(encoding="utf-8"))["images"]
    if len(images) != promised:
        msg = f"{root} holds {len(images)} of the {promised} images that were made; delete it and run again"
        raise InputError(msg)
    return images


def read(text: str, real: str = "") -> ImageSet:
    """Read a data set from a path or URL, or from `layout:path`. Raises `InputError`."""
    forced, tree = opened(text)
    return read_tree(tree, forced, open_tree(real) if real else None)


def opened(text: str, beside: str = "") -> tuple[str, Tree]:
    """The layout that is forced, or "", and the tree, as `open_tree` opens it. Raises `InputError`."""
    forced, place = layout_and_place(text, layouts())
    return forced, open_tree(place, beside)


def read_tree(tree: Tree, forced: str = "", real: Tree | None = None) -> ImageSet:
    """Read a data set from an open tree, with real images from another one. Raises `InputError`."""
    known = layouts()
    if tree.given:
        known = {name: one for name, one in known.items() if Path(tree.given).suffix.lower() in one.takes}
        if forced and forced not in known:
            place = f"{tree.where}/{tree.given}"
            msg = f"{place} is a file, and the layout {forced} reads folders; give the folder, or leave {forced}: out"
            raise InputError(msg)
    layout = known[forced] if forced else detect(tree, known)
    if real is None:
        return assemble(tree, layout.read(tree), layout.name)
    whole = MountedTree(tree, {SHARED: real})
    apart = layout.claim(tree) == "all" and layout.claim(whole) != "all"  # it would not know what they are
    return assemble(whole, with_real(whole, layout.read(tree if apart else whole)), layout.name)


def layout_and_place(text: str, known: Mapping[str, Layout]) -> tuple[str, str]:
    """The layout that is forced, or "", and the place."""
    head, colon, rest = text.partition(":")
    if head in known and colon:
        return head, rest
    if colon and rest and not rest.startswith("//") and not Path(text).exists() and re.fullmatch(r"\w{2,}", head):
        msg = f"layout {head!r} is not known; there are {', '.join(known)}"
        raise InputError(msg)
    return "", text


def open_tree(place: str, beside: str = "") -> Tree:
    """The tree at a path or URL; a relative path begins where `beside` says, "" for here. Raises `InputError`."""
    scheme, separator, folder = beside.partition("://")
    if separator and "://" not in place and not Path(place).is_absolute():
        place = scheme + separator + normpath(f"{folder}/{place}")
    if "://" in place:
        from bench.images.files.remote import remote

        return remote(place)
    return local(Path(beside, place).resolve() if beside else Path(place))


def detect(tree: Tree, known: Mapping[str, Layout]) -> Layout:
    """The one layout that reads everything; a general one only where no other reads anything. Raises `InputError`."""
    claims: dict[str, Claim] = {name: layout.claim(tree) for name, layout in known.items()}
    able = [name for name, claim in claims.items() if claim != "none"]
    first = [name for name in able if not known[name].general] or able
    chosen = [name for name in first if claims[name] == "all"]
    if len(chosen) == 1:
        return known[chosen[0]]
    if candidates := chosen or first:
        what = "could be read as" if chosen else "is only in part laid out as"
        msg = f"{tree.where} {what} {' or '.join(candidates)}; name one, as in DATA={candidates[0]}:{tree.where}"
        raise InputError(msg)
    shapes = "; ".join(f"{name} ({layout.shape})" for name, layout in known.items())
    msg = f"{tree.where} is in none of the layouts that can be read: {shapes}"
    raise InputError(msg)


def embedded_corpus(cache_root: Path, workers: int, reporter: Reporter) -> Path:
    """Folder of the embedded corpus, made now if it is not there."""
    from bench.embedded.corpus import build, identity, is_built

    root = cache_root / "corpus" / identity()
    if not is_built(root):
        reporter.say(f"Making the embedded corpus once, into {root}")
        with reporter.stages() as report:
            build(root, workers, report)
    return root
