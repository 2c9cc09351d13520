"""The cells that imported scores answer: of the table itself, of a data set, or of a finished run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version

import numpy as np
import pandas as pd

from bench.engine.versions import commit, versions
from bench.evaluation.cells import SCORED, UNASKED
from bench.evaluation.imported_scores import original_names
from bench.exchange.score_rows import shown_examples
from bench.images.image_set import ImageSet
from bench.images.vocabulary.generator_names import family_of
from bench.platform.errors import InputError
from bench.platform.files import digest
from bench.records import columns
from bench.records.manifest import AxisRecord, DataRecord, GroupRecord, Manifest, ProtocolRecord, RuntimeRecord
from bench.records.outcomes import Skipped
from bench.records.run import Run
from protocols.api import NONE, Split, Subset

PROTOCOL = "imported"
TITLE = "Imported: scores of other tools on every generator, nothing is trained"
TABLE_TITLE = "images of a table of scores"
GENERATOR_AXIS = "generator"  # as the protocol of released checkpoints has it
GIVEN, CONDITION = "given", "condition"  # the image and the degradation as the table of scores has them
POOL = "pool"  # of an image of a table: the generators that its real images stand against, "" for all
IMAGES = (columns.CELL, columns.NAME, columns.SOURCE, columns.LABEL, GIVEN, CONDITION)
DEGRADED = "degraded"
NO_GENERATORS_NAMED = "scores of other tools name no generators"


@dataclass(frozen=True)
class ScoreQuestion:
    """Cells that scores are wanted for, and the images of each.

    Attributes:
        manifest: Of a run without detectors.
        cells: One row per cell: the columns of its question, `columns.GROUPS`, and `columns.STATUS` with
            `columns.REASON` of a cell that cannot be answered whatever the scores, both "" for any other.
        images: One row per cell and image, columns `IMAGES`; the cell is a position in `cells`.
        notices: What must be read before the numbers.
    """

    manifest: Manifest
    cells: pd.DataFrame
    images: pd.DataFrame
    notices: tuple[str, ...] = ()


def question_of_table(images: pd.DataFrame, degradations: Sequence[str], asked: pd.DataFrame) -> ScoreQuestion:
    """Each generator against its real images under each degradation that a table has.

    Args:
        images: The distinct images of the table: `columns.NAME`, `columns.LABEL`, `columns.GENERATOR`,
            `columns.SOURCE`, and `POOL`.
        degradations: In reading order.
        asked: The distinct pairs of `columns.NAME` and `columns.DEGRADATION` that the table has.
    """
    generators = list(images.loc[images[columns.LABEL].eq(1), columns.GENERATOR].unique())
    parts: list[pd.DataFrame] = []
    cells: list[tuple[str, str, str]] = []
    for step in degradations:
        present = images[images[columns.NAME].isin(asked.loc[asked[columns.DEGRADATION].eq(step), columns.NAME])]
        real = present[columns.LABEL].eq(0)
        for generator in generators:
            own = present[
                (~real & present[columns.GENERATOR].eq(generator)) | (real & present[POOL].isin(("", generator)))
            ]
            parts.append(_part(own, len(cells), own[columns.NAME], step))
            cells.append((generator, "all", step))
    data = _data_record(TABLE_TITLE, generators, {one: family_of(one) for one in generators}, images)
    return ScoreQuestion(_manifest(data, degradations), _cells(cells, degradations), _joined(parts))


def question_of_data(images: ImageSet, split: Split, degradations: Sequence[str]) -> ScoreQuestion:
    """Each generator of a data set against its real images, under each degradation or as each copy that it ships.

    Args:
        images: The data set.
        split: Of which images scores are wanted.
        degradations: Of the scores, in reading order.

    Raises:
        InputError: A class is missing, or the data ships copies and the scores have degradations besides.
    """
    if images.copies and list(degradations) != [NONE]:
        msg = f"{images.files.where} ships copies, and the scores are under {shown_examples(degradations)} besides"
        raise InputError(f"{msg}; name the file of each copy, without a column of degradations")
    names = pd.Series(original_names(images) if images.copies else list(images.names))
    copies: list[tuple[str | None, str, str]] = [(copy, copy or NONE, NONE) for copy in images.copies]
    conditions = copies or [(None, step, step) for step in degradations]
    parts: list[pd.DataFrame] = []
    cells: list[tuple[str, str, str]] = []
    for copy, step, condition in conditions:
        for generator in images.generators_in(split):
            rows = images.rows_of(Subset((generator,), split, copy=copy))
            own = images.table.iloc[rows].assign(**{columns.NAME: names.iloc[rows].to_numpy()})
            given = np.asarray(images.names, object)[rows]
            parts.append(_part(own, len(cells), given, condition))
            cells.append((generator, split, step))
    steps = [step for _, step, _ in conditions]
    found = _joined(parts)
    used = images.table[images.table[columns.NAME].isin(found[GIVEN])]
    families = {name: images.families[name] for name in images.generators}
    data = replace(_data_record(images.title, images.generators, families, used), version=images.version)
    return ScoreQuestion(_manifest(replace(data, kind=images.kind), steps), _cells(cells, steps), found)


def question_of_run(run: Run, where: str) -> ScoreQuestion:
    """The cells of a run's released rows with their images; without such rows, its test sets.

    Args:
        run: The run.
        where: What messages call it.

    Raises:
        InputError: Its protocol tells cells of one degradation apart, which scores of images cannot be.
    """
    cells, question = _questions(run), list(columns.of_question(run.manifest.protocol.axes))
    if cells.duplicated(list(columns.QUESTION)).any():
        told = ", ".join(run.manifest.protocol.axes)
        msg = f"{where} tells cells of one degradation apart by {told}, which scores of images do not say"
        raise InputError(f"{msg}; give a run of another protocol, such as released")
    keys = cells[columns.KEY].to_numpy()
    positions = pd.DataFrame({columns.KEY: keys, columns.CELL: np.arange(len(cells))})
    known = cells.assign(**{columns.CELL: np.arange(len(cells))})[
        [columns.CELL, columns.DEGRADATION, columns.TEST_DATA]
    ]
    images = run.scores.merge(positions[cells[columns.STATUS].eq("").to_numpy()], on=columns.KEY)
    images = images.merge(known, on=columns.CELL)
    twice = images.groupby(columns.NAME)[columns.TEST_DATA].nunique()
    if len(names := list(twice[twice > 1].index)):
        msg = (
            f"{where} has {len(names):,} names that are of images of several data sets, such as {shown_examples(names)}"
        )
        raise InputError(f"{msg}; give a run of one data set")
    images = images.assign(**{GIVEN: images[columns.NAME], CONDITION: images[columns.DEGRADATION]})[list(IMAGES)]
    base = run.manifest.data.base_degradation
    first = f"the images of the run all went through {base} first, and so must those that the scores are of."
    manifest = replace(run.manifest, detectors={}, recipe_options={}, seeds=())
    cells = cells[[*question, columns.GROUPS, columns.STATUS, columns.REASON]]
    return ScoreQuestion(manifest, cells, images, () if base == NONE else (first,))


def _questions(run: Run) -> pd.DataFrame:
    """The questions of a run's released rows, or of its test sets, each once: a scored cell where there is one."""
    untrained = [name for name, record in run.manifest.detectors.items() if not record.trained]
    cells = run.cells
    if untrained:
        cells = cells[cells[columns.DETECTOR].isin(untrained)]
    else:
        blank = [axis for axis in columns.QUESTION if axis.startswith("train") or axis == "options"]
        cells = cells.assign(**dict.fromkeys(blank, ""))
        cells[columns.GROUPS] = pd.Series([()] * len(cells), cells.index)
    order = cells[columns.STATUS].map({SCORED: 0, UNASKED: 1}).fillna(2)
    question = list(columns.of_question(run.manifest.protocol.axes))
    first = cells.assign(order=order).sort_values("order", kind="stable").drop_duplicates(question).sort_index()
    scored, unasked = first[columns.STATUS].eq(SCORED), first[columns.STATUS].eq(UNASKED)
    reasons = (
        first[columns.REASON].where(unasked, "no row of the run that is compared with has scored it").mask(scored, "")
    )
    naming = scored & first[columns.TASK].eq("generator")
    status = pd.Series(Skipped.status, first.index).mask(unasked, UNASKED).mask(scored & ~naming, "")
    first[columns.STATUS], first[columns.REASON] = status, reasons.mask(naming, NO_GENERATORS_NAMED)
    return first.reset_index(drop=True)


def _part(own: pd.DataFrame, cell: int, given: Iterable[str], condition: str) -> pd.DataFrame:
    images = own[[columns.NAME, columns.SOURCE, columns.LABEL]].copy()
    images[columns.CELL], images[GIVEN], images[CONDITION] = cell, np.asarray(list(given), object), condition
    return images[list(IMAGES)]


def _joined(parts: Sequence[pd.DataFrame]) -> pd.DataFrame:
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=list(IMAGES))


def _cells(questions: Sequence[tuple[str, str, str]], degradations: Sequence[str]) -> pd.DataFrame:
    """Cells of a generator, a split and a degradation each, with the averages that each is part of."""
    several, further = len(degradations) > 1, len(degradations) > 2  # then the degraded are several
    rows = [
        {
            **dict.fromkeys(columns.QUESTION, ""),
            columns.TEST: generator,
            "test_size": "all",
            "test_split": split,
            columns.DEGRADATION: step,
            columns.TASK: "binary",
            GENERATOR_AXIS: generator,
            columns.STATUS: "",
            columns.REASON: "",
            columns.GROUPS: (*([step] if several else []), *([DEGRADED] if further and step != NONE else [])),
        }
        for generator, split, step in questions
    ]
    names = [*columns.of_question((GENERATOR_AXIS,)), columns.GROUPS, columns.STATUS, columns.REASON]
    return pd.DataFrame(rows, columns=names)


def _data_record(
    title: str, generators: Sequence[str], families: Mapping[str, str], images: pd.DataFrame
) -> DataRecord:
    """The record of images that are known by name, label, generator and source."""
    facts = images[[columns.NAME, columns.LABEL, columns.GENERATOR, columns.SOURCE]].sort_values(columns.NAME)
    content = digest(*facts.astype(str).to_numpy().ravel())
    return DataRecord(title, "folder", "", content, len(images), generators=tuple(generators), families=dict(families))


def _manifest(data: DataRecord, degradations: Sequence[str]) -> Manifest:
    groups = [GroupRecord(step) for step in degradations] if len(degradations) > 1 else []
    if len(degradations) > 2:  # then the degraded are several
        groups.insert(1, GroupRecord(DEGRADED))
    protocol = ProtocolRecord(
        PROTOCOL,
        TITLE,
        AxisRecord(columns.DEGRADATION, generators=False),
        AxisRecord(GENERATOR_AXIS, generators=True),
        tuple(groups),
        axes=(GENERATOR_AXIS,),
        worst_over={GENERATOR_AXIS: "generator"},
        trains=False,
    )
    runtime = RuntimeRecord("other tools", "precision unknown", "", 0, 0)
    known = {"lineup": version("lineup-bench"), **versions()}
    return Manifest(protocol, data, "as imported", (), {}, runtime, known, commit())
