"""Files of the Hugging Face hub: in the client's own cache, else downloaded; whatever fails is one sentence."""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path
from queue import Empty, Queue
from threading import Thread
from typing import Any, TypeVar

from detectors.api import Unavailable
from detectors.weight_file import HashedFile, hashed_file

TIMEOUT = 5.0  # seconds for the hub to answer, the search for its name included
STATUSES = {
    401: "wants to know who asks",
    403: "does not let everybody have it",
    429: "asks to wait, after too many requests",
}
SERVER_FAULTS = 500  # the first of the statuses that are the server's fault
Reply = TypeVar("Reply")


def hub_file(repository: str, *names: str) -> HashedFile:
    """Weights from the Hugging Face hub: from its local cache, else downloaded after one question to the hub.

    Args:
        repository: "owner/name".
        *names: File names, the preferred one first; the first that exists is taken.

    Raises:
        Unavailable: The file is not in the cache, and the hub does not answer in time or does not give it.
    """
    from huggingface_hub import hf_hub_download

    if cached := cached_hub_file(repository, *names):
        return cached
    try:
        present = _in_time(lambda: _names_in(repository))
    except Exception as error:
        raise Unavailable(_sentence(repository, names, _reason(error))) from error
    name = next((name for name in names if name in present), None)
    if name is None:
        raise Unavailable(_sentence(repository, names, "the repository has no such file"))
    try:
        return hashed_file(Path(hf_hub_download(repository, name)))
    except Exception as error:
        raise Unavailable(_sentence(repository, names, _reason(error))) from error


def cached_hub_file(repository: str, *names: str) -> HashedFile | None:
    """The first of some files in the local cache of the Hugging Face hub; None where it has none of them."""
    from huggingface_hub import try_to_load_from_cache

    for name in names:
        path = try_to_load_from_cache(repository, name)
        if isinstance(path, str):
            return hashed_file(Path(path))
    return None


def _names_in(repository: str) -> Collection[str]:
    """The files of a repository, by one question to the hub."""
    from huggingface_hub import HfApi

    return {file.rfilename for file in HfApi().model_info(repository, timeout=TIMEOUT).siblings or ()}


def _in_time(ask: Callable[[], Reply]) -> Reply:
    """What a function returns or raises; TimeoutError where it takes too long, as the search for a name may."""
    found: Queue[tuple[Reply | None, Exception | None]] = Queue()

    def answer() -> None:
        try:
            found.put((ask(), None))
        except Exception as error:  # noqa: BLE001 - it is raised again by the thread that waits
            found.put((None, error))

    Thread(target=answer, daemon=True).start()
    try:
        value, error = found.get(timeout=TIMEOUT)
    except Empty:
        raise TimeoutError from None
    if error is not None:
        raise error
    return value  # type: ignore[return-value]


def _reason(error: Exception) -> str:
    """Why the hub did not give a file."""
    from huggingface_hub.errors import GatedRepoError, OfflineModeIsEnabled, RepositoryNotFoundError

    if isinstance(error, GatedRepoError):
        return "its licence has to be accepted on its page first; then log in with `hf auth login` or set HF_TOKEN"
    if isinstance(error, RepositoryNotFoundError):
        return "there is no such repository, or it is private"
    if isinstance(error, OfflineModeIsEnabled):
        return "HF_HUB_OFFLINE forbids to ask"
    response: Any = getattr(error, "response", None)
    status = getattr(response, "status_code", None)
    if status is not None:
        said = "is out of order" if status >= SERVER_FAULTS else STATUSES.get(status, "refuses it")
        return f"the hub {said} (status {status})"
    if isinstance(error, TimeoutError) or "timeout" in type(error).__name__.lower():
        return f"the hub did not answer within {TIMEOUT:.0f} s"
    return f"the hub cannot be reached ({str(error).partition(chr(10))[0]})"


def _sentence(repository: str, names: Collection[str], reason: str) -> str:
    files = " or ".join(names)
    return (
        f"could not get {files} of hub repository {repository} ({reason}): connect to the hub, or download the file"
        " elsewhere and give its path"
    )
