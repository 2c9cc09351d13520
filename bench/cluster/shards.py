"""What a unit answers as a table of Arrow, which the cache keeps: answers as they are, and errors in words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from bench.cluster.told_errors import ToldError
from bench.engine.plan import ScoringKey
from bench.engine.scoring.score_images import ScoredChunk
from bench.engine.selections import Positions
from detectors.api import Answer

SCHEMA = pa.schema(
    [
        ("asked", pa.int32()),  # place of the detector among those that are asked
        ("images", pa.list_(pa.int64())),  # positions among the unit's own images
        ("answer", pa.large_binary()),  # a table as a stream of Arrow; null in place of an error
        ("error", pa.string()),
        ("text", pa.string()),
        ("unprepared", pa.bool_()),
    ]
)
_SCORES, _ODDS, _DIAGNOSTIC = "scores", "log odds", "diagnostic "


def to_table(parts: Sequence[ScoredChunk], places: dict[ScoringKey, int]) -> pa.Table:
    """The answers of a unit as a table of `SCHEMA`.

    Args:
        parts: The answers.
        places: By scoring key, the place of the detector among those that are asked.
    """
    rows = []
    for part in parts:
        told = ToldError.of(part.answer) if isinstance(part.answer, Exception) else None
        rows.append(
            {
                "asked": places[part.key],
                "images": part.images.tolist(),
                "answer": None if isinstance(part.answer, Exception) else _to_stream(part.answer),
                "error": None if told is None else told.kind,
                "text": None if told is None else told.text,
                "unprepared": part.unprepared,
            }
        )
    return pa.Table.from_pylist(rows, SCHEMA)


def from_table(table: pa.Table, keys: Sequence[ScoringKey], positions: Positions) -> Iterator[ScoredChunk]:
    """The answers in a table.

    Args:
        table: As `to_table` made it.
        keys: The scoring key of each detector that was asked.
        positions: Of the unit's own images, those among the images of the run.
    """
    for row in table.to_pylist():
        images = positions[np.array(row["images"], np.int64)]
        told = ToldError(row["error"], row["text"]).error() if row["error"] is not None else None
        yield ScoredChunk(keys[row["asked"]], images, told or _from_stream(row["answer"]), row["unprepared"])


def has_failures(table: pa.Table) -> bool:
    """Whether anything in a table is an error."""
    return bool(table["error"].null_count < len(table))


def _to_stream(answer: Answer) -> bytes:
    arrays: dict[str, Any] = {_SCORES: answer.scores}
    if answer.log_odds is not None:
        arrays[_ODDS] = answer.log_odds
    for name, values in answer.diagnostics.items():
        found = np.asarray(values)
        arrays[_DIAGNOSTIC + name] = found if found.dtype.kind in "biuf" else list(map(str, found))
    table = pa.table({name: pa.array(values) for name, values in arrays.items()})
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    content: bytes = sink.getvalue().to_pybytes()
    return content


def _from_stream(content: bytes) -> Answer:
    """The answer in a stream, in arrays that can be written to."""
    with pa.ipc.open_stream(content) as reader:
        table = reader.read_all()
    arrays = {name: np.array(table[name].to_numpy()) for name in table.column_names}
    diagnostics = {
        name.removeprefix(_DIAGNOSTIC): values for name, values in arrays.items() if name.startswith(_DIAGNOSTIC)
    }
    return Answer(arrays[_SCORES], diagnostics, arrays.get(_ODDS))
