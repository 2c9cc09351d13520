"""The page of a run: parts of HTML that follow from its state, and the whole that holds them.

Every text of others (names of generators, reasons, notices) is escaped where it becomes an element.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from string import Template

from markupsafe import Markup, escape

from bench.charts.markup import element, joined
from bench.live.charts import bar, is_one_matrix, matrices, training
from bench.live.state import MISSING, LeftOutCells, RunState
from bench.records.outcomes import Scored, Unasked
from bench.report.page.styles import style_sheet

STAGES = {
    "waiting": "No run yet: waiting for one to be planned here",
    "running": "Running",
    "ended": "Ended without having finished",
    "finished": "Finished",
}
MOST_NOTICES = 20


@cache
def asset(name: str) -> str:
    """A file of the page, as it ships."""
    return (files("bench.live") / name).read_text(encoding="utf-8")


def title(state: RunState) -> str:
    """The title of the page: how far the run is, and what it is."""
    name = state.facts.protocol.partition(";")[0] if state.facts else state.folder
    if state.stage == "running" and state.counts:
        done = sum(state.counts.values()) - state.counts[MISSING]
        return f"{done} of {sum(state.counts.values())}: {name}"
    return f"{STAGES[state.stage].partition(':')[0]}: {name}"


@cache
def style() -> str:
    """The style sheet of the page: that of all pages, and what this one has besides."""
    return f"{style_sheet()}{asset('page.css')}"


def parts(state: RunState) -> dict[str, Markup]:
    """The parts of the page that change, as HTML by their ids."""
    first, second = _maps(state), _curves(state)
    if not (state.counts and state.counts[Scored.status]):  # everything is trained before anything is scored
        first, second = second, first
    return {
        "head": _head(state),
        "progress": _progress(state),
        "first": first,
        "second": second,
        "notices": _notices(state),
    }


def page(state: RunState) -> str:
    """The whole page."""
    return Template(asset("page.html")).substitute(
        title=escape(title(state)), folder=escape(state.folder), **parts(state)
    )


def duration(seconds: float) -> str:
    """A duration in words, to the two largest units."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def _head(state: RunState) -> Markup:
    stage = element("p", STAGES[state.stage], class_=f"stage {state.stage}")
    error = element("p", state.error, class_="error") if state.error else None
    if state.facts is None:
        start = element("code", f"lineup run --out {state.folder}")
        hint = element("p", "Start it with ", start, "; it appears once it is planned.", class_="faint")
        return joined(element("h1", state.folder), stage, hint)
    facts = state.facts
    named: dict[str, str | Markup] = {
        "protocol": facts.protocol,
        "data": facts.data,
        "setting": facts.setting,
        "device": facts.device,
    }
    if facts.command:
        named["command"] = element("code", facts.command)
    rows = (part for name, value in named.items() for part in (element("dt", name), element("dd", value)))
    return joined(element("h1", facts.title), stage, error, element("dl", *rows))


def _progress(state: RunState) -> Markup:
    if not state.counts:
        return Markup()
    total = sum(state.counts.values())
    shown = {name: count for name, count in state.counts.items() if count or name in {Scored.status, MISSING}}
    words = {Unasked.status: "not in the data", MISSING: "missing" if state.stage == "finished" else "still missing"}
    figures = [("", f"{total:,}", "cells planned")]
    figures += [(name, f"{count:,}", words.get(name, name)) for name, count in shown.items()]
    figures += [("", text, what) for text, what in _times(state)]
    items = (element("li", element("b", text), element("span", what), class_=kind) for kind, text, what in figures)
    segments = {name: count / total for name, count in shown.items() if name != MISSING}
    said = ", ".join(f"{count} {words.get(name, name)}" for name, count in shown.items())
    return joined(
        element("h2", "Progress"),
        element("ul", *items, class_="figures"),
        bar(segments, f"of {total} cells: {said}"),
        _step(state),
        _reasons(state.left_out),
    )


def _times(state: RunState) -> Iterator[tuple[str, str]]:
    """Times in words, and what each is."""
    if state.started is None or state.updated is None:
        return
    end = time.time() if state.stage == "running" else state.updated
    yield duration(end - state.started), "since the start" if state.stage == "running" else "from start to end"
    if state.step_left is not None and state.step:
        yield duration(state.step_left), f"left of “{state.step.name}”, at its rate so far"


def _step(state: RunState) -> Markup | None:
    step = state.step
    if step is None or state.stage == "finished":
        return None
    verb = "Now" if state.stage == "running" else "Ended during"
    text = f"{step.name}: {step.done:,} of {step.total:,}"
    share = step.done / step.total if step.total else 0.0
    return element("div", element("p", f"{verb}: {text}"), bar({"step": share}, text, thin=True), class_="step")


def _reasons(left_out: tuple[LeftOutCells, ...]) -> Markup | None:
    items = []
    for one in left_out:
        status = "not in the data" if one.status == Unasked.status else one.status
        count = element("b", f"{one.count:,} {status}")
        items.append(element("li", count, f" ({', '.join(one.detectors)}): {one.reason}", class_=one.status))
    return element("ul", *items, class_="reasons") if items else None


def _maps(state: RunState) -> Markup:
    if not state.maps:
        return Markup()
    rows, across = state.axes
    if is_one_matrix(state.maps):
        rows = "detector"
    legend = (
        f"Rows: {rows}. Columns: {across}. Accuracy in % at the threshold 0.5, both classes counting alike; the mean "
        "of all cells behind a square, grey until all of them are scored. 100 is said of no cell with an error."
    )
    drawn = matrices(state.maps, diagonal=state.axes[0] != state.axes[1])
    return joined(
        element("h2", "Cells"),
        element("p", legend, class_="legend"),
        element("figure", element("div", drawn, class_="scroll", tabindex=0, role="region", aria_label="Cells")),
    )


def _curves(state: RunState) -> Markup:
    if not state.curves:
        return Markup()
    drawn = []
    for one in reversed(state.curves):
        epochs = max(map(len, one.values.values()), default=0) + one.first
        count = f"{epochs} {'epoch' if epochs == 1 else 'epochs'}"
        caption = element("figcaption", element("b", f"{one.detector}: {one.train}"), f", {count}")
        drawn.append(element("figure", caption, training(one)))
    more = f" {state.more_curves} earlier ones are not drawn." if state.more_curves else ""
    text = f"Every training by its epochs, the latest first; what was in the cache is not trained again.{more}"
    return joined(
        element("h2", "Trainings"),
        element("p", text, class_="legend"),
        element("div", *drawn, class_="trainings"),
    )


def _notices(state: RunState) -> Markup:
    if not state.notices:
        return Markup()
    items = (
        element("li", line, class_="warning" if line.startswith("Warning") else None)
        for line in state.notices[-MOST_NOTICES:]
    )
    return joined(element("h2", "Notices"), element("ol", *items, class_="notices"))
