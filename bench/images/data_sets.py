"""From what a user writes after DATA= to an image set.

What takes long to import is imported where it is used: `lineup corpus` needs neither pandas nor a decoder.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from posixpath import normpath
from shutil import rmtree
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from bench.images.data_names import EMBEDDED, LAYOUTS, check_data, layout_and_place
from bench.images.files.description import DESCRIPTION, read_description
from bench.images.files.kept import kept
from bench.images.files.local import open_local
from bench.images.files.mounting import MountedTree
from bench.images.files.tree import Tree
from bench.images.layouts.added_real_images import with_added
from bench.images.layouts.api import (
    SHARED_POOL,
    Coverage,
    DataSetContents,
    DataSetReference,
    FolderLayout,
    ImageRow,
    Layout,
    SubsetLayout,
)
from bench.images.layouts.card_facts import CardFacts, selected_by_card, with_card_facts
from bench.images.reading import AS_STATED, Reading
from bench.platform.errors import InputError
from bench.platform.locks import held
from bench.storage.image_cache import ImageCache
from detectors import catalogue

if TYPE_CHECKING:
    from bench.images.image_set import ImageSet
    from bench.platform.progress import Reporter


CORPUS_LOCK = ".lock"  # beside the corpora: of who makes one
MIN_SHARE = 0.5  # of the images: a special layout that reads fewer gives way to a general one
PACKED_SUFFIXES = frozenset({".7z", ".bz2", ".gz", ".rar", ".tbz2", ".tgz", ".txz", ".xz", ".zst"})


def layouts() -> dict[str, Layout]:
    """Every installed layout by name."""
    return {name: catalogue.find(LAYOUTS, "layout", name)() for name in catalogue.installed(LAYOUTS)}


def open_data(
    text: str, cache_root: Path, workers: int, reporter: Reporter, real: str = "", reading: Reading = AS_STATED
) -> ImageSet:
    """Open a data set; the embedded corpus is made on first use.

    Args:
        text: "embedded", or a path or URL whose layout is detected, or `layout:path`.
        cache_root: Where the embedded corpus is kept, and what was read of remote data.
        workers: Processes that make the corpus.
        reporter: Shows progress.
        real: Path or URL of a folder of real images, for data that holds none; "" for none.
        reading: What the user states of its images; nothing of the embedded corpus, which says all.

    Raises:
        InputError: It is not a data set, or no layout or several fit it.
    """
    check_data(text, real)
    if text != EMBEDDED:
        images = read(text, real, reading)
        return replace(images, files=kept(images.files, ImageCache.of(cache_root)))
    root = embedded_corpus(cache_root, workers, reporter)
    from bench.images.corpus_files import REMEDY, list_corpus

    made = len(list_corpus(root)) - 1  # the description is listed, too
    images = read(f"genimage:{root}")
    if len(images) != made:
        msg = f"{root} holds {len(images)} of the {made} images that were made; {REMEDY}"
        raise InputError(msg)
    return images


def read(text: str, real: str = "", reading: Reading = AS_STATED) -> ImageSet:
    """Read a data set from a path or URL, or from `layout:path`.

    Args:
        text: The path or URL.
        real: Path or URL of a folder of real images that are added; "" for none.
        reading: What the user states of its images.

    Raises:
        InputError: It is not a data set, or no layout or several fit it.
    """
    known = layouts()
    layout, place = layout_and_place(text)
    suffixes = _file_suffixes(known)
    tree = _open_tree(place, suffixes, follow=reading.follow_links)
    tree.reading = reading
    return _read_tree(tree, known, layout, _open_tree(real, suffixes, follow=reading.follow_links) if real else None)


def _read_tree(tree: Tree, known: Mapping[str, Layout], name: str = "", real: Tree | None = None) -> ImageSet:
    """Read a data set from an open tree.

    Args:
        tree: The files.
        known: The layouts that it may have, by name.
        name: The layout that it has; "" to detect it.
        real: A tree of real images that are added; None for none.

    Raises:
        InputError: No layout or several fit the tree, or it holds what cannot be used.
    """
    from bench.images.assembly import assemble

    tree, card = selected_by_card(tree)
    layout = _layout(tree, known, name)
    if real is None:
        return assemble(tree, _contents(layout, tree, known, card), layout)
    whole = MountedTree(tree, {SHARED_POOL: real})
    whole.reading = tree.reading
    # a layout that reads all of the tree and not all of the whole does not recognise the added images
    apart = layout.coverage(tree) == "all" and layout.coverage(whole) != "all"
    contents = _contents(layout, tree if apart else whole, known, card)
    return assemble(whole, with_added(whole, contents), layout)


def _open_tree(place: str, file_suffixes: Collection[str], beside: str = "", *, follow: bool = True) -> Tree:
    """The tree at a path or URL.

    Args:
        place: The path or URL.
        file_suffixes: Suffixes of files that a user may give in place of their folder.
        beside: Folder or URL in which a relative path begins; "" for the working folder.
        follow: Whether links in folders are followed.

    Raises:
        InputError: There is nothing that can be read as a tree.
    """
    if "\0" in place:
        msg = f"data {place} does not exist, for no path has a NUL character; mend the name"
        raise InputError(msg)
    scheme, separator, folder = beside.partition("://")
    if separator and "://" not in place and not Path(place).is_absolute():
        place = scheme + separator + normpath(f"{folder}/{place}")
    if "://" in place:
        from bench.images.files.remote import open_remote

        return open_remote(place, file_suffixes)
    return open_local(Path(beside, place).resolve() if beside else Path(place), file_suffixes, follow=follow)


def detect(tree: Tree, known: Mapping[str, Layout]) -> Layout:
    """The one layout that reads all of a tree's images.

    One that is marked as fallback is considered only where others read little, and one that another overrides only
    where that other reads none. One of folders alone that does not heed what the user states is not considered.

    Raises:
        InputError: There is none, or there are several.
    """
    stated = tree.reading.options
    heeding = {
        name: layout
        for name, layout in known.items()
        if not isinstance(layout, FolderLayout) or stated <= layout.options
    }
    coverages: dict[str, Coverage] = {name: layout.coverage(tree) for name, layout in heeding.items()}
    able = [name for name, coverage in coverages.items() if coverage != "none"]
    overridden = {name for other in able for name in known[other].overrides}
    able = [name for name in able if name not in overridden]
    special = [name for name in able if not known[name].fallback]
    considered = special or able
    complete = [name for name in considered if coverages[name] == "all"]
    if not complete and all(_share(known[name], tree) < MIN_SHARE for name in special):
        complete = [name for name in able if known[name].fallback and coverages[name] == "all"]
    if len(complete) == 1:
        return known[complete[0]]
    if candidates := complete or considered:
        what = "could be read as" if complete else "is only in part laid out as"
        msg = f"{tree.where} {what} {' or '.join(candidates)}; name one, as in DATA={candidates[0]}:{tree.where}"
        raise InputError(msg)
    if unread := _unread_text(tree):
        msg = f"{tree.where} holds nothing that can be read: {unread}"
        raise InputError(msg)
    patterns = "; ".join(f"{name} ({layout.pattern})" for name, layout in known.items())
    msg = f"{tree.where} is in none of the layouts that can be read: {patterns}"
    raise InputError(msg)


def _share(layout: Layout, tree: Tree) -> float:
    """The share of a tree's images that a layout reads, where folders tell; 1 where they do not."""
    if not isinstance(layout, FolderLayout) or not tree.listing.size:
        return 1.0
    return sum(len(tree.listing.images[folder]) for folder in layout.annotations(tree)) / tree.listing.size


def _unread_text(tree: Tree) -> str:
    """What a tree without images holds in place of them, and what to do; "" where it holds what may be data."""
    listing = tree.listing
    kinds = {kind: count for kind, count in listing.ignored.items() if kind != "hidden"}
    packed = any(kind in PACKED_SUFFIXES for kind in kinds)
    if listing.images or (listing.data and not packed):
        return ""
    others = ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items()))
    count = len(listing.refused)
    found = [f"{count} files were refused, such as {name} ({reason})" for name, reason in listing.refused[:1]]
    found += [f"files of other kinds: {others}"] if others else []
    found += ["unpack the archives, or pack them as .zip or .tar"] if packed else []
    return "; ".join(found)


def _layout(tree: Tree, known: Mapping[str, Layout], name: str) -> Layout:
    """The layout of that name, or else the detected one. A tree that was opened by one of its files limits them."""
    if tree.given_file:
        suffix = Path(tree.given_file).suffix.lower()
        known = {other: layout for other, layout in known.items() if suffix in layout.file_suffixes}
        if name and name not in known:
            place = f"{tree.where}/{tree.given_file}"
            msg = f"{place} is a file, and the layout {name} reads folders; give the folder, or leave {name}: out"
            raise InputError(msg)
    layout = known[name] if name else detect(tree, known)
    if isinstance(layout, SubsetLayout) and layout.base(tree):
        return layout  # what is stated is of the data set that it refers to
    if unheeded := sorted(tree.reading.options - layout.options):
        what = f"the layout {layout.name}, which takes no {' and no '.join(unheeded)}"
        msg = f"{tree.where} is read by {what}; leave it out, or name another layout, as in DATA=folders:{tree.where}"
        raise InputError(msg)
    return layout


def _file_suffixes(known: Mapping[str, Layout]) -> frozenset[str]:
    """Suffixes of files that some layout takes in place of their folder."""
    return frozenset().union(*(layout.file_suffixes for layout in known.values()))


def _contents(layout: Layout, tree: Tree, known: Mapping[str, Layout], card: CardFacts) -> DataSetContents:
    """What a layout reads of a tree, and of the data set that the tree refers to, if it does."""
    if isinstance(layout, SubsetLayout) and (base := layout.base(tree)):
        return layout.read_subset(tree, _base_contents(tree, base, known))
    contents = layout.read(tree)
    if isinstance(layout, FolderLayout):
        from bench.images.layouts.listed_facts import with_listed_facts

        contents = with_listed_facts(tree, contents)
    return contents if isinstance(layout, SubsetLayout) else with_card_facts(tree, contents, card)


def _base_contents(tree: Tree, base: DataSetReference, known: Mapping[str, Layout]) -> DataSetContents:
    """The contents of the data set that a tree refers to, with the splits and pools that it is read with."""
    suffixes = _file_suffixes(known)
    name, place = layout_and_place(base.data)
    base_tree = _open_tree(place, suffixes, tree.where, follow=tree.reading.follow_links)
    base_tree.reading = tree.reading
    if further := read_description(base_tree).get("of"):
        data = base.data
        msg = f"{tree.where}/{DESCRIPTION} says that it is of {data}, which is of {further}; name data that has images"
        raise InputError(msg)
    real = _open_tree(base.real, suffixes, tree.where, follow=tree.reading.follow_links) if base.real else None
    images = _read_tree(base_tree, known, name, real)
    rows = [ImageRow._make(row) for row in images.table.itertuples(index=False, name=None)]
    return DataSetContents(
        rows, images.families, images.pools, images.files, images.notes, attributes=images.attributes
    )


def embedded_corpus(cache_root: Path, workers: int, reporter: Reporter) -> Path:
    """Folder of the embedded corpus, made now if it is not there.

    Args:
        cache_root: The folder in which it is kept.
        workers: Processes that make it.
        reporter: Shows progress.

    Raises:
        InputError: It is not there, and cannot be made.
    """
    from bench.embedded.corpus import identity, is_built
    from bench.embedded.making import make_corpus
    from bench.images.corpus_files import corpus_list

    root = cache_root / "corpus" / identity()
    if is_built(root):
        return root

    def wait(holder: str) -> None:
        reporter.say(f"The embedded corpus is being made by {holder}: waiting")

    with _corpus_folder(root, wait) as own:
        if not is_built(root):
            if root.exists():
                msg = f"{root} is no whole corpus ({DESCRIPTION} is missing); delete it and run again"
                raise InputError(msg)
            corpus_list(root).path.unlink(missing_ok=True)  # of a corpus that is gone
            reporter.say(f"Making the embedded corpus once, into {root}")
            with reporter.stages() as report:
                made = make_corpus(own / root.name, workers, report)
            try:
                made.rename(root)
            except OSError:  # where locks fail another process may have been faster: its corpus is the same
                if not is_built(root):
                    raise
    return root


@contextmanager
def _corpus_folder(root: Path, wait: Callable[[str], object]) -> Iterator[Path]:
    """A folder in which a corpus is made, by one process at a time; where locks fail each has one of its own.

    Args:
        root: Where it will be.
        wait: Called with who makes it, before that is waited for.

    Raises:
        InputError: It cannot be made there.
    """
    with ExitStack() as stack:
        try:
            root.parent.mkdir(parents=True, exist_ok=True)
            stack.enter_context(held(root.parent / CORPUS_LOCK, wait))
            own = stack.enter_context(TemporaryDirectory(dir=root.parent, prefix=".making-"))
        except OSError as error:
            msg = f"the embedded corpus cannot be made in {root.parent} ({error.strerror or error})"
            raise InputError(f"{msg}; set LINEUP_CACHE to a folder of yours") from error
        yield Path(own)


def remove_damaged_corpus(cache_root: Path, reporter: Reporter) -> None:
    """Remove the embedded corpus, and say so, if a file of it is not as it was made.

    Args:
        cache_root: The folder in which it is kept.
        reporter: Tells the user.
    """
    from bench.embedded.corpus import identity
    from bench.images.corpus_files import corpus_list, is_as_made

    root = cache_root / "corpus" / identity()
    if root.is_dir() and not is_as_made(root):
        reporter.say(f"{root} is damaged: it is removed, to be made anew")
        rmtree(root)
        corpus_list(root).path.unlink(missing_ok=True)
