"""The images of the page: those that fool all detectors, divide them, or change their verdict under degradation."""

from __future__ import annotations

import base64
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import NamedTuple

import pandas as pd
from markupsafe import Markup

from bench.analyses.images.run_analyses import thumbnails_of_run
from bench.analyses.images.thumbnails import Thumbnail, ThumbnailRequest, Thumbnails
from bench.analyses.scores.image_scores import RIGHT, image_scores
from bench.analyses.scores.mistakes import confident_mistakes, disagreements, shared_mistakes
from bench.analyses.scores.questions import CALLED
from bench.charts.markup import element, empty, joined
from bench.metrics.metric import CLASS_NAMES
from bench.records import columns
from bench.report.figures.findings import Findings
from bench.report.figures.opened_images import NoImages
from bench.report.page.parts import folded, table
from bench.report.ranking_columns import DASH, TableColumn, percent
from protocols.api import NONE

MOST = 200  # images of a page
_SHARED, _DIVIDED, _FLIPPED = 40, 60, 12  # of each kind; the rest are the surest mistakes
_JUDGES = 3  # detectors whose verdicts flip
_COPIES = 7  # degradations that are shown of an image
_TABLED = 10  # detectors whose scores under degradations are shown
_OPEN = 12  # images of a kind that stand open
_IMAGE = [columns.TEST_DATA, columns.NAME]


_ImageKey = tuple[str, str]  # the data set of an image, "" for the first, and its name


@dataclass(frozen=True, slots=True)
class ImageList:
    """Images of one kind.

    Attributes:
        title: What they have in common.
        names: Their names.
        degradations: Those of which copies are shown.
    """

    title: str
    images: Sequence[_ImageKey]
    degradations: Sequence[str] = ()


def image_chapter(findings: Findings, request: ThumbnailRequest) -> Markup | None:
    """The images with what detectors say of them; None where no cell is of real or generated."""
    lists = _lists(findings)
    if not lists:
        return None
    told = _told(findings, {image for one in lists for image in one.images})
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


class _Answer(NamedTuple):
    """What a detector says of an image: its label, the mean score, and the share of answers that are right."""

    label: int
    score: float
    right: float


_Answers = dict[str, dict[str, _Answer]]  # by degradation and detector
_Told = dict[_ImageKey, _Answers]


def _told(findings: Findings, images: Collection[_ImageKey]) -> _Told:
    """What all detectors say of some images."""
    rows = image_scores(findings.measured, [name for _, name in images])
    wanted = [*_IMAGE, columns.DEGRADATION, columns.DETECTOR, columns.LABEL, columns.SCORE, RIGHT]
    found: _Told = {}
    for data, name, degradation, detector, *answer in rows[wanted].itertuples(index=False, name=None):
        found.setdefault((data, name), {}).setdefault(degradation, {})[detector] = _Answer(*answer)
    return found


def _keys(rows: pd.DataFrame) -> list[_ImageKey]:
    """The images of some rows, each once, in their order."""
    return list(dict.fromkeys(rows[_IMAGE].itertuples(index=False, name=None)))


def _lists(findings: Findings) -> list[ImageList]:
    """The kinds of images, those of a page in all."""
    measured, average = findings.measured, findings.average
    shared = _keys(shared_mistakes(measured, average, _SHARED))
    divided = _keys(disagreements(measured, average, _DIVIDED))
    flipped, degradations = _flipping(findings)
    surest = confident_mistakes(measured, average, 2)
    surest = surest[surest[columns.DETECTOR].isin(findings.best(10))]
    surest = surest.sort_values(columns.LOG_ODDS, key=abs, ascending=False, kind="stable")
    known = {*shared, *divided, *flipped}
    others = [image for image in _keys(surest) if image not in known]
    lists = [
        ImageList("Wrong for all detectors that are better than chance there: is the label right?", shared),
        ImageList("Detectors disagree most", divided),
        ImageList("Verdicts flip most under degradation", flipped, degradations),
        ImageList("The surest mistakes of the best detectors", others[: MOST - len(known)]),
    ]
    return [one for one in lists if one.images]


def _flipping(findings: Findings) -> tuple[list[_ImageKey], list[str]]:
    """Images whose verdict by the best detectors changes under the most degradations, and these degradations."""
    table = findings.measured.table
    conditions = [str(name) for name in table[columns.DEGRADATION].unique() if str(name) != NONE]
    if not conditions:
        return [], []
    every = sorted({name for images in findings.run.score_table.test_images() for name in images.names})
    told = image_scores(findings.measured, every, detectors=findings.best(_JUDGES))
    wide = told.pivot_table(index=[*_IMAGE, columns.DETECTOR], columns=columns.DEGRADATION, values=CALLED, sort=False)
    conditions = [name for name in conditions if name in wide]
    if not conditions or NONE not in wide:
        return [], []
    changed = wide[conditions].sub(wide[NONE], axis=0).abs()
    flips = changed.mean(axis=1).groupby(_IMAGE, sort=False).mean().sort_values(ascending=False, kind="stable")
    worst = set(changed.mean().sort_values(ascending=False, kind="stable").index[:_COPIES])
    shown = [name for name in conditions if name in worst]
    return [(data, name) for data, name in flips[flips > 0].index[:_FLIPPED]], shown


def _thumbnails(
    findings: Findings, lists: Sequence[ImageList], request: ThumbnailRequest
) -> tuple[Sequence[Thumbnails], str]:
    """The thumbnails of all images, then of the degraded copies; or why there are none."""
    if request.form == "none":
        return [], "they were not asked for (--thumbnails none)."
    if isinstance(findings.images, NoImages):
        return [], "the images could not be opened where the run found them."
    opened, known = findings.images, set(findings.images.found.images.names)
    made: list[Thumbnails] = []
    plain = [name for one in lists if not one.degradations for name in _own(one, known)]
    for names, degradations in ((plain, (NONE,)), *_copies(lists, known)):
        used = sum(len(one.data) for found in made for one in found.thumbnails)
        asked = ThumbnailRequest(request.form, request.side, max(request.budget - used, 0), degradations)
        if names:
            made.append(thumbnails_of_run(opened.found, names, asked, opened.workers).thumbnails)
    left = [one for found in made for one in found.left_out]
    return made, f"of {len(left)} copies, the first as {left[0].reason}." if left else ""


def _copies(lists: Sequence[ImageList], known: set[str]) -> Iterator[tuple[list[str], tuple[str, ...]]]:
    for one in lists:
        if one.degradations:
            yield _own(one, known), (NONE, *one.degradations)


def _own(one: ImageList, known: set[str]) -> list[str]:
    """Those of the run's own data that are known: images of another data set may have the same names."""
    return [name for data, name in one.images if not data and name in known]


def _list(findings: Findings, one: ImageList, told: _Told, thumbnails: Sequence[Thumbnails]) -> Markup:
    # a table under several conditions where verdicts flip; of other images it would be many times the page
    scores, order = (_score_table if one.degradations else _score_text), findings.best()
    items = [
        _item(image, told[image], _found(thumbnails, image, one.degradations), scores(told[image], order))
        for image in one.images
        if image in told
    ]
    first = element("ul", *items[:_OPEN], class_="images")
    more = folded(f"{len(items) - _OPEN} more", element("ul", *items[_OPEN:], class_="images"))
    return joined(element("h4", one.title), first, more if len(items) > _OPEN else None)


def _found(
    thumbnails: Sequence[Thumbnails], image: _ImageKey, degradations: Sequence[str]
) -> list[tuple[Thumbnail, str]]:
    """The small copies of an image, with the media type of each."""
    data, name = image
    found: list[tuple[Thumbnail, str]] = []
    for degradation in () if data else (NONE, *degradations):
        for made in thumbnails:
            if (one := made.find(name, degradation)) is not None:
                found.append((one, made.media_type))
                break
    return found


def _item(image: _ImageKey, told: _Answers, copies: Sequence[tuple[Thumbnail, str]], scores: Markup) -> Markup:
    """One image: small copies, what it is, who is wrong, and all scores."""
    wrong, total = _wrong(_over_conditions(told))
    label = next(iter(next(iter(told.values())).values())).label
    over = f", over {len(told)} conditions" if len(told) > 1 else ""
    several = len(copies) > 1
    drawn = [_copy(one, media, told) if several else _image(one, media) for one, media in copies]
    return element(
        "li",
        element("div", *drawn, class_="strip") if drawn else None,
        element("div", ":".join(filter(None, image)), class_="name"),
        element(
            "div",
            f"{CLASS_NAMES[label]}; {wrong} of {total} detectors are wrong{over}",
            class_="wrong" if 2 * wrong > total else "right",
        ),
        folded("Scores", scores),
        class_="wide" if several else None,
    )


def _over_conditions(told: _Answers) -> list[float]:
    """The share of each detector's answers about an image that are right, every condition counting alike."""
    shares: dict[str, list[float]] = {}
    for answers in told.values():
        for detector, answer in answers.items():
            shares.setdefault(detector, []).append(answer.right)
    return list(map(fmean, shares.values()))


def _wrong(shares: Sequence[float]) -> tuple[int, int]:
    """How many of how many detectors are wrong in most of their answers, by the shares of these that are right."""
    return sum(share < 0.5 for share in shares), len(shares)


def _copy(one: Thumbnail, media: str, told: _Answers) -> Markup:
    """A copy with what it went through and how many are wrong about it."""
    wrong, total = _wrong([answer.right for answer in told.get(one.degradation, {}).values()])
    name = "clean" if one.degradation == NONE else one.degradation
    verdict = f"{wrong} of {total} wrong" if total else "no scores"
    said = element("div", verdict, class_="wrong" if 2 * wrong > total else "right")
    return element("div", _image(one, media), element("div", name), said)


def _score_text(told: _Answers, order: Sequence[str]) -> Markup:
    """The score of every detector, the mean over conditions."""
    found = {name: [answers[name].score for answers in told.values() if name in answers] for name in order}
    return element("div", "; ".join(f"{name} {percent(fmean(scores))}" for name, scores in found.items() if scores))


def _score_table(told: _Answers, order: Sequence[str]) -> Markup:
    """The scores of the first detectors under each condition."""
    shown = order[:_TABLED]
    by_degradation = [
        TableColumn(name, tuple(percent(answers[one].score) if one in answers else DASH for one in shown))
        for name, answers in told.items()
    ]
    return table([TableColumn("detector", tuple(shown), left=True), *by_degradation], css="", caption="Scores in %")


def _image(one: Thumbnail, media: str) -> Markup:
    data = base64.b64encode(one.data).decode()
    said = one.name if one.degradation == NONE else f"{one.name} after {one.degradation}"
    return empty(
        "img", src=f"data:{media};base64,{data}", width=one.width, height=one.height, alt=said, title=one.degradation
    )
