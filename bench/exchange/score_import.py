"""From a table of scores to a run: of its own images, of a data set's, or of those of a finished run."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256

import pandas as pd

from bench.exchange.import_request import ImportRequest
from bench.exchange.imported_run import ImportedScores, imported_scores
from bench.exchange.known_images import (
    KnownImages,
    check_facts,
    images_of_data,
    images_of_run,
    images_of_table,
    matched_rows,
)
from bench.exchange.questions import ScoreQuestion, question_of_data, question_of_run, question_of_table
from bench.exchange.row_facts import row_facts
from bench.exchange.score_checks import as_probabilities, check_kind, without_repeats
from bench.exchange.score_columns import DEGRADATION, DETECTOR, IMAGE, SOURCE, ScoreColumns, find_score_columns
from bench.exchange.score_rows import OWN_NAME, ROW, score_rows, shown_examples, sources_of
from bench.exchange.score_tables import read_score_table
from bench.images.annotations.records import TextRecords
from bench.images.annotations.stated_facts import SKIPPED
from bench.images.image_set import ImageSet
from bench.platform.errors import InputError
from bench.platform.printable import printable
from bench.records import columns
from bench.records.run import Run
from protocols.api import NONE, Split


@dataclass(frozen=True)
class _Scores:
    """A table of scores that was read: its rows hold probabilities of "generated"."""

    request: ImportRequest
    records: TextRecords
    columns: ScoreColumns
    rows: pd.DataFrame

    @property
    def where(self) -> str:
        """What messages call the table."""
        return self.records.where


def import_table(request: ImportRequest) -> ImportedScores:
    """The rows of a table about its own images: their labels, generators and sources are what it says.

    Raises:
        InputError: The table cannot be used.
    """
    read = _read(request)
    facts = row_facts(read.records, read.columns, request.classes)
    images = images_of_table(read.where, read.rows, facts, sources_of(read.records, read.columns))
    rows = read.rows[read.rows[IMAGE].isin(images[columns.NAME])]
    asked = rows[[IMAGE, DEGRADATION]].drop_duplicates().rename(columns={IMAGE: columns.NAME})
    question = question_of_table(images, _degradations(rows), asked)
    warnings = tuple(_table_notices(read, images, facts.labels))
    data = replace(question.manifest.data, warnings=warnings)
    question = replace(question, manifest=replace(question.manifest, data=data))
    return _imported(read, question, rows, [])


def import_for_data(request: ImportRequest, images: ImageSet, split: Split | None) -> ImportedScores:
    """The rows of a table about the images of a data set, which says what they are.

    Args:
        request: What was asked for.
        images: The data set.
        split: Of which images scores are wanted; None for those that are held out.

    Raises:
        InputError: The table cannot be used, or is at odds with the data.
    """
    chosen = split or images.untouched
    read, rows, said = _known_rows(request, images_of_data(images))
    question = question_of_data(images, chosen, _degradations(rows))
    others = rows.loc[~rows[IMAGE].isin(question.images["given"]), IMAGE].nunique()
    hint = "" if chosen == "all" else "; --split all takes them"
    outside = [f"{others:,} images of the table are outside the {chosen} split of the data and were left out{hint}."]
    return _imported(read, question, rows, said + (outside if others else []))


def import_like(request: ImportRequest, run: Run, where: str) -> ImportedScores:
    """The rows of a table about the images of a finished run, in the run's own cells.

    Args:
        request: What was asked for.
        run: The run.
        where: What messages call it.

    Raises:
        InputError: The table cannot be used, is at odds with the run, or has the name of one of its rows.
    """
    question = question_of_run(run, where)
    read, rows, said = _known_rows(request, images_of_run(run, where))
    if taken := [name for name in rows[DETECTOR].unique() if name in run.manifest.detectors]:
        msg = f"{where} has a row {taken[0]} of its own; call the imported one otherwise"
        raise InputError(f"{msg}: --detector NAME, or 'their {OWN_NAME}' for all")
    known = set(question.cells[columns.DEGRADATION])
    further = [name for name in _degradations(rows) if name not in known]
    others = [f"scores under {shown_examples(further)} were left out: the run has no such degradation."]
    rows = rows[~rows[DEGRADATION].isin(further)]
    if rows.empty:
        msg = f"the scores are under {shown_examples(further)}, and {where} has {shown_examples(sorted(known))}"
        raise InputError(f"{msg}; spell degradations as the run does")
    return _imported(read, question, rows, said + (others if further else []))


def _read(request: ImportRequest) -> _Scores:
    """The table, its numbers made probabilities."""
    records = read_score_table(request.table)
    found = find_score_columns(records, request.columns)
    kind = check_kind(request.kind or "", found.scores[0] if found.named_logits else "")
    rows = score_rows(records, found, request.detector)
    return _Scores(request, records, found, as_probabilities(records.where, rows, kind, request.positive))


def _known_rows(request: ImportRequest, known: KnownImages) -> tuple[_Scores, pd.DataFrame, list[str]]:
    """The table, its rows about images that are known and at odds with nothing, and sentences on the others."""
    read = _read(request)
    if IMAGE not in read.columns.by_role:
        names = ", ".join(map(str, read.records.columns))
        msg = f"{read.where} names no images; say which column does: --columns image=..., among {names}"
        raise InputError(msg)
    rows, said = matched_rows(read.rows, known)
    labels: list[int | None] = [None] * read.records.rows
    for row, name in zip(rows[ROW], rows[IMAGE], strict=True):
        labels[row] = int(known.labels[name])
    check_facts(read.where, rows, row_facts(read.records, read.columns, request.classes, labels), known)
    return read, rows, said


def _imported(read: _Scores, question: ScoreQuestion, rows: pd.DataFrame, said: Iterable[str]) -> ImportedScores:
    rows, repeated = without_repeats(read.where, rows)
    content = sha256(read.request.table.read_bytes()).hexdigest()
    return imported_scores(read.request, content, question, rows, [*said, *([repeated] if repeated else [])])


def _degradations(rows: pd.DataFrame) -> list[str]:
    """The degradations of some rows, clean images first."""
    found = list(rows[DEGRADATION].unique())
    return sorted(found, key=lambda name: name != NONE)


def _table_notices(read: _Scores, images: pd.DataFrame, labels: Sequence[int | None]) -> list[str]:
    """What a reader must know of images that the table alone describes."""
    said = []
    if IMAGE not in read.columns.by_role:
        said.append("The table names no images; each row is taken for an image of its own.")
    if SOURCE not in read.columns.by_role:
        said.append("The table states no sources; each image is taken for independent, so intervals may be narrow.")
    else:
        count, column = images[columns.SOURCE].nunique(), read.columns.by_role[SOURCE]
        said.append(
            f"The {len(images):,} images of the table are of {count:,} sources, as the column {printable(column)} says."
        )
    if skipped := sum(label == SKIPPED for label in labels):
        said.append(f"{skipped:,} rows are of neither class and were left out.")
    return said
