"""Files of the Hugging Face hub: in the client's own cache, else downloaded; whatever fails is one sentence.

What the client would download is put into its cache by the rules of `downloads`, which bound every wait; the client
then finds it there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from detectors.api import Unavailable
from detectors.weight_file import HashedFile, hashed_file
from detectors.weights.downloads import (
    Download,
    NotDownloaded,
    NotWritable,
    fetch,
    in_time,
    remember_unreachable,
    status_text,
    unreachable,
)

TIMEOUT = 5.0  # seconds for the hub to answer, the search for its name included
LINKING = 30.0  # seconds for the client to find in its cache what was put there; it asks the hub once more
LOG_IN = "log in with `hf auth login` or set HF_TOKEN"


class _Refused(Exception):
    """The hub did not give a file. Its arguments are a reason, and what to do."""


@dataclass(frozen=True)
class _Content:
    """What the hub says of a file.

    Attributes:
        name: The file.
        etag: By which the client's cache calls its content.
        sha256: Of its content; empty for a file that is small enough to be kept without one.
        size: In bytes; None where it is not said.
    """

    name: str
    etag: str
    sha256: str
    size: int | None


def hub_file(repository: str, *names: str) -> HashedFile:
    """Weights from the Hugging Face hub: from its local cache, else downloaded after one question to the hub.

    Args:
        repository: "owner/name".
        *names: File names, the preferred one first; the first that exists is taken.

    Raises:
        Unavailable: The file is not in the cache, and the hub does not answer in time or does not give it.
    """
    if cached := cached_hub_file(repository, *names):
        return hashed_file(cached)
    try:
        return hashed_file(_downloaded(repository, _first_of(repository, names)))
    except _Refused as error:
        reason, advice = error.args
        msg = f"could not get {' or '.join(names)} of hub repository {repository} ({reason}): {advice}"
        raise Unavailable(msg) from error


def cached_hub_file(repository: str, *names: str) -> Path | None:
    """The first of some files in the local cache of the Hugging Face hub; None where it has none of them."""
    from huggingface_hub import try_to_load_from_cache

    for name in names:
        path = try_to_load_from_cache(repository, name)
        if isinstance(path, str):
            return Path(path)
    return None


def hub_address(repository: str, name: str) -> str:
    """The address of a file of the hub."""
    from huggingface_hub import HfApi

    return f"{HfApi().endpoint}/{repository}/resolve/main/{name}"


def hub_download(repository: str, name: str, sha256: str = "", size: int | None = None) -> Download:
    """A file of the hub as it is asked for by a user who may be logged in."""
    from huggingface_hub import get_token

    token = get_token()
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return Download(hub_address(repository, name), sha256, size, headers)


def _downloaded(repository: str, content: _Content) -> Path:
    """The path of a file in the client's cache, downloaded. Raises `_Refused`."""
    from huggingface_hub import HfApi, hf_hub_download, utils

    progress: Any = utils  # its bars have no types
    wanted = hub_download(repository, content.name, content.sha256, content.size)
    try:
        with progress.tqdm(desc=content.name, unit="B", unit_scale=True, total=content.size) as bar:
            fetch(wanted, _cache(repository) / "blobs" / content.etag, lambda done, _: bar.update(done - bar.n))
        return Path(in_time(partial(hf_hub_download, repository, content.name, endpoint=HfApi().endpoint), LINKING))
    except NotWritable as error:
        raise _Refused(str(error), "free some space, or set HF_HOME to another folder") from error
    except NotDownloaded as error:
        raise _Refused(str(error), _by_hand(repository, content.name)) from error
    except Exception as error:
        raise _Refused(*_reason(repository, content.name, error)) from error


def _first_of(repository: str, names: Sequence[str]) -> _Content:
    """The first of some files that a repository has. Raises `_Refused`."""
    files = _files_in(repository, names[0])
    for name in names:
        if name in files:
            return files[name]
    reason = "the repository has no such file"
    raise _Refused(reason, f"see {_page(repository)}")


def _files_in(repository: str, wanted: str) -> Mapping[str, _Content]:
    """The files of a repository by name, by one question to the hub. Raises `_Refused`, which names a wanted one."""
    from huggingface_hub import HfApi

    api = HfApi()
    host = urlsplit(api.endpoint).netloc
    if why := unreachable(host):
        reason = f"the hub {why}"
        raise _Refused(reason, _by_hand(repository, wanted))
    try:
        info = in_time(lambda: api.model_info(repository, timeout=TIMEOUT, files_metadata=True), TIMEOUT)
    except Exception as error:
        if why := _why_unreachable(error):
            remember_unreachable(host, why)
        raise _Refused(*_reason(repository, wanted, error)) from error
    found = {}
    for file in info.siblings or ():
        sha256 = file.lfs.sha256 if file.lfs else ""
        found[file.rfilename] = _Content(file.rfilename, sha256 or file.blob_id or "unnamed", sha256, file.size)
    return found


def _page(repository: str) -> str:
    from huggingface_hub import HfApi

    return f"{HfApi().endpoint}/{repository}"


def _cache(repository: str) -> Path:
    """The folder of a repository in the client's cache."""
    from huggingface_hub import constants
    from huggingface_hub.file_download import repo_folder_name

    return Path(constants.HF_HUB_CACHE) / repo_folder_name(repo_id=repository, repo_type="model")


def _by_hand(repository: str, name: str) -> str:
    """How to get a file without the network of this machine."""
    folder = _cache(repository)
    return (
        f"ask again later, or run `hf download {repository} {name}` on a machine that reaches {_page(repository)},"
        f" and copy the folder {folder.name} from its cache into {folder.parent}"
    )


def _reason(repository: str, name: str, error: Exception) -> tuple[str, str]:
    """Why the hub did not give a file, and what to do."""
    from huggingface_hub.errors import GatedRepoError, OfflineModeIsEnabled, RepositoryNotFoundError

    if isinstance(error, GatedRepoError):
        return "it is for those alone who accepted its licence", f"accept it on {_page(repository)}, then {LOG_IN}"
    if isinstance(error, RepositoryNotFoundError):
        return "there is no such repository, or it is private", f"see {_page(repository)}; for a private one, {LOG_IN}"
    if isinstance(error, OfflineModeIsEnabled):
        return "HF_HUB_OFFLINE forbids to ask", f"unset it; or {_by_hand(repository, name)}"
    status = _status(error)
    if status is None:
        return f"the hub {_why_unreachable(error)}", _by_hand(repository, name)
    return f"the hub {status_text(status)} (status {status})", _by_hand(repository, name)


def _status(error: Exception) -> int | None:
    """The status of the hub's answer; None where it gave none."""
    response: Any = getattr(error, "response", None)
    status: int | None = getattr(response, "status_code", None)
    return status


def _why_unreachable(error: Exception) -> str:
    """Why the hub did not answer, as what is said of it; empty where it did, or was not asked."""
    from huggingface_hub.errors import OfflineModeIsEnabled

    if isinstance(error, OfflineModeIsEnabled) or _status(error) is not None:
        return ""
    if isinstance(error, TimeoutError) or "timeout" in type(error).__name__.lower():
        return f"did not answer within {TIMEOUT:.0f} s"
    return f"cannot be reached ({str(error).partition(chr(10))[0]})"
