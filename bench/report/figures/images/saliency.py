"""Where fitted networks look: gradients of their log odds by the pixels."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress

import numpy as np
import pandas as pd

from bench.analyses.images.run_analyses import SaliencyRequest, kept_detectors, saliency_of_run
from bench.analyses.images.saliency import (
    CENTRE_SHARE,
    FREQUENCY,
    GINI,
    HIGHEST,
    POWER_SHARE,
    FittedDetector,
    Saliency,
    SaliencyMap,
)
from bench.charts.chart import Chart
from bench.charts.lines import LinePanel, Series, line_chart
from bench.charts.palette import HUES, hues_of
from bench.charts.pictures import Picture, grey_levels, picture_chart
from bench.charts.plot_area import PlotAxis, Tick, percent_axis
from bench.platform.errors import InputError
from bench.records import columns
from bench.report.figures.figure import Figure, FigureContent
from bench.report.figures.findings import Findings
from bench.report.figures.opened_images import NoImages
from bench.report.ranking_columns import TableColumn, TitledTable, percent
from detectors.api import Runtime, Unavailable

_MOST_DETECTORS, _IMAGES_OF_EACH, _SHOWN = 6, 4, 4
_SIDE = 150.0


def saliency_content(findings: Findings) -> FigureContent:
    """Maps of some images, and how gradients are spread over frequencies, of the fitted detectors that a run kept."""
    if isinstance(findings.images, NoImages):
        return FigureContent(reason=findings.images.reason)
    found = findings.images.found
    try:
        kept = kept_detectors(found.folder, Runtime("cpu"))
    except InputError as error:
        return FigureContent(reason=str(error))
    able = _with_gradient(findings, kept)
    detectors = able[:_MOST_DETECTORS] or kept  # which say why they have none
    made = saliency_of_run(found, detectors, SaliencyRequest(count=_IMAGES_OF_EACH), findings.images.workers)
    if not made.saliency.maps:
        return FigureContent(reason="; ".join(f"{name}: {why}" for name, why in made.saliency.without.items()))
    names = list(dict.fromkeys(one.detector for one in made.saliency.maps))
    shown = [one for name in names for one in _of(made.saliency, name)[:_SHOWN]]
    note = "Largest magnitude over the channels; white: the strongest of the image. Computed before any resizing."
    note += f" {len(detectors)} of {len(able)} fitted detectors, the best first." if len(able) > len(detectors) else ""
    pictures = [_picture(one) for one in shown]
    maps = picture_chart("Where they look", f"Fitted: {', '.join(names)}.", pictures, side=_SIDE, note=note)
    by_image, spectra = made.tables["saliency"], made.tables["gradient_spectra"]
    charts = [maps] if spectra.empty else [maps, _frequencies(spectra)]
    return FigureContent(charts, [_table(by_image)], by_image)


def _with_gradient(findings: Findings, kept: Sequence[FittedDetector]) -> list[FittedDetector]:
    """The detectors with a gradient, best first, the first training of each before the second of any."""
    ranks = {name: rank for rank, name in enumerate(findings.best())}
    turns, counts = {}, Counter[str]()
    for one in kept:
        with suppress(Unavailable):
            _, name = one.differentiable, one.recipe.card.name
            turns[one.name] = counts[name], ranks.get(name, len(ranks))
            counts[name] += 1
    return sorted((one for one in kept if one.name in turns), key=lambda one: turns[one.name])


def _of(found: Saliency, detector: str) -> list[SaliencyMap]:
    """The maps of one detector, the first image of every generator before the second of any."""
    own, counts, turns = [one for one in found.maps if one.detector == detector], Counter[str](), []
    for one in own:
        turns.append(counts[one.generator])
        counts[one.generator] += 1
    return [own[place] for place in sorted(range(len(own)), key=turns.__getitem__)]


def _picture(one: SaliencyMap) -> Picture:
    values = one.values
    top = float(np.quantile(values, 0.995)) or 1.0
    said = f"Log odds {one.log_odds:+.1f} of an image that is {one.generator}."
    return Picture(one.detector, grey_levels(values, 0.0, top), said, f"{one.generator}, log odds {one.log_odds:+.1f}")


def _frequencies(table: pd.DataFrame) -> Chart:
    """The share of a gradient's power at each frequency, the mean over both classes."""
    names = list(map(str, table[columns.DETECTOR].unique()))
    hues = hues_of({name: list(HUES)[place % len(HUES)] for place, name in enumerate(names)})
    means = table.groupby([columns.DETECTOR, FREQUENCY], sort=False)[POWER_SHARE].mean()
    series = [Series(name, hues[name], [(float(at), float(y)) for at, y in means[name].items()]) for name in names]
    highest = max(y for one in series for _, y in one.points)
    step = next(size for size in (0.01, 0.02, 0.05, 0.1, 0.2) if highest / size <= 6 or size == 0.2)
    across = PlotAxis(0.0, HIGHEST, [Tick(at / 10, f"{at / 10:g}") for at in range(8)], "cycles per pixel")
    up = percent_axis(0.0, step * math.ceil(highest / step), "share of the gradient's power in %", step)
    most = ", ".join(f"{name} at {means[name].idxmax():.2f}" for name in names)
    said = f"Most power, in cycles per pixel: {most}."
    return line_chart("What they look at: slow changes, or fine ones", said, [LinePanel("", series, across, up)])


def _table(table: pd.DataFrame) -> TitledTable:
    means = table.groupby(columns.DETECTOR, sort=False)[[GINI, CENTRE_SHARE]].mean()
    return TitledTable(
        "How gradients are spread, mean over images",
        (
            TableColumn("detector", tuple(map(str, means.index)), left=True),
            TableColumn("Gini", tuple(f"{value:.2f}" for value in means[GINI])),
            TableColumn("in the centre", tuple(percent(float(value)) for value in means[CENTRE_SHARE])),
        ),
    )


FIGURE = Figure(
    "saliency",
    "Saliency",
    "Where do fitted networks look?",
    saliency_content,
    "Gradient of the log odds by the pixels. Gini: 0 where all pixels count alike, near 1 where few do. In the centre: "
    "the share of the gradient in the middle quarter of the image. It needs `lineup run --keep-fitted`.",
    needs_images=True,
)
