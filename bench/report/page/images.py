"""The images of the page: those that fool all detectors, divide them, or change their verdict under degradation."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pandas as pd
from markupsafe import Markup

from bench.analyses.images.run_analyses import thumbnails_of_run
from bench.analyses.images.thumbnails import Thumbnail, ThumbnailRequest, Thumbnails
from bench.analyses.scores.image_scores import CALLED, RIGHT, image_scores
from bench.analyses.scores.mistakes import confident_mistakes, disagreements, shared_mistakes
from bench.charts.markup import element, empty, joined
from bench.metrics.metric import CLASS_NAMES
from bench.records import columns
from bench.report.figures.findings import Findings
from bench.report.figures.run_pictures import NoImages
from bench.report.page.parts import folded
from bench.report.ranking_columns import percent
from protocols.api import NONE

MOST = 200  # images of a page
_SHARED, _DIVIDED, _FLIPPED = 40, 60, 12  # of each kind; the rest are the surest mistakes
_COPIES = 7  # degradations that are shown of an image
_OPEN = 12  # images of a kind that stand open


@dataclass(frozen=True, slots=True)
class ImageList:
    """Images of one kind."""

    title: str
    names: Sequence[str]
    degradations: Sequence[str] = ()


def image_chapter(findings: Findings, request: ThumbnailRequest) -> Markup | None:
    """The images with what detectors say of them; None where no cell is of real or generated."""
    lists = _lists(findings)
    if not lists:
        return None
    names = list(dict.fromkeys(name for one in lists for name in one.names))
    told = image_scores(findings.measured, names)
    thumbnails, missing = _thumbnails(findings, lists, request)
    pieces = [_list(findings, one, told, thumbnails) for one in lists]
    note = f"No pictures: {missing}" if missing else ""
    legend = (
        "Scores are the probability of generated in %, of each detector the mean over all that it was trained on. "
        "`lineup show RUN IMAGE` says everything of any image."
    )
    return joined(
        element("h3", "Which images fool them, and which divide them?"),
        element("p", note, class_="faint") if note else None,
        *pieces,
        element("p", legend, class_="legend"),
    )


def _lists(findings: Findings) -> list[ImageList]:
    """The kinds of images, those of a page in all."""
    measured, average = findings.measured, findings.average
    shared = list(shared_mistakes(measured, average, _SHARED)[columns.NAME])
    divided = list(disagreements(measured, average, _DIVIDED)[columns.NAME])
    flipped, degradations = _flipping(findings)
    surest = confident_mistakes(measured, average, 2)
    surest = surest[surest[columns.DETECTOR].isin(findings.best(10))]
    surest = surest.sort_values(columns.LOG_ODDS, key=abs, ascending=False, kind="stable")
    known = {*shared, *divided, *flipped}
    others = [name for name in dict.fromkeys(surest[columns.NAME]) if name not in known]
    lists = [
        ImageList("Wrong for all detectors that are better than chance there: is the label right?", shared),
        ImageList("Detectors disagree most", divided),
        ImageList("Verdicts flip most under degradation", flipped, degradations),
        ImageList("The surest mistakes of the best detectors", others[: MOST - len(known)]),
    ]
    return [one for one in lists if one.names]


def _flipping(findings: Findings) -> tuple[list[str], list[str]]:
    """Images whose verdict by the best detectors changes under the most degradations, and these degradations."""
    table = findings.measured.table
    conditions = [str(name) for name in table[columns.DEGRADATION].unique() if str(name) != NONE]
    if not conditions or NONE not in set(table[columns.DEGRADATION]):
        return [], []
    every = sorted({name for images in findings.run.score_table.test_images() for name in images.names})
    told = image_scores(findings.measured, every)
    told = told[told[columns.DETECTOR].isin(findings.best(3))]
    wide = told.pivot_table(
        index=[columns.NAME, columns.DETECTOR], columns=columns.DEGRADATION, values=CALLED, sort=False
    )
    changed = wide[[name for name in conditions if name in wide]].sub(wide[NONE], axis=0).abs()
    flips = changed.mean(axis=1).groupby(columns.NAME, sort=False).mean().sort_values(ascending=False, kind="stable")
    return [str(name) for name in flips[flips > 0].index[:_FLIPPED]], conditions[:_COPIES]


def _thumbnails(
    findings: Findings, lists: Sequence[ImageList], request: ThumbnailRequest
) -> tuple[Sequence[Thumbnails], str]:
    """The thumbnails of all images, then of the degraded copies; or why there are none."""
    if request.form == "none":
        return [], "they were not asked for (--thumbnails none)."
    if isinstance(findings.images, NoImages):
        return [], findings.images.reason
    opened, known = findings.images, set(findings.images.found.images.names)
    made = []
    plain = [name for one in lists if not one.degradations for name in one.names if name in known]
    for names, degradations in ((plain, (NONE,)), *_copies(lists, known)):
        asked = ThumbnailRequest(request.form, request.side, request.budget, degradations)
        if names:
            made.append(thumbnails_of_run(opened.found, names, asked, opened.workers).thumbnails)
    return made, ""


def _copies(lists: Sequence[ImageList], known: set[str]) -> Iterator[tuple[list[str], tuple[str, ...]]]:
    for one in lists:
        if one.degradations:
            yield [name for name in one.names if name in known], (NONE, *one.degradations)


def _list(findings: Findings, one: ImageList, told: pd.DataFrame, thumbnails: Sequence[Thumbnails]) -> Markup:
    by_name = dict(tuple(told.groupby(columns.NAME, sort=False)))
    items = [
        _item(findings, name, by_name[name], _found(thumbnails, name, one.degradations))
        for name in one.names
        if name in by_name
    ]
    first = element("ul", *items[:_OPEN], class_="images")
    more = folded(f"{len(items) - _OPEN} more", element("ul", *items[_OPEN:], class_="images"))
    return joined(element("h4", one.title), first, more if len(items) > _OPEN else None)


def _found(thumbnails: Sequence[Thumbnails], name: str, degradations: Sequence[str]) -> list[tuple[Thumbnail, str]]:
    """The small copies of an image, with the media type of each."""
    found = []
    for degradation in (NONE, *degradations):
        for made in thumbnails:
            if (one := made.find(name, degradation)) is not None:
                found.append((one, made.media_type))
                break
    return found


def _item(findings: Findings, name: str, told: pd.DataFrame, copies: Sequence[tuple[Thumbnail, str]]) -> Markup:
    """One image: small copies, what it is, who is wrong, and all scores."""
    label = int(told[columns.LABEL].iloc[0])
    clean = told[told[columns.DEGRADATION].eq(NONE)] if NONE in set(told[columns.DEGRADATION]) else told
    wrong, total = _wrong(clean)
    order = [detector for detector in findings.best(10**6) if detector in set(told[columns.DETECTOR])]
    said = f"{CLASS_NAMES[label]}; wrong by {wrong} of {total} detectors"
    several = len(copies) > 1
    drawn = [_copy(one, media, told) if several else _image(one, media) for one, media in copies]
    return element(
        "li",
        element("div", *drawn, class_="strip") if drawn else None,
        element("div", name, class_="name"),
        element("div", said, class_="wrong" if 2 * wrong > total else "right"),
        folded("Scores", element("div", _scores(told, order))),
        class_="wide" if several else None,
    )


def _wrong(told: pd.DataFrame) -> tuple[int, int]:
    """How many of how many detectors are wrong about an image in most of their answers."""
    shares = told.groupby(columns.DETECTOR)[RIGHT].mean()
    return int((shares < 0.5).sum()), len(shares)


def _copy(one: Thumbnail, media: str, told: pd.DataFrame) -> Markup:
    """A copy with what it went through and how many are wrong about it."""
    wrong, total = _wrong(told[told[columns.DEGRADATION].eq(one.degradation)])
    name = "clean" if one.degradation == NONE else one.degradation
    css = "wrong" if 2 * wrong > total else "right"
    return element(
        "div", _image(one, media), element("div", name), element("div", f"{wrong} of {total} wrong", class_=css)
    )


def _scores(told: pd.DataFrame, order: Sequence[str]) -> str:
    """The score of every detector, under every degradation where there are several."""
    several = told[columns.DEGRADATION].nunique() > 1
    texts = []
    for detector in order:
        own = told[told[columns.DETECTOR].eq(detector)]
        shown = zip(own[columns.DEGRADATION], own[columns.SCORE], strict=True)
        scores = ", ".join(
            f"{degradation} {percent(score)}" if several else percent(score) for degradation, score in shown
        )
        texts.append(f"{detector}: {scores}" if several else f"{detector} {scores}")
    return "; ".join(texts)


def _image(one: Thumbnail, media: str) -> Markup:
    data = base64.b64encode(one.data).decode()
    said = one.name if one.degradation == NONE else f"{one.name} after {one.degradation}"
    return empty(
        "img", src=f"data:{media};base64,{data}", width=one.width, height=one.height, alt=said, title=one.degradation
    )
