"""Whether the files of the embedded corpus are as they were made.

Its description has one digest of all images. A list beside its folder has the sha256 of each, so that a run that reads
some of them can compare these. It is written when the corpus is opened first, if that digest is right.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from bench.images.files.description import DESCRIPTION
from bench.platform.checksums import ChecksumList, sha256_of
from bench.platform.errors import InputError
from bench.platform.outside.json_text import parse_json

if TYPE_CHECKING:
    from bench.images.image_set import ImageSet
    from bench.images.quality.inspection import InspectedImages

CORPUS_KIND = "embedded"
REMEDY = "`lineup corpus` makes it anew"


def corpus_list(root: Path) -> ChecksumList:
    """The list of the corpus in a folder."""
    return ChecksumList(root, root.with_name(f"{root.name}.checksums.jsonl"))


def list_corpus(root: Path) -> Mapping[str, tuple[str, ...]]:
    """The sha256 of each file of a corpus by name, listed now where that was not done.

    Raises:
        InputError: Its description is damaged, or its images are when they are listed.
    """
    known, checksums = corpus_list(root).digests(), corpus_list(root)
    count, made = _description(root)
    if DESCRIPTION in known and len(known) == 1 + count:
        if checksums.fault(DESCRIPTION):
            raise _damaged(root / DESCRIPTION)
        return known
    images = {path.relative_to(root).as_posix(): sha256_of(path) for path in sorted(root.glob("*/*/*/*"))}
    digest = hashlib.sha256("".join(f"{name} {content}\n" for name, content in sorted(images.items())).encode())
    if digest.hexdigest() != made:
        raise _damaged(root)
    found = images | {DESCRIPTION: sha256_of(root / DESCRIPTION)}
    with suppress(OSError):  # of a cache that cannot be written: they are listed each time
        checksums.path.unlink(missing_ok=True)
        checksums.add(found)
    return {name: (content,) for name, content in found.items()}


def is_as_made(root: Path) -> bool:
    """Whether every file of a corpus is as it was made; all are read."""
    try:
        known = list_corpus(root)
    except InputError:
        return False
    return all((root / name).is_file() and sha256_of(root / name) in digests for name, digests in known.items())


def require_as_made(inspected: InspectedImages) -> None:
    """Raise `InputError` for an image of the corpus whose file is another than was made."""
    images = inspected.images
    if images.kind != CORPUS_KIND:
        return
    known = corpus_list(Path(images.files.where)).digests()
    for name, content in zip(images.names, inspected.hashes, strict=True):
        if name in known and content.tobytes().hex() not in known[name]:
            raise _damaged(Path(images.where(name)))


def mending(images: ImageSet) -> str:
    """What to do where a file of an image set is damaged."""
    return REMEDY if images.kind == CORPUS_KIND else "restore it, or change its date to have it checked again"


def _description(root: Path) -> tuple[int, str]:
    """The number of images, and the digest of all, in the description of a corpus. Raises `InputError`."""
    path = root / DESCRIPTION
    try:
        found = parse_json(path.read_bytes())
        return int(found["images"]), str(found["digest"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise _damaged(path) from error


def _damaged(path: Path) -> InputError:
    return InputError(f"{path} is damaged; {REMEDY}")
