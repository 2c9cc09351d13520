"""What can be exported of finished runs: each content with its rows for programs, and its texts for people."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial

import pandas as pd

from bench.evaluation.asked.rank_measures import NOTHING_ASKED, AskedMeasures
from bench.evaluation.cells import MeasuredCells, evaluate, matrices, readable_table
from bench.evaluation.leaderboard import Ranking, rankings_of
from bench.exchange.data_package.package import table_of
from bench.exchange.export.fiftyone import fiftyone_document, sample_notes
from bench.exchange.export.image_rows import ImageFacts, image_rows
from bench.exchange.export.wide_table import wide_table
from bench.platform.errors import InputError
from bench.platform.files import plain_name
from bench.records import columns
from bench.records.manifest import ProtocolRecord
from bench.records.run import Run
from bench.report import formats
from bench.report.ranking_columns import DASH, TableColumn, TitledTable, percent
from bench.report.sections.catalogue import all_sections
from bench.report.sections.published import published_figures
from protocols.api import NONE

LEADERBOARD, MATRIX, CELLS, THROUGHPUT = "leaderboard", "matrix", "cells", "throughput"
SCORES, WIDE_SCORES, WIDE_LOG_ODDS, FIFTYONE = "scores", "wide-scores", "wide-log-odds", "fiftyone"
OF_IMAGES = (SCORES, WIDE_SCORES, WIDE_LOG_ODDS, FIFTYONE)  # which open the images of runs
OWN = (LEADERBOARD, MATRIX, CELLS, THROUGHPUT, *OF_IMAGES)
_RowMaker = Callable[[], pd.DataFrame]


@dataclass(frozen=True)
class ExportContent:
    """One table in every form that it has.

    Attributes:
        name: Of its file, without an ending.
        table: By which `bench.explanations` has its columns.
        maker: Makes its rows for programs; None where there are none.
        texts: By form of `bench.report.export.forms`, what makes a text of another kind.
    """

    name: str
    table: str
    maker: _RowMaker | None = None
    texts: Mapping[str, Callable[[], str]] = field(default_factory=dict)

    @cached_property
    def rows(self) -> pd.DataFrame | None:
        """Its rows for programs, made once; None where there are none."""
        return None if self.maker is None else self.maker()

    @classmethod
    def of_rows(cls, name: str, maker: _RowMaker) -> ExportContent:
        """A table for programs alone."""
        return cls(name, table_of(name), maker)

    @classmethod
    def titled(
        cls, name: str, maker: _RowMaker | None, tables: Sequence[TitledTable], legend: str = ""
    ) -> ExportContent:
        """A table for programs and people."""
        texts = {
            "markdown": lambda: formats.section_as_markdown(tables, legend),
            "latex": lambda: formats.section_as_latex(tables),
        }
        return cls(name, table_of(name), maker, texts)


@dataclass(frozen=True)
class ExportedRun:
    """A finished run, or several of one question that were joined.

    Attributes:
        run: The run.
        asked: Metrics beside the usual ones, and what ranks.
        facts: What is known of its images beside their scores; nothing where they were not opened.
    """

    run: Run
    asked: AskedMeasures = NOTHING_ASKED
    facts: ImageFacts = field(default_factory=ImageFacts.none)

    @cached_property
    def measured(self) -> MeasuredCells:
        """Its cells, measured."""
        return evaluate(self.run, self.asked.metrics, self.asked.rescoring)

    @property
    def protocol(self) -> ProtocolRecord:
        """That of its manifest."""
        return self.run.manifest.protocol


@dataclass(frozen=True)
class ExportedRuns:
    """Finished runs whose tables are exported.

    Attributes:
        found: The runs, those of one question joined.
    """

    found: Sequence[ExportedRun]

    @cached_property
    def rankings(self) -> list[Ranking]:
        """All of their rankings."""
        return [ranking for one in self.found for ranking in rankings_of(one.run, one.measured, one.asked)]

    @cached_property
    def image_rows(self) -> pd.DataFrame:
        """Their scores as one long table."""
        return self._together([image_rows(one.run, one.facts) for one in self.found])

    @cached_property
    def cells(self) -> pd.DataFrame:
        """Their cells, as a reader has them."""
        return self._together([readable_table(one.measured.table, one.protocol) for one in self.found])

    def _together(self, parts: Sequence[pd.DataFrame]) -> pd.DataFrame:
        """The rows of all runs, with the protocol and the data of each where they differ."""
        said = []
        for one in self.found:
            manifest = one.run.manifest
            facts = {"protocol": manifest.protocol.name, "data": manifest.data.title}
            said.append(facts | {"base_degradation": manifest.data.base_degradation})
        differing = [name for name in said[0] if len({one[name] for one in said} - {NONE}) > 1]
        based = {"base_degradation"} if any(one["base_degradation"] != NONE for one in said) else set()
        shown = [name for name in said[0] if name in {*differing, *based}]
        named = [part.assign(**{name: one[name] for name in shown}) for part, one in zip(parts, said, strict=True)]
        whole: pd.DataFrame = pd.concat(named, ignore_index=True)
        return whole[[*shown, *whole.columns.drop(shown)]]


def content_names() -> tuple[str, ...]:
    """What can be asked for: Lineup's own contents, then the sections of the report."""
    return (*OWN, *(section.name for section in all_sections()))


def contents_of(name: str, runs: ExportedRuns) -> list[ExportContent]:
    """A content of some runs: one, or one for each detector or run.

    Raises:
        InputError: The runs have nothing of it.
    """
    makers: Mapping[str, Callable[[ExportedRuns], list[ExportContent]]] = {
        LEADERBOARD: lambda runs: [leaderboard_content(runs.rankings)],
        MATRIX: _matrices,
        CELLS: lambda runs: [_plain(CELLS, runs.cells)],
        THROUGHPUT: _throughput,
        SCORES: lambda runs: [ExportContent.of_rows(SCORES, lambda: runs.image_rows)],
        WIDE_SCORES: partial(_wide, WIDE_SCORES, columns.SCORE),
        WIDE_LOG_ODDS: partial(_wide, WIDE_LOG_ODDS, columns.LOG_ODDS),
        FIFTYONE: lambda runs: [ExportContent(FIFTYONE, FIFTYONE, texts={"json": partial(_fiftyone, runs)})],
    }
    found = makers[name](runs) if name in makers else list(_sections(name, runs))
    if not found:
        msg = f"the runs have no {name}; leave it out: `lineup leaderboard RUN` shows what they have"
        raise InputError(msg)
    return found


def leaderboard_content(rankings: Sequence[Ranking]) -> ExportContent:
    """Rankings as one table in every form; in Markdown with published figures of the same data below."""
    return ExportContent(
        LEADERBOARD,
        table_of(LEADERBOARD),
        lambda: formats.ranking_rows(rankings),
        {
            "markdown": lambda: formats.as_markdown(rankings, published_figures(rankings)),
            "latex": lambda: formats.as_latex(rankings),
            "json": lambda: formats.as_json(rankings),
        },
    )


def _plain(name: str, rows: pd.DataFrame) -> ExportContent:
    """A table whose texts for people have the columns of its rows."""
    shown = tuple(
        TableColumn(str(column), tuple(map(_text, rows[column])), left=not pd.api.types.is_numeric_dtype(rows[column]))
        for column in rows
    )
    return ExportContent.titled(name, lambda: rows, [TitledTable(name, shown)])


def _text(value: object) -> str:
    if isinstance(value, float):
        return DASH if math.isnan(value) else f"{value:.4f}"
    return str(value)


def _matrices(runs: ExportedRuns) -> list[ExportContent]:
    """The matrix of each detector of each run: shares in its rows, per cent in its texts."""
    several, found = len(runs.found) > 1, []
    for place, one in enumerate(runs.found, start=1):
        for detector, shares in matrices(one.measured.table, one.protocol).items():
            names = tuple(map(str, shares.index))
            shown = (
                TableColumn(str(shares.index.name), names, left=True),
                *(TableColumn(str(test), tuple(map(percent, shares[test]))) for test in shares),
            )
            file = f"{MATRIX}-{plain_name(detector)}" + (f"-{place}" if several else "")
            found.append(ExportContent.titled(file, shares.reset_index, [TitledTable(detector, shown)]))
    return found


def _throughput(runs: ExportedRuns) -> list[ExportContent]:
    rows = [one.run.throughput for one in runs.found if len(one.run.throughput)]
    return [_plain(THROUGHPUT, pd.concat(rows, ignore_index=True))] if rows else []


def _wide(name: str, value: str, runs: ExportedRuns) -> list[ExportContent]:
    return [ExportContent.of_rows(name, lambda: wide_table(runs.image_rows, value))]


def _fiftyone(runs: ExportedRuns) -> str:
    name = f"lineup {runs.found[0].protocol.name} {runs.found[0].run.manifest.data.title}"
    return json.dumps(fiftyone_document(runs.image_rows, name), ensure_ascii=False, allow_nan=False) + "\n"


def notes_on(names: Sequence[str], runs: ExportedRuns) -> list[str]:
    """What contents leave out of some runs, in words."""
    return list(sample_notes(runs.image_rows)) if FIFTYONE in names else []


def _sections(name: str, runs: ExportedRuns) -> Iterator[ExportContent]:
    """A section of the report of each run that has it."""
    (section,) = (one for one in all_sections() if one.name == name)
    several = len(runs.found) > 1
    for place, one in enumerate(runs.found, start=1):
        content = section.content(one.measured)
        if content.tables:
            maker = None if content.rows is None else content.rows.copy
            made = ExportContent.titled(name, maker, content.tables, section.legend)
            yield replace(made, name=f"{name}-{place}") if several else made
