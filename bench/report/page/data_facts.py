"""What the images of a run are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from bench.charts.markup import element, joined
from bench.records.manifest import DataRecord
from bench.report.page.parts import folded, paragraphs, table
from bench.report.ranking_columns import DASH, TableColumn, span_text


def data_facts(records: Mapping[str, DataRecord]) -> Markup:
    """Every data set of a run, by the name that its cells have, "" for the first: its counts, files and warnings."""
    return joined(*(_facts(name, record) for name, record in records.items()))


def _facts(name: str, record: DataRecord) -> Markup:
    title = record.title if not name else f"{record.title} ({name})"
    groups = list(record.census.get("groups", ()))
    used = [one for one in record.generators if not groups or any(group.get("generator") == one for group in groups)]
    generators = f"{record.images:,} images, {len(used)} generator{'' if len(used) == 1 else 's'}: "
    generators += f"{_families(used, record.families)}."
    limited = f" At most {record.limit:,} images of each generator, split and class." if record.limit else ""
    excluded = len(record.census.get("excluded", ()))
    left_out = f" {excluded:,} files could not be read and were left out for every detector." if excluded else ""
    return joined(
        element("h4", title),
        element("p", f"{generators}{limited}{left_out}"),
        element("div", paragraphs(record.warnings), class_="warned") if record.warnings else None,
        folded("Files of each generator, split and class", _census(groups)) if groups else None,
        element("p", f"Digest of names, contents and labels: {record.digest}", class_="legend"),
    )


def _families(generators: Sequence[str], families: Mapping[str, str]) -> str:
    members: dict[str, list[str]] = {}
    for generator in generators:
        members.setdefault(families.get(generator, generator), []).append(generator)
    return "; ".join(
        f"{family}: {', '.join(names)}" if names != [family] else family for family, names in members.items()
    )


def _census(groups: list[Mapping[str, Any]]) -> Markup:
    def texts(name: str) -> tuple[str, ...]:
        return tuple(str(group.get(name, DASH)) for group in groups)

    def sizes(group: Mapping[str, Any]) -> str:
        wide, high = group.get("width") or {}, group.get("height") or {}
        if not wide or not high:
            return DASH
        return f"{span_text(int(wide['min']), int(wide['max']))} x {span_text(int(high['min']), int(high['max']))}"

    def formats(group: Mapping[str, Any]) -> str:
        return ", ".join(f"{name} {count:,}" for name, count in (group.get("formats") or {}).items()) or DASH

    def quality(group: Mapping[str, Any]) -> str:
        found = group.get("quality") or {}
        return span_text(int(found["min"]), int(found["max"])) if found else DASH

    return table(
        [
            TableColumn("generator", texts("generator"), left=True),
            TableColumn("split", texts("split"), left=True),
            TableColumn("class", texts("class"), left=True),
            TableColumn("images", tuple(f"{group.get('images', 0):,}" for group in groups)),
            TableColumn("pixels", tuple(map(sizes, groups))),
            TableColumn("format", tuple(map(formats, groups)), left=True),
            TableColumn("JPEG quality", tuple(map(quality, groups))),
        ],
        caption="Files of each generator, split and class",
    )
