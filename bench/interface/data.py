"""Data sets as a user names and describes them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING

from bench.images.data_names import EMBEDDED, check_data
from bench.images.decoding.structure import MAX_PIXELS
from bench.images.reading import AS_STATED, Reading, known_classes, known_columns, known_levels, known_pixel_count
from bench.interface.surroundings import CORES, held_cache, one_kind_of_error, reporter
from bench.platform.errors import InputError
from bench.request.defaults import MAX_UNREADABLE

if TYPE_CHECKING:
    import pandas as pd

    from bench.images.quality.inspection import InspectedImages
    from bench.platform.progress import Reporter

LEAST_LIMIT = 2  # images: one for each half of a split


@dataclass(frozen=True)
class DataSet:
    """Images with what is stated of them; nothing is read before it is needed. `open_data` makes one.

    Attributes:
        place: "embedded", a path or URL, or layout:path; several with commas between.
        real: Path or URL of a folder of real images, for data without any; "" for none.
        name: What published tables call the data, where its layout cannot tell; "" for nothing.
        reading: What folders, columns and values mean.
        limit: Images of each generator, split, class and copy, at most; None for all.
        max_unreadable: Share of the files that may be unusable, in [0, 1].
        max_pixels: The largest number of pixels of an image that is read.
    """

    place: str
    real: str = ""
    name: str = ""
    reading: Reading = AS_STATED
    limit: int | None = None
    max_unreadable: float = MAX_UNREADABLE
    max_pixels: int = MAX_PIXELS

    def census(self, *, progress: bool = True) -> pd.DataFrame:
        """Inspect every file, and count what there is; facts of unchanged files come from the cache.

        Args:
            progress: Whether progress is shown.

        Returns:
            One row per generator or pool of real images, split and class: `generator`, `split`, `class`, `images`,
            `formats` and `modes` (dicts of counts), `width`, `height`, `short_side`, `quality` of JPEG files and
            `bytes_per_pixel` (dicts of min, median, max), and counts of `other_tables`, `exif` and `profile`. Its
            `attrs` are lists of texts: "warnings" and "notes" on the data, and "excluded", the files that cannot be
            used, each with the reason.

        Raises:
            InputError: It is no data set that can be read.
        """
        from bench.images.quality.census import take_census

        with one_kind_of_error(), inspected_images(self, reporter(progress=progress)) as found:
            census = take_census(found)
        excluded = census.excluded[["name", "reason"]].itertuples(index=False, name=None)
        counted = census.groups.copy()
        counted.attrs = {
            "warnings": list(census.warnings),
            "notes": [*census.notes, *(note.text for note in census.file_notes)],
            "excluded": [f"{name}: {reason}" for name, reason in excluded],
        }
        return counted

    def audit(self, *, progress: bool = True) -> pd.DataFrame:
        """Find out what of the files, beside what they show, tells generated images from real ones.

        Args:
            progress: Whether progress is shown.

        Returns:
            One row per generator and attribute: `generator`, `attribute`, balanced `accuracy` in [0, 1] of a decision
            by it alone with its 95% interval `low` and `high`, corrected `p`, `verdict` ("leaks", "no leak" or "too few
            images") and `evidence` in words. Attributes that are the same in all images are left out.

        Raises:
            InputError: It is no data set that can be read.
        """
        import pandas as pd

        from bench.images.quality.audit import Finding, audit_attributes

        with one_kind_of_error(), inspected_images(self, reporter(progress=progress)) as found:
            usable = found.usable()
            findings = audit_attributes(usable.table, usable.images.pools)
        rows = [asdict(one) for one in findings if not one.constant]
        return pd.DataFrame(rows, columns=[one.name for one in fields(Finding)])


@contextmanager
def inspected_images(data: DataSet, shown: Reporter, workers: int = CORES) -> Iterator[InspectedImages]:
    """Open a data set and inspect every file; its images can be read while the context lasts.

    Args:
        data: The data set, one alone.
        shown: Shows progress.
        workers: Threads that read.

    Raises:
        InputError: It is no data set that can be read.
    """
    from bench.engine.cache import Cache
    from bench.images.assembly import with_splits_by_content
    from bench.images.data_sets import open_data as open_images

    with held_cache(shown) as cache:
        opened = open_images(data.place, cache.path, workers, shown, data.real, data.reading)
        images = replace(opened, max_pixels=data.max_pixels)
        if data.limit is not None:
            images = images.select_at_most(data.limit)
        with shown.stage("check files", len(images)) as advance:
            found = Cache(cache.path).inspect(images, workers, advance, appearance=True)
        yield replace(found, images=with_splits_by_content(found.images, found.hashes))


def open_data(  # noqa: PLR0913 - what may be stated of data
    place: str | Path | Sequence[str | Path] = EMBEDDED,
    *,
    real: str | Path = "",
    name: str = "",
    classes: Mapping[str, str] | None = None,
    columns: Mapping[str, str] | None = None,
    levels: Sequence[str] | str = (),
    group: str = "",
    follow: bool = True,
    limit: int | None = None,
    max_unreadable: float = MAX_UNREADABLE,
    max_pixels: int = MAX_PIXELS,
) -> DataSet:
    """Name a data set, and state what its own folders and tables do not say.

    Args:
        place: "embedded" for the corpus that Lineup makes itself, a path or URL, or "layout:path"; several of them for
            a protocol that takes several data sets.
        real: Path or URL of a folder of real images, for data that holds none.
        name: What published tables call the data, such as "GenImage", where its layout cannot tell.
        classes: What labels or folders mean: "real", "generated" or "skip", as in `{"0": "real", "1": "generated"}`.
        columns: Columns of tables by role, as in `{"generator": "model", "split": "subset"}`.
        levels: Roles of folders from the top: "split", "class", "generator", "content", "group", "copy", "skip".
        group: What belongs together: "folder", "name", a column, or a regular expression with one group.
        follow: Whether links in folders are followed.
        limit: Images of each generator, split, class and copy, at most, evenly spread over names; None for all.
        max_unreadable: Share of the files that may be unusable before a run refuses to start, in [0, 1].
        max_pixels: The largest number of pixels of an image that is read.

    Raises:
        InputError: A local path does not exist, a layout is not installed, or what is stated is not understood.
    """
    # a path may have a layout or a scheme before it, so that it is a text
    places = [os.path.expanduser(str(one)) for one in ([place] if isinstance(place, str | Path) else place)]  # noqa: PTH111
    beside = os.path.expanduser(str(real))  # noqa: PTH111
    with one_kind_of_error():
        _require_limit(limit)
        if not 0 <= max_unreadable <= 1:
            msg = f"max_unreadable {max_unreadable} is no share; give 0 to 1"
            raise InputError(msg)
        known_pixel_count(max_pixels, str(max_pixels))
        stated = Reading(
            known_classes(_plain_pairs("classes", classes)),
            known_columns(_plain_pairs("columns", columns)),
            known_levels([levels] if isinstance(levels, str) else levels),
            group,
            follow,
        )
        for one in places:
            check_data(one, beside)
    return DataSet(",".join(places), beside, name, stated, limit, max_unreadable, max_pixels)


def limited(data: DataSet, limit: int | None) -> DataSet:
    """The data with a limit, where one is given. Raises `InputError` where it has another, or it is too small."""
    _require_limit(limit)
    if limit is not None and data.limit not in {None, limit}:
        msg = f"limit {limit} is given for data that have the limit {data.limit}; give one of the two"
        raise InputError(msg)
    return data if limit is None else replace(data, limit=limit)


def _require_limit(limit: int | None) -> None:
    """Raise `InputError` for a limit that is too small."""
    if limit is not None and limit < LEAST_LIMIT:
        msg = f"limit {limit} is too small; give {LEAST_LIMIT} or more, or None for all images"
        raise InputError(msg)


def _plain_pairs(what: str, given: Mapping[str, str] | None) -> Iterable[tuple[str, str]]:
    """Names and values as a command line could have them too. Raises `InputError` for any other."""
    for name, value in (given or {}).items():
        pair = str(name).strip(), str(value).strip()
        if "," in "".join(pair) or not all(pair):
            msg = f"{what} {name!r}: {value!r} is empty or has a comma, which a settings file of the run could not have"
            raise InputError(msg)
        yield pair
