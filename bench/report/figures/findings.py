"""A run, measured and ranked, as figures look at it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import pandas as pd

from bench.charts.palette import DetectorHue, hues_of
from bench.evaluation.cells import MeasuredCells, evaluate, matrices
from bench.evaluation.leaderboard import Ranking, rankings_of
from bench.evaluation.ranking_rows import RankingRow
from bench.records.manifest import Manifest
from bench.records.run import Run

BASELINE = "baseline"


@dataclass(frozen=True)
class Findings:
    """What figures are made of.

    Attributes:
        run: The run.
        measured: Its cells, measured.
        rankings: Its rankings: of trained detectors, and apart of released and imported ones.
    """

    run: Run
    measured: MeasuredCells
    rankings: Sequence[Ranking]

    @classmethod
    def of(cls, run: Run) -> Findings:
        """Measure and rank a run."""
        measured = evaluate(run)
        return cls(measured.run, measured, rankings_of(run, measured))

    @property
    def manifest(self) -> Manifest:
        """The run's."""
        return self.run.manifest

    @property
    def rows(self) -> list[tuple[Ranking, RankingRow]]:
        """Every row, best first, with the ranking that it is in."""
        return [(ranking, row) for ranking in self.rankings for row in ranking.rows]

    @cached_property
    def hues(self) -> Mapping[str, DetectorHue]:
        """The colour and marker of each detector, the same in all figures of a run, by name."""
        return hues_of({row.detector: self.family(row.detector) for _, row in self.rows})

    @cached_property
    def matrices(self) -> Mapping[str, pd.DataFrame]:
        """The matrix of each detector, best first."""
        found = matrices(self.measured.table, self.manifest.protocol)
        return {row.detector: found[row.detector] for _, row in self.rows}

    def family(self, detector: str) -> str:
        """The family of a detector, as its card says; "" where it says none."""
        return str(self.manifest.detectors[detector].card.get("family", ""))

    def title(self, detector: str) -> str:
        """The name of a detector, with a mark on a baseline."""
        return f"{detector} ({BASELINE})" if self.manifest.detectors[detector].shortcut else detector

    def about(self) -> str:
        """On what data, in which setting and with how many trainings the run was made."""
        manifest, seeds = self.manifest, len(self.manifest.seeds)
        trained = f" {seeds} training seed{'' if seeds == 1 else 's'}." if manifest.protocol.trains else ""
        return f"Data: {manifest.data.title}. Setting: {manifest.setting}.{trained}"
