"""Small pictures of the page as SVG: bars, matrices and curves, with a text for those who cannot see them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape

from bench.charts.palette import accuracy_colour, text_colour
from bench.live.state import AccuracyMap, TrainingCurves

WIDE, MIDDLE, SMALL = 34, 24, 12  # sides of the squares of a matrix, for few, some and many columns
LONGEST_LABEL = 14  # characters
LETTER = 6.2  # width of one
CHART = (300, 92)  # width and height of the field of a curve
KINDS = ("loss", "accuracy")
Curve = tuple[str, Sequence[float | None]]


def bar(shares: Mapping[str, float], text: str, *, thin: bool = False) -> str:
    """A bar of segments by their classes, shares of the whole in [0, 1]."""
    parts, start = [], 0.0
    for name, share in shares.items():
        parts.append(f'<rect class="{name}" x="{1000 * start:.2f}" width="{1000 * share:.2f}" height="10"/>')
        start += share
    return (
        f'<svg class="bar{" thin" if thin else ""}" viewBox="0 0 1000 10" preserveAspectRatio="none" role="img" '
        f'aria-label="{escape(text)}">{"".join(parts)}</svg>'
    )


def colour_scale() -> str:
    """The colours of accuracies from 0 to 100%."""
    steps = [
        f'<rect x="{4 + 5 * step}" width="5.5" height="12" fill="{_rgb(accuracy_colour(step / 40))}"/>'
        for step in range(41)
    ]
    ticks = [f'<text x="{6 + 2 * mark}" y="25" text-anchor="middle">{mark}</text>' for mark in (0, 25, 50, 75)]
    return (
        '<svg viewBox="0 0 250 28" role="img" aria-label="colours from 0 to 100%, white at 50% which is guessing">'
        f'{"".join(steps)}{"".join(ticks)}<text x="206" y="25" text-anchor="middle">100%</text></svg>'
    )


def matrix_chart(one: AccuracyMap) -> str:
    """A matrix of accuracies, grey where cells are missing."""
    side = WIDE if len(one.columns) <= 8 else MIDDLE if len(one.columns) <= 14 else SMALL
    left = 10 + LETTER * max((len(_short(row)) for row in one.rows), default=0)
    labelled = side > SMALL
    top = 16 + 0.75 * LETTER * max((len(_short(name)) for name in one.columns), default=0) if labelled else 4
    width = left + side * len(one.columns) + (40 if labelled else 4)
    height = top + side * len(one.rows) + 4
    parts = list(_column_labels(one.columns, left, top, side)) if labelled else []
    for place, (row, accuracies) in enumerate(zip(one.rows, one.accuracies, strict=True)):
        y = top + side * place
        if labelled or len(one.rows) <= 14:
            label = f"{escape(_short(row))}<title>{escape(row)}</title>"
            parts.append(f'<text x="{left - 6:.1f}" y="{y + side / 2 + 4:.1f}" text-anchor="end">{label}</text>')
        for column, (name, accuracy) in enumerate(zip(one.columns, accuracies, strict=True)):
            parts.append(_square((left + side * column, y), side, accuracy, f"{row} / {name}"))
    return (
        f'<svg width="{width:.0f}" height="{height:.0f}" viewBox="0 0 {width:.0f} {height:.0f}" role="img" '
        f'aria-label="{escape(_matrix_text(one))}">{"".join(parts)}</svg>'
    )


def _matrix_text(one: AccuracyMap) -> str:
    return f"accuracies of {one.detector}, {one.scored} of {one.planned} cells scored"


def _column_labels(names: Sequence[str], left: float, top: float, side: int) -> Iterator[str]:
    for column, name in enumerate(names):
        x, y = left + side * (column + 0.5), top - 5
        yield (
            f'<text x="{x:.1f}" y="{y:.1f}" transform="rotate(-42 {x:.1f} {y:.1f})">'
            f"{escape(_short(name))}<title>{escape(name)}</title></text>"
        )


def _square(place: tuple[float, float], side: int, accuracy: float | None, what: str) -> str:
    x, y = place
    shape = f'x="{x:.1f}" y="{y:.1f}" width="{side - 2}" height="{side - 2}" rx="{2 if side > SMALL else 1}"'
    if accuracy is None:
        return f'<rect class="missing" {shape}><title>{escape(what)}: missing</title></rect>'
    colour = accuracy_colour(accuracy)
    value = f"{100 * accuracy:.1f}"
    square = f'<rect {shape} fill="{_rgb(colour)}"><title>{escape(what)}: {value}%</title></rect>'
    if side == SMALL:
        return square
    kind = "on-dark" if sum(text_colour(colour)) > 3 * 128 else "on-light"
    text = f"{100 * accuracy:.0f}" if value != "100.0" else "100"
    middle = f'x="{x + side / 2 - 1:.1f}" y="{y + side / 2 + 3:.1f}"'
    return f'{square}<text class="{kind}" {middle} text-anchor="middle">{text}</text>'


def training_charts(one: TrainingCurves) -> str:
    """The curves of a training: losses in one field, accuracies in another; of a training without both, all numbers."""
    fields = [[(name, values) for name, values in one.values.items() if kind in name] for kind in KINDS]
    if not any(fields):
        fields = [[curve] for curve in list(one.values.items())[:3]]
    kinds = KINDS if any(KINDS[0] in name or KINDS[1] in name for name in one.values) else ("",) * len(fields)
    return "".join(_field(kind, curves, one.first) for kind, curves in zip(kinds, fields, strict=True) if curves)


def _field(kind: str, curves: Sequence[Curve], first: int) -> str:
    known = [value for _, values in curves for value in values if value is not None]
    if not known:
        return ""
    low, high = min(known), max(known)
    factor, unit = (100, "%") if kind == "accuracy" else (1, "")
    width, height = CHART
    left, top = 44, 8
    parts = [
        f'<line class="grid" x1="{left}" x2="{left + width}" y1="{y}" y2="{y}"/>'
        f'<text x="{left - 6}" y="{y + 4}" text-anchor="end">{factor * value:.3g}{unit}</text>'
        for y, value in ((top, high), (top + height, low))
    ]
    span = (high - low) or 1.0
    for number, (_, values) in enumerate(curves):
        step = width / max(1, len(values) - 1)
        points = [
            (left + step * place, top + height * (1 - (value - low) / span))
            for place, value in enumerate(values)
            if value is not None
        ]
        parts += _line(points, f"s{number % 4}")
    parts += _legend(curves, factor, unit)
    label = f"{kind or curves[0][0]} by epoch, from epoch {first + 1} on"
    total = top + height + 24
    return (
        f'<svg width="{left + width + 8}" height="{total}" viewBox="0 0 {left + width + 8} {total}" role="img" '
        f'aria-label="{escape(label)}">{"".join(parts)}</svg>'
    )


def _line(points: Sequence[tuple[float, float]], kind: str) -> list[str]:
    if not points:
        return []
    way = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    x, y = points[-1]
    return [
        f'<polyline class="line {kind}" points="{way}"/>',
        f'<circle class="{kind}" cx="{x:.1f}" cy="{y:.1f}" r="3"/>',
    ]


def _legend(curves: Sequence[Curve], factor: int, unit: str) -> Iterator[str]:
    """The names of curves under their field, each with its last value."""
    x, y = 44.0, CHART[1] + 26
    for number, (name, values) in enumerate(curves):
        last = next((value for value in reversed(values) if value is not None), None)
        text = f"{name.replace('_', ' ')} {'' if last is None else f'{factor * last:.3g}{unit}'}"
        yield f'<text class="s{number % 4}" x="{x:.0f}" y="{y}">{escape(text)}</text>'
        x += LETTER * len(text) + 14


def _short(text: str) -> str:
    return text if len(text) <= LONGEST_LABEL else f"{text[: LONGEST_LABEL - 1]}…"


def _rgb(colour: tuple[int, int, int]) -> str:
    return "#{:02x}{:02x}{:02x}".format(*colour)
