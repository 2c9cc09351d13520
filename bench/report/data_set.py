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
from bench.report.ranking_columns import NOTHING, TableColumn
from bench.report.terminal import blocks, text_table

SHOWN = 20  # excluded files that are printed; the others are counted


def _shares(counts: Mapping[str, int]) -> str:
    """Such as "JPEG" or "JPEG 98%, PNG 2%"."""
    if len(counts) == 1:
        return next(iter(counts))
    total = sum(counts.values())
    return ", ".join(f"{name} {100 * count / total:.0f}%" for name, count in counts.items())


def _span(spread: Mapping[str, float], digits: int = 0) -> str:
    """Such as "96" or "75 to 96, mostly 90"."""
    if not spread:
        return NOTHING
    least, middle, most = (f"{spread[name]:.{digits}f}" for name in ("min", "median", "max"))
    return least if least == most else f"{least} to {most}, median {middle}"


def _size(row: pd.Series[Any]) -> str:
    """Such as "512x512", or the span of the shorter side where sizes differ."""
    width, height = row["width"], row["height"]
    if width["min"] == width["max"] and height["min"] == height["max"]:
        return f"{width['min']:.0f}x{height['min']:.0f}"
    return f"shorter side {_span(row['short_side'])}"


def columns(census: Census) -> list[TableColumn]:
    """One row per generator or pool, split and class; EXIF and colour profiles only where there are any."""
    rows = [row for _, row in census.groups.iterrows()]

    def column(header: str, texts: list[str], *, left: bool = False) -> TableColumn:
        return TableColumn(header, tuple(texts), left)

    shown = [
        column("generator", [row["generator"] for row in rows], left=True),
        column("split", [row["split"] for row in rows], left=True),
        column("class", [row["class"] for row in rows], left=True),
        column("images", [f"{row['images']:,}" for row in rows]),
        column("format", [_shares(row["formats"]) for row in rows], left=True),
        column("size", [_size(row) for row in rows], left=True),
        column("JPEG quality", [_span(row["quality"]) for row in rows], left=True),
        column("bytes/pixel", [f"{row['bytes_per_pixel']['median']:.2f}" for row in rows]),
        column("mode", [_shares(row["modes"]) for row in rows], left=True),
        column("EXIF", [f"{row['exif']:,}" for row in rows]),
        column("profile", [f"{row['profile']:,}" for row in rows]),
    ]
    return [one for one in shown if one.header not in {"EXIF", "profile"} or set(one.texts) != {"0"}]


def census(found: Census, title: str, place: str, width: int) -> Group:
    """The whole census: warnings first, then what there is."""
    generated = found.groups[found.groups["class"] == "generated"]
    head = f"{title} ({place}): {found.images:,} images, {generated['generator'].nunique()} generators"
    lines = [Text(f"Warning: {warning}", style="yellow") for warning in found.warnings]
    lines += [Text(f"Note: {note}") for note in found.notes]
    shared = [one for one in found.duplicates if one.across == "pools"]
    lines += [
        Text(f"Note: {one.images:,} real images stand in several pools, such as {one.example[0]}") for one in shared
    ]
    lines += [Text(f"  {row['name']}: {row['reason']}") for _, row in found.excluded.head(SHOWN).iterrows()]
    if (more := len(found.excluded) - SHOWN) > 0:
        lines.append(Text(f"  and {more} more"))
    tables = [text_table(block) for block in blocks(columns(found), width, fixed=3)]
    return Group(Text(head, style="bold"), *lines, *tables)


def audit(findings: Sequence[Finding], width: int) -> Group:
    """What the audit found: the sentence that matters, then every attribute of every generator."""
    verdict = leak_summary(findings)
    told = sorted(findings, key=lambda one: (-one.leaks, -np.nan_to_num(one.accuracy)))
    shown = [one for one in told if one.leaks or np.isnan(one.accuracy)]
    table = [
        TableColumn("generator", tuple(one.generator for one in shown), left=True),
        TableColumn("attribute", tuple(one.attribute for one in shown), left=True),
        TableColumn("accuracy", tuple(_accuracy(one) for one in shown)),
        TableColumn("what tells", tuple(one.evidence for one in shown), left=True),
    ]
    tables = [text_table(block) for block in blocks(table, width, fixed=3)] if shown else []
    return Group(Text(f"Audit: {verdict}", style="bold"), *tables)


def _accuracy(one: Finding) -> str:
    if np.isnan(one.accuracy):
        return "too few"
    return f"{100 * one.accuracy:.1f} [{100 * one.low:.1f}, {100 * one.high:.1f}]"
