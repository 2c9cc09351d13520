"""What traces generators leave: average spectra of noise residuals, and fingerprints."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench.analyses.images.degraded_pass import REAL
from bench.analyses.images.fingerprints import PEAK, PEAK_P, PEAK_X, PEAK_Y, correlations
from bench.analyses.images.residuals import Map
from bench.analyses.images.spectra import Spectra
from bench.charts.chart import Chart
from bench.charts.heat_map import HeatMapPanel, heat_map_chart
from bench.charts.lines import LinePanel, Series, line_chart
from bench.charts.palette import HUES, hues_of
from bench.charts.pictures import Picture, diverging, picture_chart
from bench.charts.plot_area import PlotAxis, Tick
from bench.platform.errors import InputError
from bench.records import columns
from bench.report.figures.figure import Figure, FigureContent
from bench.report.figures.findings import Findings
from bench.report.figures.opened_images import NoImages
from bench.report.ranking_columns import TableColumn, TitledTable, p_text
from protocols.api import NONE

_SIDE = 150.0  # pixels of a drawn spectrum
_FEWEST_DECIBELS = 3.0  # at the ends of the colours


def spectra_content(findings: Findings) -> FigureContent:
    """Spectra against those of real images, their radial profiles, and the correlation of fingerprints."""
    if isinstance(findings.images, NoImages):
        return FigureContent(reason=findings.images.reason)
    try:
        made = findings.images.spectra
    except InputError as error:  # images too small: no reason to write no page
        return FigureContent(reason=str(error))
    spectra = made.spectra
    if len(spectra.under(NONE)) < 2 or REAL not in spectra.under(NONE):
        return FigureContent(reason="There are no images of both classes of one size.")
    degradations = list(dict.fromkeys(one.degradation for one in spectra.spectra))
    asked = set(findings.measured.table[columns.DEGRADATION]) - {NONE}
    left = f" Under {len(degradations) - 1} of {len(asked)} degradations." if len(asked) >= len(degradations) else ""
    charts = [
        _pictures(spectra, degradations, left),
        _profiles(spectra, degradations),
        _fingerprints(spectra, degradations),
    ]
    return FigureContent(charts, [_peaks(made.tables["fingerprints"])], made.tables["spectra"])


def _pictures(spectra: Spectra, degradations: Sequence[str], left: str) -> Chart:
    """The difference from real images of each generator under each degradation, in one scale of colours."""
    found = {
        (degradation, name): values
        for degradation in degradations
        for name, values in spectra.differences(degradation).items()
    }
    most = max(_FEWEST_DECIBELS, *(float(np.quantile(np.abs(one), 0.995)) for one in found.values()))
    pictures = [_picture(*key, values, most) for key, values in found.items()]
    one = spectra.under(NONE)[REAL]
    note = f"Mean power of the noise residual, in dB to that of {one.images} real images; brown -{most:.0f}, "
    note += (
        f"white 0, blue +{most:.0f}. Middle: slow changes, edges: from pixel to pixel; {one.side} pixels square.{left}"
    )
    return picture_chart("Spectra of generated images", f"{len(pictures)} spectra.", pictures, side=_SIDE, note=note)


def _picture(degradation: str, name: str, values: Map, most: float) -> Picture:
    y, x = np.unravel_index(int(values.argmax()), values.shape)
    where = f"{_cycles(int(y), len(values))}, {_cycles(int(x), len(values))}"
    strongest = f"{float(values.max()):+.1f} dB"
    said = f"The largest difference from real images is {strongest}, at {where} cycles per pixel."
    title = name if degradation == NONE else f"{name} {degradation}"
    return Picture(title, diverging(values, most), said, f"most {strongest} at {where}")


def _cycles(place: int, side: int) -> str:
    return f"{(place - side // 2) / side:.2f}"


def _profiles(spectra: Spectra, degradations: list[str]) -> Chart:
    names = [name for name in spectra.under(NONE) if name != REAL]
    hues = hues_of({name: list(HUES)[place % len(HUES)] for place, name in enumerate(names)})
    profiles = {
        (degradation, name): one.radial - spectra.under(degradation)[REAL].radial
        for degradation in degradations
        for name, one in spectra.under(degradation).items()
        if name != REAL and REAL in spectra.under(degradation)
    }
    most = max(_FEWEST_DECIBELS, *(float(np.nanmax(np.abs(one))) for one in profiles.values()))
    up = _decibels(most)
    across = PlotAxis(0.0, 0.5, [Tick(at / 10, f"{at / 10:g}") for at in range(6)], "cycles per pixel")
    panels = []
    for degradation in degradations:
        series = [
            Series(name, hues[name], _points(profiles[degradation, name]))
            for name in names
            if (degradation, name) in profiles
        ]
        panels.append(LinePanel("clean" if degradation == NONE else degradation, series, across, up, level=0.0))
    said = "How much more or less power a generator has than real images at each frequency."
    return line_chart("Power by frequency, against real images", said, panels, note="Mean over directions.")


def _points(radial: NDArray[np.float64]) -> list[tuple[float, float]]:
    return [(0.5 * place / (len(radial) - 1), float(value)) for place, value in enumerate(radial)]


def _decibels(most: float) -> PlotAxis:
    step = next(size for size in (1, 2, 5, 10, 20, 50) if most / size <= 4 or size == 50)
    end = step * int(np.ceil(most / step))
    return PlotAxis(-end, end, [Tick(at, f"{at:+d}" if at else "0") for at in range(-end, end + 1, step)], "dB")


def _fingerprints(spectra: Spectra, degradations: list[str]) -> Chart:
    panels = []
    for degradation in degradations:
        found = correlations(spectra.under(degradation))
        names = list(found.generators)
        values = {
            (one, other): float(found.values[row, column])
            for row, one in enumerate(names)
            for column, other in enumerate(names)
        }
        title = "clean" if degradation == NONE else degradation
        panels.append(HeatMapPanel(title, values, [names], [names], kind="r"))
    said = "On the diagonal, how alike two halves of the images of one generator are: 0 without a fingerprint."
    return heat_map_chart(
        "Fingerprints", said, panels, note=f"Correlation of mean residuals of different images. {said}"
    )


def _peaks(rows: pd.DataFrame) -> TitledTable:
    places = zip(rows[PEAK_Y], rows[PEAK_X], strict=True)
    own = zip(rows["split_half_correlation"], rows["split_half_p"], strict=True)
    return TitledTable(
        "The most regular trace of each generator, and whether the halves of its images have a fingerprint in common",
        (
            TableColumn("generator", tuple(map(str, rows[columns.GENERATOR])), left=True),
            TableColumn("degradation", tuple(map(str, rows[columns.DEGRADATION])), left=True),
            TableColumn("images", tuple(f"{int(count):,}" for count in rows[columns.IMAGES])),
            TableColumn("peak to noise", tuple(f"{float(value):.1f}" for value in rows[PEAK])),
            TableColumn("at (y, x)", tuple(f"{y:.3f}, {x:.3f}" for y, x in places)),
            TableColumn("p of the peak", tuple(p_text(float(value)) for value in rows[PEAK_P])),
            TableColumn("correlation of halves", tuple(f"{value:.3f}, p {p_text(float(p))}" for value, p in own)),
        ),
    )


FIGURE = Figure(
    "spectra",
    "Traces",
    "Which traces do generators leave?",
    spectra_content,
    "Residual: image minus a Gaussian blur of sigma 1. A bright dot is a pattern that repeats, such as that of "
    "upsampling. A fingerprint is what the residuals of all images of a generator have in common, pixel by pixel.",
    needs_images=True,
)
