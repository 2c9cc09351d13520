"""The scores of runs as one long table: a row per image and cell, with what is known of the image."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bench.analyses.images.run_images import RunImages
from bench.evaluation.cells import SCORED, axes_shown
from bench.images.files.tree import Tree
from bench.records import columns
from bench.records.run import Run
from bench.records.score_table import NATIVE

IMAGE, PATH, HASH, CLASS, SPLIT, DECISION = "image", "path", "content_hash", "class", "split", "decision"
OF_IMAGES = (IMAGE, PATH, HASH, columns.GENERATOR, columns.LABEL, CLASS, columns.SOURCE, SPLIT)
OF_SCORES = (columns.SCORE, columns.LOG_ODDS, DECISION)
CLASSES = ("real", "generated")  # by label
EVERY_SPLIT = "all"  # of a test set
_FACTS = (PATH, HASH, SPLIT, columns.GENERATOR)


@dataclass(frozen=True)
class ImageFacts:
    """What the files of a run's images say of them.

    Attributes:
        table: By name of the image, columns `PATH`, `HASH`, `SPLIT` and `columns.GENERATOR`, None where there is none.
        data: The data set that they are of, as cells name it: "" for a run's own.
    """

    table: pd.DataFrame
    data: str = ""

    @classmethod
    def none(cls) -> ImageFacts:
        """Nothing is known."""
        return cls(pd.DataFrame(columns=list(_FACTS), dtype=object))

    @classmethod
    def of_images(cls, found: RunImages) -> ImageFacts:
        """The facts of images that were found again: the hash is that of the file, before any degradation."""
        table, files = found.images.table, found.images.files
        local = [files.local_path(name) if isinstance(files, Tree) else None for name in found.images.names]
        facts: dict[str, Any] = {
            PATH: [None if path is None else str(Path(path).absolute()) for path in local],
            HASH: [one.tobytes().hex() for one in found.inspected.hashes],
            SPLIT: table["split"].to_numpy(object),
            columns.GENERATOR: table[columns.GENERATOR].where(table[columns.LABEL].eq(1), None).to_numpy(object),
        }
        return cls(pd.DataFrame(facts, index=pd.Index(found.images.names), dtype=object))


def image_rows(run: Run, facts: ImageFacts | None = None) -> pd.DataFrame:
    """The scores of every scored cell of a run.

    Args:
        run: The run.
        facts: What is known of its images beside their scores; None for nothing.

    Returns:
        One row per cell and image in planned order, columns `OF_IMAGES`, `columns.DETECTOR`, the axes that tell the
        cells apart (`bench.evaluation.cells.axes_shown`), `columns.SEED`, and `OF_SCORES`. The label is 0 or 1 (int8),
        the class its word; score and log odds are float32 as recorded, NaN for none; the decision is 1 where the score
        is above the native threshold, else 0 (int8). The generator is missing for a real image, and where neither its
        file nor a test set of one generator says it; path, hash and split where they are not known.
    """
    cells, protocol = run.cells[run.cells[columns.STATUS].eq(SCORED)], run.manifest.protocol
    axes = [columns.DETECTOR, *axes_shown(run.cells, protocol), columns.SEED]
    whole = cells.merge(run.score_table.only(cells[columns.KEY]).frame(), on=columns.KEY)
    of_cells = whole[list(columns.of_question(protocol.axes))]
    rows = whole[[columns.NAME, columns.LABEL, columns.SOURCE, *axes, columns.SCORE, columns.LOG_ODDS]]
    rows = rows.rename(columns={columns.NAME: IMAGE})
    rows[CLASS] = np.array(CLASSES, object)[rows[columns.LABEL]]
    rows[DECISION] = (rows[columns.SCORE] > NATIVE.value).astype("int8")
    known = {name: _of_images(rows, of_cells, facts or ImageFacts.none(), name) for name in _FACTS}
    known[columns.GENERATOR] = known[columns.GENERATOR].fillna(_tested(rows, of_cells, run))
    known[SPLIT] = known[SPLIT].fillna(_split(of_cells))
    found: pd.DataFrame = rows.assign(**known)[[*OF_IMAGES, *axes, *OF_SCORES]]
    return found


def _of_images(rows: pd.DataFrame, cells: pd.DataFrame, facts: ImageFacts, name: str) -> pd.Series[str]:
    """A fact of the image of each row, None where it is not known: images of other data may have the same names."""
    found = rows[IMAGE].map(facts.table[name]) if len(facts.table) else pd.Series(None, rows.index, dtype=object)
    return found.where(cells[columns.TEST_DATA].eq(facts.data), None).astype(object)


def _tested(rows: pd.DataFrame, cells: pd.DataFrame, run: Run) -> pd.Series[str]:
    """The generator of each generated image whose test set is of one alone, None for any other."""
    records = (run.manifest.data, *run.manifest.further.values())
    known = {name for record in records for name in record.generators}
    said = cells[columns.TEST].isin(known) & rows[columns.LABEL].eq(1)
    return cells[columns.TEST].astype(object).where(said, None)


def _split(cells: pd.DataFrame) -> pd.Series[str]:
    """The split of each test set that is of one, None for any other."""
    return cells["test_split"].astype(object).where(~cells["test_split"].isin(("", EVERY_SPLIT)), None)
