"""The result folder of a run: whether the run may go on with what it holds.

A folder holds one question: a run may repeat it, and add detectors and training seeds to it. Anything else would take
the place of tables that are there, and is asked for with --replace.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from bench.platform.errors import InputError
from bench.platform.locks import LockTaken, held
from bench.platform.outside.json_text import parse_json
from bench.records.manifest import DataRecord, Manifest, ProtocolRecord, read_manifest
from bench.records.settings import SETTINGS, read_settings
from bench.records.store import LOCK, MANIFEST
from bench.records.whole_files import damaged, require_whole
from bench.request.planned_run import PlannedRun
from bench.request.run_record import manifest_of

MAX_SHOWN = 5  # detectors that a message names


@contextmanager
def held_for_one_run(out: Path) -> Iterator[None]:
    """Hold a result folder, which is made where it is not there, for this run alone.

    Raises:
        InputError: Another run writes into it, or it cannot be written.
    """
    with ExitStack() as stack:
        stack.callback(_remove_empty, out)
        try:
            out.mkdir(parents=True, exist_ok=True)
            stack.enter_context(held(out / LOCK))
        except LockTaken as error:
            msg = f"OUT {out} is being written by another run ({error}); wait until it has ended, or give another --out"
            raise InputError(msg) from error
        except OSError as error:
            raise _unwritable(out, error.strerror or str(error)) from error
        if closed := [one.name for one in sorted(out.iterdir()) if one.is_dir() and not os.access(one, os.W_OK)]:
            raise _unwritable(out, f"Permission denied in its {closed[0]}")
        yield


def _remove_empty(folder: Path) -> None:
    """Take a folder away in which nothing was written."""
    with suppress(OSError):
        folder.rmdir()


def _unwritable(out: Path, reason: str) -> InputError:
    return InputError(f"OUT {out} cannot be written ({reason}); choose another folder")


def require_own_question(out: Path, runs: Sequence[PlannedRun]) -> None:
    """Check that runs may write into their folders.

    Args:
        out: The folder that was asked for.
        runs: The runs, in that folder, or each in one of its own below it.

    Raises:
        InputError: What is there would be replaced.
    """
    chains = [run.request.base_degradation for run in runs]
    if others := _joined_chains(out) - (set(chains) if len(runs) > 1 else set()):
        raise _refusal(out, f"the leaderboard of several runs ({', '.join(sorted(others))})", [])
    for run in runs:
        require_extension(run.request.out, manifest_of(run))
    if len(runs) > 1 and (known := read_result(out)):
        raise _refusal(out, _content(known), ["base degradations in folders of their own"])


def require_extension(folder: Path, new: Manifest) -> None:
    """Raise `InputError` where a folder holds the run of another question, or more than `new` asks for."""
    known = read_result(folder)
    if known and (differences := list(_differences(known, new))):
        raise _refusal(folder, _content(known), differences)


def read_result(folder: Path) -> Manifest | None:
    """The manifest of the run in a folder; None where there is none that this version reads."""
    path = folder / MANIFEST
    if not path.is_file():
        return None
    try:
        return read_manifest(require_whole(folder, path).read_bytes(), str(path))[0]
    except InputError:
        return None


def _joined_chains(folder: Path) -> set[str]:
    """What the leaderboard in a folder was joined of, by base degradation; none where it is that of one run."""
    if (folder / MANIFEST).is_file() or not (board := folder / "leaderboard.json").is_file():
        return set()
    if (settings := folder / SETTINGS).is_file():
        return {part.strip() for part in str(read_settings(settings).values.get("base_degradation", "")).split(",")}
    require_whole(folder, board)
    try:
        return {str(ranking.get("data", "")) for ranking in parse_json(board.read_bytes())}
    except (ValueError, AttributeError, TypeError) as error:
        raise damaged(folder, board, error) from error


def _refusal(folder: Path, content: str, differences: Sequence[str]) -> InputError:
    asked = f", and this run has {'; '.join(differences)}" if differences else ""
    return InputError(
        f"OUT {folder} holds {content}{asked}; give another --out (`lineup leaderboard {folder} OTHER` joins them),"
        " or --replace"
    )


def _content(known: Manifest) -> str:
    return f"{known.protocol.name} on {known.data.title} with {_shown(list(known.detectors))}"


def _shown(names: Sequence[str]) -> str:
    more = f" and {len(names) - MAX_SHOWN} more" if len(names) > MAX_SHOWN else ""
    return ", ".join(names[:MAX_SHOWN]) + more


def _differences(known: Manifest, new: Manifest) -> Iterator[str]:
    """What of a run another does not go on with, in words."""
    if known.protocol.name != new.protocol.name:
        yield f"the protocol {new.protocol.name}"
        return
    options = {name: new.protocol.options[name] for name in known.protocol.options if name in new.protocol.options}
    yield from (
        f"{name} {value!r}, not {known.protocol.options[name]!r}"
        for name, value in json.loads(json.dumps(options)).items()
        if value != known.protocol.options[name]
    )
    yield from _file_differences(known.protocol, new.protocol)
    pairs = {
        "the setting": (known.setting, new.setting),
        "the device": tuple(one.runtime.device.partition(":")[0] for one in (known, new)),
        "the precision": (known.runtime.precision, new.runtime.precision),
        "images degraded on": (known.runtime.degrade_on, new.runtime.degrade_on),
        "the limit": (known.data.limit, new.data.limit),
        "the base degradation": (known.data.base_degradation, new.data.base_degradation),
        "the share for validation": (known.validation, new.validation),
    }
    yield from (
        f"{what} {now or 'none'}, not {before or 'none'}" for what, (before, now) in pairs.items() if before != now
    )
    if (known.data.limit, known.data.base_degradation) == (new.data.limit, new.data.base_degradation):
        yield from _data_differences({"": known.data, **known.further}, {"": new.data, **new.further})
    yield from _row_differences(known, new)


def _file_differences(known: ProtocolRecord, new: ProtocolRecord) -> Iterator[str]:
    """What has changed in files and profiles under the same names; nothing is known of those of older runs."""
    for name, before in known.files.items():
        if before != new.files.get(name):
            yield f"a {name} file of other content"
    for one, now in zip(known.profiles, new.profiles, strict=False):  # of the same options, so in one order
        changes = {
            "degradations": one.degradations != now.degradations,
            "score": dict(one.score) != dict(now.score),
        }
        changed = [what for what, is_other in changes.items() if is_other]
        if one.name == now.name and changed:
            yield f"other {' and other '.join(changed)} of the profile {one.name}"


def _data_differences(known: dict[str, DataRecord], new: dict[str, DataRecord]) -> Iterator[str]:
    """Differences of the data sets, by name."""
    if known.keys() != new.keys():
        yield f"{len(new)} data sets, not {len(known)}"
        return
    for name, before in known.items():
        now = new[name]
        if before.title != now.title:
            yield f"the data {now.title}, not {before.title}"
        elif now.digest and before.digest != now.digest:  # a dry run may know no content
            counts = f" ({now.images:,}, not {before.images:,})" if now.images != before.images else ""
            yield f"other images or labels of {now.title}{counts}"


def _row_differences(known: Manifest, new: Manifest) -> Iterator[str]:
    """The detectors and seeds that are there and not asked for, and detectors that have changed."""
    if missing := [name for name in known.detectors if name not in new.detectors]:
        yield f"no {_shown(missing)} (name all detectors to add some)"
    for name, before in known.detectors.items():
        now = new.detectors.get(name)
        absent = any(one and one.checkpoint and not one.checkpoint.sha256 for one in (before, now))
        if now and not absent and before.key != now.key:
            yield f"{name} as {now.key}, not {before.key}"
    if seeds := sorted(set(known.seeds) - set(new.seeds)):
        yield f"no training seed {', '.join(map(str, seeds))} (name all seeds to add some)"
