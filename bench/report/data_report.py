"""The census of a data set for the terminal, within 100 columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from rich.console import Group
from rich.text import Text

from bench.images.quality.audit import Finding, leak_summary
from bench.images.quality.census import Census
from bench.report.ranking_columns import DASH, TableColumn
from bench.report.terminal import split_columns, text_table

MAX_EXCLUDED = 20  # excluded files that are printed; the others are counted


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


def _census_columns(census: Census) -> list[TableColumn]:
    """One row per generator or pool, split and class; EXIF and colour profiles only where there are any."""
    rows = [row for _, row in census.groups.iterrows()]

    def column(header: str, texts: list[str], *, left: bool = False) -> TableColumn:
        return TableColumn(header, tuple(texts), left)

    shown = [
        column("generator", [row["generator"] for row in rows], left=True),
        column("split", [row["split"] for row in rows], left=True),
        column("class", [row["class"] for row in rows], left=True),
        column("images", [f"{row['images']:,}" for row in rows]),
        column("format", [_shares_text(row["formats"]) for row in rows], left=True),
        column("size", [_size_text(row) for row in rows], left=True),
        column("JPEG quality", [_range_text(row["quality"]) for row in rows], left=True),
        column("bytes/pixel", [f"{row['bytes_per_pixel']['median']:.2f}" for row in rows]),
        column("mode", [_shares_text(row["modes"]) for row in rows], left=True),
        column("EXIF", [f"{row['exif']:,}" for row in rows]),
        column("profile", [f"{row['profile']:,}" for row in rows]),
    ]
    return [column for column in shown if column.header not in {"EXIF", "profile"} or set(column.texts) != {"0"}]


def census_report(census: Census, title: str, source: str, width: int) -> Group:
    """The whole census: warnings and notes, then a table of groups of images."""
    generated = census.groups[census.groups["class"] == "generated"]
    head = f"{title} ({source}): {census.images:,} images, {generated['generator'].nunique()} generators"
    lines = [Text(f"Warning: {warning}", style="yellow") for warning in census.warnings]
    lines += [Text(f"Note: {note}") for note in (*census.notes, *(note.text for note in census.file_notes))]
    shared = [duplicate for duplicate in census.duplicates if duplicate.across == "pools"]
    lines += [
        Text(f"Note: {duplicate.images:,} real images stand in several pools, such as {duplicate.example[0]}")
        for duplicate in shared
    ]
    lines += [Text(f"  {row['name']}: {row['reason']}") for _, row in census.excluded.head(MAX_EXCLUDED).iterrows()]
    if (more := len(census.excluded) - MAX_EXCLUDED) > 0:
        lines.append(Text(f"  and {more} more"))
    tables = [text_table(block) for block in split_columns(_census_columns(census), width, fixed=3)]
    return Group(Text(head, style="bold"), *lines, *tables)


def audit_report(findings: Sequence[Finding], width: int) -> Group:
    """The verdict of the audit, then the attributes that leak or could not be tested, by generator."""
    verdict = leak_summary(findings)
    ordered = sorted(findings, key=lambda finding: (-finding.leaks, -np.nan_to_num(finding.accuracy)))
    shown = [finding for finding in ordered if finding.leaks or np.isnan(finding.accuracy)]
    table = [
        TableColumn("generator", tuple(finding.generator for finding in shown), left=True),
        TableColumn("attribute", tuple(finding.attribute for finding in shown), left=True),
        TableColumn("accuracy", tuple(map(_accuracy_text, shown))),
        TableColumn("what tells", tuple(finding.evidence for finding in shown), left=True),
    ]
    tables = [text_table(block) for block in split_columns(table, width, fixed=3)] if shown else []
    return Group(Text(f"Audit: {verdict}", style="bold"), *tables)


def _accuracy_text(finding: Finding) -> str:
    if np.isnan(finding.accuracy):
        return "too few"
    return f"{100 * finding.accuracy:.1f} [{100 * finding.low:.1f}, {100 * finding.high:.1f}]"
