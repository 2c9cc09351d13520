"""The fitted detectors of the golden record, as files in one folder that are committed with it.

<detector>-<train>-<seed>.safetensors    as `lineup run --keep-fitted` writes them
manifest.json                            sha256 of each
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from bench.golden.golden_record import FILES, MANIFEST
from bench.platform.errors import InputError
from bench.platform.outside.json_text import parse_json
from bench.records.saved_detector import SavedDetector, read_saved
from bench.records.store import Store
from detectors.api import State

SUFFIX = ".safetensors"


def read_fitted(folder: Path) -> dict[str, tuple[SavedDetector, State]]:
    """The fitted detectors in a folder, by name of the file; none where there is no folder.

    Raises:
        InputError: A file is missing or damaged, or not in the list.
    """
    if not folder.is_dir():
        return {}
    try:
        listed = parse_json((folder / MANIFEST).read_bytes())[FILES]
        found = {path.name: _digest(path.read_bytes()) for path in sorted(folder.glob(f"*{SUFFIX}"))}
    except (OSError, ValueError, KeyError, TypeError) as error:
        msg = f"the fitted detectors of the golden record in {folder} are damaged ({error})"
        raise InputError(f"{msg}; restore them, or make new ones with --update") from error
    if wrong := [name for name in sorted({*listed, *found}) if listed.get(name) != found.get(name)]:
        msg = f"{folder / wrong[0]} is not the fitted detector that {MANIFEST} lists"
        raise InputError(f"{msg}; restore it, or make new ones with --update")
    return {name: read_saved(folder / name) for name in found}


def write_fitted(files: Mapping[str, bytes], folder: Path) -> None:
    """Write fitted detectors, by name of the file, as everything that a folder holds."""
    Store(folder).replace(fitted_files(files))


def fitted_files(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """Fitted detectors, by name of the file, and the list of them."""
    listed = {name: _digest(data) for name, data in sorted(files.items())}
    return {MANIFEST: json.dumps({FILES: listed}, indent=1).encode(), **files}


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
