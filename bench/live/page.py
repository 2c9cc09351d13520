"""The page of a run: parts of HTML that follow from its state, and the whole that holds them.

Every text of others (names of generators, reasons, notices) passes through `html.escape`.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import cache
from html import escape
from importlib.resources import files
from string import Template

from bench.live.charts import bar, colour_scale, matrix_chart, training_charts
from bench.live.state import MISSING, LeftOutCells, RunState
from bench.records.outcomes import Scored, Unasked

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


def parts(state: RunState) -> dict[str, str]:
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


def _head(state: RunState) -> str:
    stage = f'<p class="stage {state.stage}">{STAGES[state.stage]}</p>'
    error = f'<p class="error">{escape(state.error)}</p>' if state.error else ""
    if state.facts is None:
        hint = f"Start it with <code>lineup run --out {escape(state.folder)}</code>; it appears once it is planned."
        return f'{stage}<h1>{escape(state.folder)}</h1><p class="soft">{hint}</p>'
    facts = state.facts
    named = {"protocol": facts.protocol, "data": facts.data, "setting": facts.setting, "device": facts.device}
    rows = [f"<dt>{name}</dt><dd>{escape(value)}</dd>" for name, value in named.items()]
    if facts.command:
        rows.append(f"<dt>command</dt><dd><code>{escape(facts.command)}</code></dd>")
    return f'{stage}{error}<h1>{escape(facts.title)}</h1><dl class="facts">{"".join(rows)}</dl>'


def _progress(state: RunState) -> str:
    if not state.counts:
        return ""
    total = sum(state.counts.values())
    shown = {name: count for name, count in state.counts.items() if count or name in {Scored.status, MISSING}}
    words = {Unasked.status: "not in the data", MISSING: "missing" if state.stage == "finished" else "still missing"}
    figures = [("", f"{total:,}", "cells planned")]
    figures += [(name, f"{count:,}", words.get(name, name)) for name, count in shown.items()]
    figures += [("", text, what) for text, what in _times(state)]
    items = "".join(f'<li class="{kind}"><b>{text}</b><span>{what}</span></li>' for kind, text, what in figures)
    segments = {name: count / total for name, count in shown.items() if name != MISSING}
    said = ", ".join(f"{count} {words.get(name, name)}" for name, count in shown.items())
    return (
        f'<h2>Progress</h2><ul class="figures">{items}</ul>{bar(segments, f"of {total} cells: {said}")}'
        f"{_step(state)}{_reasons(state.left_out)}"
    )


def _times(state: RunState) -> Iterator[tuple[str, str]]:
    """Times in words, and what each is."""
    if state.started is None or state.updated is None:
        return
    end = time.time() if state.stage == "running" else state.updated
    yield duration(end - state.started), "since the start" if state.stage == "running" else "from start to end"
    if state.step_left is not None and state.step:
        yield duration(state.step_left), f"left of “{escape(state.step.name)}”, at its rate so far"


def _step(state: RunState) -> str:
    step = state.step
    if step is None or state.stage == "finished":
        return ""
    verb = "Now" if state.stage == "running" else "Ended during"
    text = f"{step.name}: {step.done:,} of {step.total:,}"
    share = step.done / step.total if step.total else 0.0
    return f'<div class="step"><p>{verb}: {escape(text)}</p>{bar({"step": share}, text, thin=True)}</div>'


def _reasons(left_out: tuple[LeftOutCells, ...]) -> str:
    items = []
    for one in left_out:
        status = "not in the data" if one.status == Unasked.status else one.status
        detectors = escape(", ".join(one.detectors))
        items.append(
            f'<li class="{escape(one.status)}"><b>{one.count:,} {escape(status)}</b> ({detectors}): '
            f"{escape(one.reason)}</li>"
        )
    return f'<ul class="reasons">{"".join(items)}</ul>' if items else ""


def _maps(state: RunState) -> str:
    if not state.maps:
        return ""
    rows, columns = state.axes
    cards = []
    for one in state.maps:
        count = f"{one.scored:,} of {one.planned:,} cells"
        cards.append(
            f'<article class="card"><header><h3>{escape(one.detector)}</h3><span class="soft">{count}</span></header>'
            f"{matrix_chart(one)}</article>"
        )
    legend = (
        f"Rows: {escape(rows)}. Columns: {escape(columns)}. Accuracy in % at the threshold 0.5, both classes counting "
        "alike; the mean of all cells behind a square, grey until all of them are scored."
    )
    return (
        f'<h2>Cells</h2><p class="soft">{legend}</p><div class="scale soft">{colour_scale()}</div>'
        f'<div class="cards">{"".join(cards)}</div>'
    )


def _curves(state: RunState) -> str:
    if not state.curves:
        return ""
    cards = []
    for one in reversed(state.curves):
        epochs = max(map(len, one.values.values()), default=0) + one.first
        count = f"{epochs} {'epoch' if epochs == 1 else 'epochs'}"
        cards.append(
            f'<article class="card"><header><h3>{escape(one.detector)}: {escape(one.train)}</h3>'
            f'<span class="soft">{count}</span></header>{training_charts(one)}</article>'
        )
    more = f" {state.more_curves} earlier ones are not drawn." if state.more_curves else ""
    text = f"Every training by its epochs, the latest first; what was in the cache is not trained again.{more}"
    return f'<h2>Trainings</h2><p class="soft">{text}</p><div class="cards">{"".join(cards)}</div>'


def _notices(state: RunState) -> str:
    if not state.notices:
        return ""
    items = [
        f"<li{' class=warning' if line.startswith('Warning') else ''}>{escape(line)}</li>"
        for line in state.notices[-MOST_NOTICES:]
    ]
    return f'<h2>Notices</h2><ol class="notices">{"".join(items)}</ol>'
