"""How to repeat a run: the command, and everything that the numbers depend on."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any

from markupsafe import Markup

from bench.charts.markup import element, joined
from bench.records.manifest import Manifest
from bench.report.page.parts import folded, table
from bench.report.ranking_columns import DASH, TableColumn
from protocols.api import NONE

EMBEDDED, FLOAT32 = "embedded", "float32"


def repeat(manifest: Manifest) -> Markup:
    """The command that asks the same again, and what it ran on."""
    runtime = manifest.runtime
    device = f"{runtime.conditions}, {runtime.processor}"
    data = "" if manifest.data.kind == EMBEDDED else " DATA is the folder of the images."
    trained = f", trained with {runtime.training_threads} threads" if runtime.training_threads else ""
    further = trained + (f", by the nodes of the cluster {runtime.cluster}" if runtime.cluster else "")
    commit = f"Commit {manifest.commit.removesuffix('-dirty')}"
    changed = " (with changes that were not committed)" if manifest.commit.endswith("-dirty") else ""
    return joined(
        element("p", f"Where Lineup is installed, which needs Python 3.11 or later, this asks the same again.{data}"),
        element("pre", element("code", command(manifest)), tabindex="0", role="region", aria_label="Command"),
        element(
            "p",
            f"{commit}{changed} on {device}, batches of {runtime.batch_size}, workers: {runtime.workers}{further}.",
            class_="legend",
        ),
        element("p", _beside_it(manifest)) if _beside_it(manifest) else None,
        folded("Versions", _versions(manifest)),
        folded("Detectors", _detectors(manifest)),
    )


def command(manifest: Manifest) -> str:
    """The command line of a run; images that are no part of Lineup stand as DATA."""
    protocol = manifest.protocol
    words = ["lineup", "run", "--protocol", protocol.name]
    data = "" if manifest.data.kind == EMBEDDED else " --data DATA"
    if manifest.data.limit:
        words += ["--limit", str(manifest.data.limit)]
    if manifest.data.base_degradation != NONE:
        words += ["--base-degradation", manifest.data.base_degradation]
    detectors = [name for name, record in manifest.detectors.items() if record.imported is None]
    words += ["--detectors", ",".join(detectors), "--seed", ",".join(map(str, manifest.seeds))]
    words += ["--setting", manifest.setting]
    if manifest.runtime.precision != FLOAT32:
        words += ["--precision", manifest.runtime.precision]
    if manifest.runtime.degrades_by_torch:
        words += ["--degrade-on", manifest.runtime.degrade_on]
    if manifest.validation:
        words += ["--validation", f"{manifest.validation:g}"]
    for name, value in protocol.options.items():
        words += _option(name, value)
    return " ".join(map(shlex.quote, words)) + data


def _beside_it(manifest: Manifest) -> str:
    """What the command does not say; empty for nothing."""
    options = [f"{name}: {dict(found)}" for name, found in manifest.recipe_options.items() if found]
    said = [f"Options of detectors, for a settings file: {'; '.join(options)}."] if options else []
    said += [f"Further data sets: {', '.join(manifest.further)}."] if manifest.further else []
    return " ".join(said)


def _option(name: str, value: Any) -> list[str]:  # noqa: ANN401 - as the user chose it
    flag = f"--{name.replace('_', '-')}"
    if isinstance(value, bool):
        return [flag] if value else [f"--no-{flag[2:]}"]
    if isinstance(value, list | tuple):
        return [flag, ",".join(map(str, value))] if value else []
    return [flag, str(value)] if value not in {None, ""} else []


def _versions(manifest: Manifest) -> Markup:
    rows = sorted({**manifest.versions, **{f"degradation {k}": v for k, v in manifest.degradations.items()}}.items())
    return _two_columns("of", "version", dict(rows))


def _detectors(manifest: Manifest) -> Markup:
    records = manifest.detectors.values()
    cards = [record.card for record in records]

    def card(name: str) -> tuple[str, ...]:
        return tuple(str(one.get(name) or DASH) for one in cards)

    return table(
        [
            TableColumn("detector", tuple(manifest.detectors), left=True),
            TableColumn("family", card("family"), left=True),
            TableColumn("version", tuple(str(record.version) for record in records)),
            TableColumn("paper", card("paper"), left=True),
            TableColumn("licence", card("licence"), left=True),
            TableColumn("key", tuple(record.key for record in records), left=True),
        ],
        caption="Detectors",
    )


def _two_columns(first: str, second: str, rows: Mapping[str, str]) -> Markup:
    shown = [TableColumn(first, tuple(rows), left=True), TableColumn(second, tuple(rows.values()), left=True)]
    return table(shown, caption=f"{first}, {second}")
