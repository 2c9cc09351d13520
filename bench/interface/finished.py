"""A finished run in a folder: its tables as frames, its figures, and the detectors that it kept."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from glob import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from bench.evaluation.cells import MeasuredCells, axes_shown, evaluate, readable_table
from bench.interface.detectors import LoadedDetector, load_detector
from bench.interface.surroundings import CORES, fetched_folder, held_cache, one_kind_of_error, reporter
from bench.platform.errors import InputError
from bench.platform.files import plain_name, write_atomically
from bench.records import columns
from bench.records.outcomes import Failed
from bench.records.run import Run
from bench.records.store import Store
from bench.storage.connection import is_store
from detectors.entries import parse_entry

if TYPE_CHECKING:
    from bench.evaluation.asked.rank_measures import AskedMeasures
    from bench.evaluation.comparing.comparison import AverageDifference
    from bench.evaluation.leaderboard import Ranking
    from bench.records.saved_detector import SavedDetector
    from bench.report.figures.figure import Figure, FigureContent

FITTED = "fitted"  # the folder of kept detectors
MOST_SHOWN = 3  # reasons of failed cells in a line


@dataclass(frozen=True, eq=False)
class RunFigure:
    """One question about a run, answered with drawings, tables or numbers; a notebook shows it.

    Attributes:
        figure: What it asks.
        content: What it shows of the run.
    """

    figure: Figure
    content: FigureContent

    @property
    def rows(self) -> pd.DataFrame:
        """The numbers behind it, one row each; empty where there are none."""
        return pd.DataFrame() if self.content.rows is None else self.content.rows

    def save(self, path: str | Path, *, dark: bool = False) -> list[Path]:
        """Write it as .svg, .png, .csv, .md or .tex.

        Args:
            path: The file; of several drawings each gets its number, from the second on.
            dark: Whether drawings are on dark ground.

        Returns:
            The files that were written.

        Raises:
            InputError: It has nothing of that form, or the file cannot be written.
        """
        from bench.report.figures.files import figure_files

        out = Path(path)
        with one_kind_of_error():
            files = figure_files(self.figure, self.content, out.suffix.lower(), dark=dark)
            paths = [out, *(out.with_stem(f"{out.stem}-{place}") for place in range(2, len(files) + 1))]
            for target, data in zip(paths, files, strict=True):
                write_atomically(target, lambda place, data=data: place.write_bytes(data))  # type: ignore[misc]
        return paths

    def __repr__(self) -> str:
        said = [f"{chart.title}. {chart.description}" for chart in self.content.charts]
        reason = self.content.reason or ("" if said or self.content.tables else "This run has nothing to show here.")
        return "\n".join(filter(None, [self.figure.question, *said, reason]))

    def _repr_html_(self) -> str:
        from bench.charts.markup import element, empty, joined
        from bench.report.page.parts import table

        drawings = (
            empty("img", alt=chart.description, src=f"data:image/svg+xml;base64,{_base64(chart.standalone())}")
            for chart in self.content.charts
        )
        tables = (joined(element("b", one.title), table(one.columns)) for one in self.content.tables)
        asked = element("p", element("b", self.figure.question))
        return str(joined(asked, *drawings, *tables, element("p", self.content.reason or self.figure.legend)))


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


@dataclass(frozen=True, eq=False)
class FinishedRun:
    """The run in a result folder, as it was when it was opened. `run` and `open_run` give one.

    Attributes:
        folder: The result folder.
    """

    folder: Path
    _run: Run

    @cached_property
    def _measured(self) -> MeasuredCells:
        return evaluate(self._run)

    @cached_property
    def failed(self) -> pd.DataFrame:
        """The cells that failed: one row each with `detector`, its axes, `seed` and `reason`; empty where none did."""
        cells = self._run.cells
        shown = [*self._identity, columns.REASON]
        return cells.loc[cells[columns.STATUS] == Failed.status, shown].reset_index(drop=True)

    @property
    def _identity(self) -> list[str]:
        """The columns that tell cells apart."""
        axes = axes_shown(self._run.cells, self._run.manifest.protocol)
        return [columns.DETECTOR, *axes, columns.SEED]

    def scores(self) -> pd.DataFrame:
        """The score of every image in every cell.

        Returns:
            One row per cell and image: `detector`, the axes of the cell such as `train`, `test` and `degradation`, and
            `seed`; then `name` of the image, `source`, which images share that are not independent, `label` (1 for
            generated), `score` in [0, 1] and `log_odds`, float32, NaN from a detector that has probabilities alone.
        """
        cells = self._run.cells[[columns.KEY, *self._identity]]
        named = cells.astype(dict.fromkeys(self._identity[:-1], "category"))
        return named.merge(self._run.scores, on=columns.KEY).drop(columns=columns.KEY)

    def cells(self) -> pd.DataFrame:
        """Every cell with its measures, as cells.parquet has them; `lineup explain COLUMN` says what each means."""
        return readable_table(self._measured.table, self._run.manifest.protocol)

    def leaderboard(self, metrics: Sequence[str] = (), rank_by: str = "accuracy") -> pd.DataFrame:
        """The detectors with their averages, best first, as leaderboard.csv has them: shares are in [0, 1].

        Args:
            metrics: Names of further measures, such as "ece", "tpr_at_fpr_1pct" or "worst_generator".
            rank_by: What ranks: "accuracy", "balanced_accuracy", "roc_auc", "ap", "worst_generator" or any measure.

        Raises:
            InputError: There is no such measure.
        """
        from bench.report.formats import as_frame

        return as_frame(self._rankings(_asked(metrics, rank_by)))

    def _rankings(self, asked: AskedMeasures) -> list[Ranking]:
        from bench.evaluation.asked.rank_measures import NOTHING_ASKED
        from bench.evaluation.leaderboard import rankings_of

        return rankings_of(self._run, self._measured if asked == NOTHING_ASKED else None, asked)

    def compare(self, first: str, second: str) -> pd.DataFrame:
        """Two detectors on the same cells and images: by how much they differ, and whether that is chance.

        Args:
            first: A detector of the run.
            second: Another one.

        Returns:
            One row per average of the protocol: `average`, `measure`, numbers of `cells`, `images` and `sources`; the
            average of the `first` and of the `second` in [0, 1] and their `difference`; its 95% interval `low` to
            `high`, `p` corrected for all averages, and the `verdict` on the first, on these generators; the same across
            generators with the prefix `across_`, missing where that is unresolved. `attrs` says how the two were made
            otherwise.

        Raises:
            InputError: The run has no such detector, or the two share no cell that has scores.
        """
        from bench.evaluation.comparing.comparison import compare_detectors
        from bench.evaluation.comparing.paired_runs import pair_runs
        from bench.evaluation.comparing.sides import choose_sides

        with one_kind_of_error():
            (sides,) = choose_sides([self._run], (first, second))
            (found,) = compare_detectors([pair_runs(*sides)])
        compared = pd.DataFrame([_average_row(one) for one in found.averages])
        compared.attrs = {"differences": [asdict(one) for one in found.paired.differences]}
        return compared

    def figure(self, name: str, *, data: str | Path = "") -> RunFigure:
        """One figure, as `lineup figure` lists them: "averages", "matrix", "roc", "reliability" and others.

        Args:
            name: The figure.
            data: Where the images of the run lie now, for figures that show them; "" for where they lay.

        Raises:
            InputError: There is no such figure, or `data` holds other images.
        """
        from bench.analyses.images.run_images import Workplace
        from bench.report.figures import find_figure
        from bench.report.figures.findings import Findings
        from bench.report.figures.opened_images import NoImages, open_images

        shown = reporter()
        with one_kind_of_error(), held_cache(shown) as cache:
            figure, place = find_figure(name), Workplace(cache.path, CORES, shown)
            opening = (lambda folder: open_images(folder, place, str(data))) if figure.needs_images else None
            (findings,) = Findings.read([self.folder], opening)
            if data and isinstance(findings.images, NoImages):
                raise InputError(findings.images.reason)
            return RunFigure(figure, figure.content(findings))

    def detector(
        self, name: str, *, train: str | None = None, seed: int | None = None, device: str = "auto"
    ) -> LoadedDetector:
        """A fitted detector that the run kept, as `run(..., keep_fitted=True)` does.

        Args:
            name: A row of the run.
            train: What it was fitted on, as the tables call it; None where all were fitted on the same.
            seed: Of its training; None where all have the same.
            device: "auto", "cpu", "cuda" or "cuda:N".

        Raises:
            InputError: The run kept no such detector, or several.
        """
        if name not in (rows := self._run.manifest.detectors):
            msg = f"{self.folder} has no detector {name!r}; it has {', '.join(rows)}"
            raise InputError(msg)
        with one_kind_of_error():
            kept = self._kept(name)
            found = {path: one for path, one in kept.items() if train in {None, one.train} and seed in {None, one.seed}}
        if len(found) != 1:
            fits = ", ".join(f"train={one.train!r} seed={one.seed}" for one in (found or kept).values())
            asked = f"{name} with train={train!r} and seed={seed}"
            what = f"fits of {asked}, and one is loaded" if found else f"fits as {asked}"
            msg = f"{self.folder} has {len(found)} {what}; it has {fits or 'none that were kept: run with keep_fitted'}"
            raise InputError(msg)
        return load_detector(next(iter(found)), device=device)

    def _kept(self, name: str) -> dict[Path, SavedDetector]:
        """The fits of a row that were kept, by their files."""
        from bench.records.saved_detector import read_description

        paths = sorted((self.folder / FITTED).glob(f"{escape(plain_name(name))}-*.safetensors"))
        described = {path: read_description(path) for path in paths}
        return {path: one for path, one in described.items() if one.detector == parse_entry(name).detector}

    def __repr__(self) -> str:
        manifest, statuses = self._run.manifest, self._run.cells[columns.STATUS]
        counts = ", ".join(f"{count:,} {status}" for status, count in statuses.value_counts().items())
        said = f"{manifest.protocol.name} on {manifest.data.title}: {', '.join(manifest.detectors)}"
        failed = self.failed.drop_duplicates([columns.DETECTOR, columns.REASON])
        reasons = [
            f"failed: {one.detector}: {one.reason}"
            for one in failed.head(MOST_SHOWN)[[columns.DETECTOR, columns.REASON]].itertuples(index=False)
        ]
        more = [f"and {len(failed) - MOST_SHOWN} more reasons in .failed"] if len(failed) > MOST_SHOWN else []
        return "\n".join([f"{said}; cells: {counts}; in {self.folder}", *reasons, *more])

    def _repr_html_(self) -> str:
        from bench.charts.markup import element, joined
        from bench.evaluation.asked.rank_measures import NOTHING_ASKED
        from bench.report.page.parts import paragraphs, table
        from bench.report.ranking_columns import heading, legend, notes, ranking_columns

        blocks = [
            joined(
                element("p", element("b", ranking.title)),
                paragraphs([heading(ranking), *ranking.notices]),
                table(ranking_columns(ranking)),
                paragraphs([*notes(ranking), legend(ranking)]),
            )
            for ranking in self._rankings(NOTHING_ASKED)
        ]
        return str(joined(*blocks, element("p", f"Written to {self.folder}")))


def open_run(folder: str | Path) -> FinishedRun:
    """Open the result folder of a run that is finished, whoever made it.

    Args:
        folder: The folder, or what `lineup runs` calls the run: its name, or its path below results/runs;
            or its URL on a store, from which it is fetched.

    Raises:
        InputError: It holds no run, is damaged, or another version of Lineup wrote it; or several are called so.
    """
    from bench.request.run_folders.finding import find_run

    with one_kind_of_error():
        text = str(folder)
        place = fetched_folder(text) if is_store(text) else find_run(str(Path(folder).expanduser()))
        return FinishedRun(place, Store(place).read())


def _asked(metrics: Sequence[str], rank_by: str) -> AskedMeasures:
    """What a leaderboard is to show. Raises `InputError`."""
    from bench.evaluation.asked.rank_measures import asked_measures

    with one_kind_of_error():
        return asked_measures(tuple(dict.fromkeys([metrics] if isinstance(metrics, str) else metrics)), rank_by)


def _average_row(one: AverageDifference) -> dict[str, Any]:
    """One average of a comparison as a row."""
    named = ("average", "measure", "cells", "images", "sources", "first", "second", "difference")
    across = {} if one.across is None else {f"across_{name}": value for name, value in asdict(one.across).items()}
    return {name: getattr(one, name) for name in named} | asdict(one.on_these) | across
