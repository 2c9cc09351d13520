"""A run, measured and ranked, as figures look at it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import pandas as pd

from bench.analyses.scores.curves import DetectorCurves, curves_of
from bench.charts.palette import DetectorHue, hues_of
from bench.evaluation.cells import MeasuredCells, evaluate, matrices
from bench.evaluation.joined_runs import join_with_places
from bench.evaluation.leaderboard import Ranking, rankings_of
from bench.evaluation.ranking_rows import RankingRow
from bench.records import columns
from bench.records.manifest import Manifest
from bench.records.run import Run
from bench.records.store import Store
from bench.report.figures.opened_images import NoImages, OpenedImages
from bench.report.ranking_columns import span_text

BASELINE = "baseline"
_DRAWN_CURVES = 10  # detectors of which curves are drawn
_NOT_ASKED = NoImages("The images were not asked for.")
_Opening = Callable[[Path], OpenedImages | NoImages]


@dataclass(frozen=True)
class Findings:
    """What figures are made of.

    Attributes:
        run: The run.
        measured: Its cells, measured.
        rankings: Its rankings: of trained detectors, and apart of released and imported ones.
        training: The epochs of its trainings, as `bench.records.store.Store.training` gives them.
        images: Its images, or why there are none.
    """

    run: Run
    measured: MeasuredCells
    rankings: Sequence[Ranking]
    training: pd.DataFrame = field(default_factory=pd.DataFrame)
    images: OpenedImages | NoImages = _NOT_ASKED

    @classmethod
    def of(cls, run: Run) -> Findings:
        """Measure and rank a run."""
        measured = evaluate(run)
        return cls(measured.run, measured, rankings_of(run, measured))

    @classmethod
    def read(cls, folders: Sequence[Path], images: _Opening | None = None) -> list[Findings]:
        """Read result folders; runs that ask one question of one data set are joined.

        Args:
            folders: One at least.
            images: Opens the images of the run in a folder; None where they are not needed.

        Raises:
            InputError: A folder holds no run, or one detector appears in two versions.
        """
        stores = [Store(folder) for folder in folders]
        runs = [store.read() for store in stores]
        # one run alone stays whole: joining sets its released rows apart
        joined = join_with_places(runs) if len(runs) > 1 else [(run, (0,)) for run in runs]
        found = []
        for run, places in joined:
            own = [stores[place] for place in places]
            findings = replace(cls.of(run), training=_trainings(own))
            found.append(replace(findings, images=_images(own, images)) if images else findings)
        return found

    @property
    def manifest(self) -> Manifest:
        """The run's."""
        return self.run.manifest

    @property
    def rows(self) -> list[tuple[Ranking, RankingRow]]:
        """Every row, best first, with the ranking that it is in."""
        return [(ranking, row) for ranking in self.rankings for row in ranking.rows]

    def best(self, count: int | None = None) -> list[str]:
        """The names of the detectors in the order of the rankings: the first ones, or all for None."""
        return [row.detector for _, row in self.rows][:count]

    def scored(self, detectors: Iterable[str]) -> list[str]:
        """Those of some detectors that have a scored cell."""
        scored = set(self.measured.table.loc[self.measured.scored, columns.DETECTOR])
        return [name for name in detectors if name in scored]

    @property
    def average(self) -> str:
        """The average that ranks, of the first ranking."""
        return self.rankings[0].ranked_by

    @property
    def averaged(self) -> str:
        """The cells of that average, in words."""
        return self.average if self.average.endswith("cells") else f"{self.average} cells"

    @cached_property
    def hues(self) -> Mapping[str, DetectorHue]:
        """The colour and marker of each detector, the same in all figures of a run, by name."""
        return hues_of({row.detector: self.family(row.detector) for _, row in self.rows})

    @cached_property
    def matrices(self) -> Mapping[str, pd.DataFrame]:
        """The matrix of each detector, best first."""
        found = matrices(self.measured.table, self.manifest.protocol)
        return {row.detector: found[row.detector] for _, row in self.rows}

    @cached_property
    def score_curves(self) -> list[DetectorCurves]:
        """The curves of the best detectors over the average that ranks, in their order."""
        names = self.best(_DRAWN_CURVES)
        found = {one.detector: one for one in curves_of(self.measured, self.average, detectors=names)}
        return [found[name] for name in names if name in found]

    def family(self, detector: str) -> str:
        """The family of a detector, as its card says; "" where it says none."""
        return str(self.manifest.detectors[detector].card.get("family", ""))

    def title(self, detector: str) -> str:
        """The name of a detector, with a mark on a baseline."""
        return f"{detector} ({BASELINE})" if self.manifest.detectors[detector].shortcut else detector

    def about(self) -> str:
        """On what data, in which setting and with how many trainings the run was made."""
        manifest, cells = self.manifest, self.measured.table
        counts = cells.groupby(columns.DETECTOR)[columns.SEED].nunique()
        seeds = span_text(int(counts.min()), int(counts.max()))
        trained = f" {seeds} training seed{'' if seeds == '1' else 's'}." if manifest.protocol.trains else ""
        return f"Data: {self.rankings[0].data}. Setting: {manifest.setting}.{trained}"


def _trainings(stores: Sequence[Store]) -> pd.DataFrame:
    """The epochs of the trainings of some runs, each once."""
    found = [store.training() for store in stores]
    filled = [one for one in found if len(one)]
    if not filled:
        return found[0]
    return pd.concat(filled, ignore_index=True).drop_duplicates([columns.FIT, columns.EPOCH], ignore_index=True)


def _images(stores: Sequence[Store], opening: _Opening) -> OpenedImages | NoImages:
    """The images of the first run that has them, or why the first has none."""
    found = []
    for store in stores:
        found.append(opening(store.root))
        if isinstance(found[-1], OpenedImages):
            return found[-1]
    return found[0]
