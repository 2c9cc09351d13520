"""Finding a file of weights: shipped with the package, in the cache of a library, or on the Hugging Face hub.

A file is found and hashed when a detector is put together. What is missing is `Unavailable`.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from detectors.api import Unavailable
from detectors.weight_file import HashedFile, WrongWeights, hashed_file

SHIPPED_FOLDER = Path(__file__).parent / "shipped"
HUB_TIMEOUT = 3.0  # seconds for the hub to answer


def shipped_file(name: str) -> HashedFile:
    """Weights that ship with the package, checked against the hash on their card.

    Raises:
        Unavailable: The package was installed without them.
        WrongWeights: The file is not the one that the card describes.
    """
    path = SHIPPED_FOLDER / f"{name}.safetensors"
    if not path.is_file():
        msg = f"{path.name} is not in {SHIPPED_FOLDER}: install the package with its data files"
        raise Unavailable(msg)
    weights, expected = hashed_file(path), shipped_card(name)["sha256"]
    if weights.sha256 != expected:
        msg = f"{path} has sha256 {weights.sha256}, its card says {expected}: install the package again"
        raise WrongWeights(msg)
    return weights


def shipped_card(name: str) -> dict[str, Any]:
    """The card of weights that ship with the package. Raises `Unavailable` where it is missing."""
    path = SHIPPED_FOLDER / f"{name}.json"
    if not path.is_file():
        msg = f"{path.name} is not in {SHIPPED_FOLDER}: install the package with its data files"
        raise Unavailable(msg)
    card: dict[str, Any] = json.loads(path.read_text())
    return card


def hub_file(repository: str, *names: str) -> HashedFile:
    """Weights from the Hugging Face hub: from its local cache, else downloaded.

    Args:
        repository: "owner/name".
        *names: File names, the preferred one first; the first that exists is taken.

    Raises:
        Unavailable: The file is not in the cache, and the hub does not answer in time or does not have it.
    """
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import EntryNotFoundError, HfHubHTTPError

    if cached := cached_hub_file(repository, *names):
        return cached
    for name in names:
        if not _hub_answers(repository, name):
            break
        try:
            return hashed_file(Path(hf_hub_download(repository, name)))
        except EntryNotFoundError:
            continue
        except (HfHubHTTPError, OSError):
            break
    msg = (
        f"could not get {' or '.join(names)} of hub repository {repository}: connect to the hub, "
        "or download the file elsewhere and give its path"
    )
    raise Unavailable(msg)


def cached_hub_file(repository: str, *names: str) -> HashedFile | None:
    """The first of some files in the local cache of the Hugging Face hub; None where it has none of them."""
    from huggingface_hub import try_to_load_from_cache

    for name in names:
        path = try_to_load_from_cache(repository, name)
        if isinstance(path, str):
            return hashed_file(Path(path))
    return None


def cached_torch_file(*names: str) -> HashedFile | None:
    """The first of some files in torch's own download folder; None where it has none of them.

    The hash of such a file begins with the eight hex digits in its name: one with another hash is passed over.
    """
    for name in names:
        path = torch_hub_folder() / "checkpoints" / name
        if path.is_file() and (found := hashed_file(path)).sha256.startswith(path.stem.rpartition("-")[2]):
            return found
    return None


def torch_hub_folder() -> Path:
    """Torch's own download folder, by the same environment variables but without importing torch."""
    cache = os.environ.get("XDG_CACHE_HOME", "~/.cache")
    return Path(os.environ.get("TORCH_HOME", f"{cache}/torch")).expanduser() / "hub"


def _hub_answers(repository: str, name: str) -> bool:
    """Whether the hub answers in time: the client alone would retry for half a minute."""
    from huggingface_hub import get_session, hf_hub_url

    try:
        get_session().head(hf_hub_url(repository, name), timeout=HUB_TIMEOUT)
    except Exception:  # noqa: BLE001 - the client's transport decides what it raises, and every error says "no"
        return False
    return True
