"""The census and the audit of a data set for the terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from rich.console import Group, RenderableType
from rich.text import Text

from bench.images.quality.audit import (
    CHANCE,
    VERDICTS,
    Finding,
    accuracy_text,
    group_findings,
    leak_summary,
)
from bench.images.quality.census import Census
from bench.platform.printable import printable
from bench.report.ranking_columns import DASH, TableColumn
from bench.report.terminal import split_columns, text_table

MAX_EXCLUDED = 20  # excluded files that are printed; the others are counted
MAX_ROWS = 16  # of the table of generators, unless all are asked for
ALL = "--all"
SPLITS = ("train", "val", "test")
SHORT_VERDICTS = {"too few images": "too few"}


def _shares_text(counts: Mapping[str, int]) -> str:
    """Such as "JPEG" or "JPEG 98%, PNG 2%"."""
    if len(counts) == 1:
        return next(iter(counts))
    total = sum(counts.values())
    return ", ".join(f"{name} {100 * count / total:.0f}%" for name, count in counts.items())


def _range_text(spread: Mapping[str, float], digits: int = 0) -> str:
    """Such as "96" or "75 to 96, median 90"."""
    if not spread:
        return DASH
    least, middle, most = (f"{spread[name]:.{digits}f}" for name in ("min", "median", "max"))
    return least if least == most else f"{least} to {most}, median {middle}"


def _size_text(row: pd.Series[Any]) -> str:
    """Such as "512x512", or the span of the shorter side where sizes differ."""
    width, height = row["width"], row["height"]
    if width["min"] == width["max"] and height["min"] == height["max"]:
        return f"{width['min']:.0f}x{height['min']:.0f}"
    return f"shorter side {_range_text(row['short_side'])}"


def _quality_text(row: pd.Series[Any]) -> str:
    """The range of JPEG qualities, and the share of JPEG files that are of none."""
    parts = [_range_text(row["quality"])] if row["quality"] else []
    if row["other_tables"]:
        parts.append(f"{100 * row['other_tables'] / row['images']:.0f}% non-standard tables")
    return ", ".join(parts) or DASH


def _splits_text(splits: Mapping[str, int]) -> str:
    """Such as "train 160, val 40"."""
    return ", ".join(f"{name} {splits[name]:,}" for name in sorted(splits, key=SPLITS.index))


def _census_columns(generators: pd.DataFrame) -> list[TableColumn]:
    """One row per generator or pool and class; modes, EXIF and colour profiles only where there are unusual ones."""
    rows = [row for _, row in generators.iterrows()]

    def column(header: str, texts: list[str], *, left: bool = False) -> TableColumn:
        return TableColumn(header, tuple(texts), left)

    shown = [
        column("generator", [row["generator"] for row in rows], left=True),
        column("class", [row["class"] for row in rows], left=True),
        column("images", [_splits_text(row["splits"]) for row in rows], left=True),
        column("format", [_shares_text(row["formats"]) for row in rows], left=True),
        column("size", [_size_text(row) for row in rows], left=True),
        column("JPEG quality", [_quality_text(row) for row in rows], left=True),
        column("bytes/px", [f"{row['bytes_per_pixel']['median']:.2f}" for row in rows]),
        column("mode", [_shares_text(row["modes"]) for row in rows], left=True),
        column("EXIF", [f"{row['exif']:,}" for row in rows]),
        column("profile", [f"{row['profile']:,}" for row in rows]),
    ]
    plain = {"mode": "RGB", "EXIF": "0", "profile": "0"}
    return [column for column in shown if set(column.texts) != {plain.get(column.header)}]


def census_report(census: Census, title: str, source: str, width: int, *, every_row: bool = False) -> Group:
    """The whole census: warnings and notes, then a table of generators and pools, cut where it is long.

    Args:
        census: The census.
        title: The data set's.
        source: What the user called it.
        width: Columns of the terminal.
        every_row: Whether the table is to be whole, however long.
    """
    generated = census.groups[census.groups["class"] == "generated"]
    head = f"{title} ({source}): {census.images:,} images, {generated['generator'].nunique()} generators"
    lines = [Text(printable(f"Warning: {warning}"), style="yellow") for warning in census.warnings]
    notes = [*census.notes, *(note.text for note in census.file_notes)]
    notes += [
        f"{duplicate.images:,} real images stand in several pools, such as {duplicate.example[0]}"
        for duplicate in census.duplicates
        if duplicate.across == "pools"
    ]
    lines += [Text(printable(f"Note: {note}")) for note in notes]
    excluded = (f"  {row['name']}: {row['reason']}" for _, row in census.excluded.head(MAX_EXCLUDED).iterrows())
    lines += [Text(printable(line)) for line in excluded]
    if (more := len(census.excluded) - MAX_EXCLUDED) > 0:
        lines.append(Text(f"  and {more} more"))
    shown = census.generators if every_row else census.generators.head(MAX_ROWS)
    tables: list[RenderableType] = [
        text_table(block, 2) for block in split_columns(_census_columns(shown), width, fixed=2)
    ]
    if (hidden := len(census.generators) - len(shown)) > 0:
        tables.append(Text(f"and {hidden} more rows: {ALL} shows them"))
    return Group(Text(head, style="bold"), *lines, *tables)


def audit_report(findings: Sequence[Finding], note: str, *, every_row: bool = False) -> Group:
    """The verdict of the audit, then what was found of every attribute: of all generators together, or of each.

    Args:
        findings: What the audit found.
        note: What is to be known of the data beside them; "" for nothing.
        every_row: Whether each finding has a row; else those of one attribute and verdict share one.
    """
    generators = len({finding.generator for finding in findings})
    tested = [finding for finding in findings if not finding.constant]
    groups = [group for verdict in VERDICTS for group in group_findings(tested, verdict).values()]
    rows = [[finding] for group in groups for finding in group] if every_row else groups
    columns = [
        TableColumn("attribute", tuple(row[0].attribute for row in rows), left=True),
        TableColumn("verdict", tuple(SHORT_VERDICTS.get(row[0].verdict, row[0].verdict) for row in rows), left=True),
        TableColumn("generators", tuple(_generators_text(row, generators) for row in rows), left=True),
        TableColumn("highest accuracy" if generators > 1 else "accuracy", tuple(accuracy_text(row[0]) for row in rows)),
        TableColumn("what tells", tuple(_evidence(row[0]) for row in rows), left=True),
    ]
    table = text_table([one for one in columns if generators > 1 or one.header != "generators"], wraps=True)
    lines = [Text(f"Note: {note}")] if note else []
    lines += [Text(f"The same in all images: {constant}")] if (constant := _constant_text(findings)) else []
    if len(rows) < len(tested):
        lines.append(Text(f"Of each attribute the most telling generator; {ALL} shows every one"))
    return Group(Text(f"Audit: {leak_summary(findings)}", style="bold"), *lines, *([table] if rows else []))


def _constant_text(findings: Sequence[Finding]) -> str:
    """The attributes that are the same in all images of every generator and its pool."""
    varying = {finding.attribute for finding in findings if not finding.constant}
    return ", ".join(dict.fromkeys(finding.attribute for finding in findings if finding.attribute not in varying))


def _generators_text(findings: Sequence[Finding], generators: int) -> str:
    """The generator of a finding, or how many there are of all."""
    return findings[0].generator if len(findings) == 1 else f"{len(findings)} of {generators}"


def _evidence(finding: Finding) -> str:
    """What tells the classes apart, but for attributes that look like chance: what differs by chance tells nothing."""
    looks_like_chance = finding.low <= CHANCE < finding.high or finding.high < CHANCE
    return DASH if looks_like_chance else finding.evidence
