"""What is compared with what, and how the two were made otherwise."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pandas as pd

from bench.evaluation.cells import SCORED
from bench.platform.errors import InputError
from bench.records import columns
from bench.records.manifest import DetectorRecord, Manifest
from bench.records.run import Run

ORDINALS = ("first run", "second run")
DIGITS = 12  # of a digest, for a reader
NOTHING = "none"


@dataclass(frozen=True)
class Side:
    """One detector of one run.

    Attributes:
        run: The run.
        detector: Its name there.
        title: What the comparison calls it.
        header: The same in short.
    """

    run: Run
    detector: str
    title: str
    header: str

    @property
    def record(self) -> DetectorRecord:
        """What the manifest says of it."""
        return self.run.manifest.detectors[self.detector]

    @property
    def of_two_runs(self) -> bool:
        """Whether the other side is of another run."""
        return self.header in ORDINALS

    @cached_property
    def scored(self) -> pd.DataFrame:
        """Its cells that have scores."""
        cells = self.run.cells
        return cells[cells[columns.DETECTOR].eq(self.detector) & cells[columns.STATUS].eq(SCORED)]

    @property
    def trained(self) -> bool:
        """Whether its cells say what it was trained on."""
        return bool(self.scored[columns.TRAIN].ne("").any())


@dataclass(frozen=True, slots=True)
class Difference:
    """Something that is not the same of the two, in words.

    Attributes:
        what: Such as "version".
        first: Of the first.
        second: Of the second.
    """

    what: str
    first: str
    second: str


def choose_sides(runs: Sequence[Run], detectors: Sequence[str]) -> list[tuple[Side, Side]]:
    """The pairs to compare: two detectors of one run, or each of some detectors in two runs.

    Args:
        runs: One or two.
        detectors: Of one run, the two; none for a run of two. Of two runs, those that both have, all for none; or one
            of the first run and one of the second.

    Raises:
        InputError: A detector is not there, or what was given does not say what is to be compared.
    """
    if len(runs) == 1:
        return [_of_one_run(runs[0], detectors)]
    if len(runs) == 2:
        return _of_two_runs(runs[0], runs[1], detectors)
    msg = f"{len(runs)} runs are given; give two result folders, or one and --detectors A,B"
    raise InputError(msg)


def _of_one_run(run: Run, detectors: Sequence[str]) -> tuple[Side, Side]:
    known = list(run.manifest.detectors)
    chosen = list(detectors) or known
    if len(chosen) != 2:
        given = f"--detectors names {len(chosen)}" if detectors else f"the run has {len(chosen)}"
        msg = f"two detectors of one run are compared, and {given}; give --detectors A,B of {', '.join(known)}"
        raise InputError(msg)
    _require(chosen, run, "the run")
    first, second = (Side(run, name, name, name) for name in chosen)
    return first, second


def _of_two_runs(first: Run, second: Run, detectors: Sequence[str]) -> list[tuple[Side, Side]]:
    _require_one_question(first.manifest, second.manifest)
    ours, theirs = first.manifest.detectors, second.manifest.detectors
    apart = len(detectors) == 2 and detectors[0] in ours and detectors[1] in theirs
    if apart and not set(detectors) <= ours.keys() & theirs.keys():
        return [(_side(first, detectors[0], 0), _side(second, detectors[1], 1))]
    for run, where in ((first, "the first run"), (second, "the second run")):
        _require(detectors, run, where)
    common = list(detectors) or [name for name in ours if name in theirs]
    if not common:
        msg = (
            f"no detector is in both runs: {', '.join(ours)} in the first, {', '.join(theirs)} in the second; give "
            "--detectors A,B to compare A of the first with B of the second"
        )
        raise InputError(msg)
    return [(_side(first, name, 0), _side(second, name, 1)) for name in common]


def _side(run: Run, detector: str, place: int) -> Side:
    return Side(run, detector, f"{detector} ({ORDINALS[place]})", ORDINALS[place])


def _require(detectors: Iterable[str], run: Run, where: str) -> None:
    known = run.manifest.detectors
    for name in detectors:
        if name not in known:
            msg = f"{where} has no detector {name!r}; it has {', '.join(known)}"
            raise InputError(msg)


def _require_one_question(first: Manifest, second: Manifest) -> None:
    """Raise `InputError` where no cell of one protocol can be one of the other."""
    names = [manifest.protocol.name for manifest in (first, second)]
    if names[0] != names[1] or set(first.protocol.axes) != set(second.protocol.axes):
        axes = [", ".join(manifest.protocol.axes) or NOTHING for manifest in (first, second)]
        told = [f"{name} with further axes {own}" for name, own in zip(names, axes, strict=True)]
        one, other = names if names[0] != names[1] else told
        msg = f"the first run is of the protocol {one}, the second of {other}; give two runs of one protocol"
        raise InputError(msg)


def differences(first: Side, second: Side) -> tuple[Difference, ...]:
    """How the two were made otherwise: options and checkpoints, and of two runs whatever else may move a score."""
    told = [_of_detector(side) for side in (first, second)]
    if first.of_two_runs:
        told = [
            {**_of_version(side), **own, **_of_run(side.run.manifest)}
            for side, own in zip((first, second), told, strict=True)
        ]
    names = dict.fromkeys(name for one in told for name in one)
    found = [Difference(name, *(one.get(name) or NOTHING for one in told)) for name in names]
    return tuple(one for one in found if one.first != one.second)


def _of_detector(side: Side) -> dict[str, str]:
    """Options, checkpoint and origin of the scores of a detector."""
    checkpoint, imported = side.record.checkpoint, side.record.imported
    trained_on = None if checkpoint is None else checkpoint.trained_on
    return {
        "options": _listed(side.run.manifest.recipe_options.get(side.detector, {})),
        "checkpoint": "" if checkpoint is None else f"{checkpoint.file}, sha256 {checkpoint.sha256[:DIGITS]}",
        "scores of another tool": "" if imported is None else f"{imported.file}, sha256 {imported.sha256[:DIGITS]}",
        "checkpoint trained on": "" if trained_on is None else ", ".join(trained_on),
    }


def _of_version(side: Side) -> dict[str, str]:
    """Name, version and recipe of a detector, which two detectors of one run need not share."""
    return {"detector": side.detector, "version": str(side.record.version), "recipe": side.record.key}


def _of_run(manifest: Manifest) -> dict[str, str]:
    """What of a run may move scores."""
    data, runtime = manifest.data, manifest.runtime
    return {
        "setting": manifest.setting,
        "seeds": ", ".join(map(str, manifest.seeds)),
        "device": runtime.device,
        "precision": runtime.precision,
        "data": data.title,
        "version of the data": data.version,
        "digest of the data": data.digest[:DIGITS],
        "images": f"{data.images:,}",
        "images per generator, split and class": "all" if data.limit is None else f"{data.limit:,} at most",
        "images first": data.base_degradation,
        "options of the protocol": _listed(manifest.protocol.options),
        "versions of degradations": _listed(manifest.degradations),
        **{f"version of {name}": version for name, version in manifest.versions.items()},
        "commit": manifest.commit[:DIGITS],
    }


def _listed(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}={value}" for name, value in values.items())
