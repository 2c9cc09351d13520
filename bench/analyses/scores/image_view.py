"""Everything that a run says of one image: what it is, what each detector made of it, and where verdicts flip."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench.analyses.scores.questions import CALLED, TEST_AXES
from bench.evaluation.cells import SCORED, UNASKED, MeasuredCells
from bench.evaluation.decided_blocks import decided_blocks
from bench.evaluation.ranking_rows import FIRST_DATA_SET
from bench.platform.errors import InputError
from bench.records import columns
from bench.records.run import Run
from protocols.api import NONE

FLIPPED, SEEDS = "flipped", "seeds"
ANSWERED = (columns.STATUS, columns.REASON, columns.SCORE, columns.LOG_ODDS, CALLED, columns.CORRECT)
NEAREST = 3  # names in a refusal


@dataclass(frozen=True, eq=False, slots=True)
class ImageView:
    """One image of a run.

    Attributes:
        name: Its name.
        data: Its data set as cells name it; "" for the first.
        label: 0 real, 1 generated.
        source: Shared by images that are not independent of it.
        generator: Which one made it; "" of a real image, and where no test set of one generator alone has it.
        answers: One row per cell that asks about it, in planned order: `columns.DETECTOR`, the axes of the question,
            `columns.SEED`, and `ANSWERED`: status and reason of the cell, score in [0, 1] and log odds of "generated",
            whether it is called generated, and whether it is called what it is (in a cell that names generators: made
            by which). Missing where a cell that tests the same images has no scores; log odds also where a detector has
            none.
        flips: One row per detector, question and degradation other than none: `FLIPPED`, the share in [0, 1] of the
            trainings whose verdict is not that on the clean copy, and `SEEDS`, their number; NaN where a verdict of any
            of them is missing. Empty where no degradation was asked for.
    """

    name: str
    data: str
    label: int
    source: str
    generator: str
    answers: pd.DataFrame
    flips: pd.DataFrame


def image_view(measured: MeasuredCells, name: str, data: str | None = None) -> ImageView:
    """What a run says of an image.

    Args:
        measured: The cells of a run.
        name: Of the image, as the scores have it.
        data: The data set, "" for the first; None for the only one that has an image of this name.

    Raises:
        InputError: No image has this name, the message says which are near; or images of several data sets do.
    """
    run, table = measured.run, measured.table
    places = _places(run, name)
    keys = table[columns.KEY].to_numpy()
    asked = np.array([key in run.score_table and id(run.score_table[key].images) in places for key in keys], bool)
    asked &= measured.scored
    if data is not None:
        asked &= table[columns.TEST_DATA].eq(data).to_numpy(bool)
    if not asked.any():
        raise InputError(_unknown(run, name, data))
    known = list(table.loc[asked, columns.TEST_DATA].unique())
    if len(known) > 1:
        named = ", ".join(one or FIRST_DATA_SET for one in known)
        first = known[0] or FIRST_DATA_SET
        msg = f"the image {name!r} is in several data sets ({named}); say in which, as in '{first}:{name}'"
        raise InputError(msg)
    images = run.score_table[keys[asked][0]].images
    place, names = places[id(images)], [columns.DETECTOR, *columns.of_question(run.manifest.protocol.axes)]
    label = int(images.labels[place])
    tests = pd.MultiIndex.from_frame(table[list(TEST_AXES)])
    beside = tests.isin(tests[asked]) & ~measured.scored & table[columns.STATUS].ne(UNASKED).to_numpy(bool)
    answers = _answers(measured, asked, places).loc[asked | beside, [*names, columns.SEED, *ANSWERED]]
    return ImageView(
        name,
        known[0],
        label,
        str(images.sources[place]),
        _generator(run, known[0], set(table.loc[asked, columns.TEST])) if label else "",
        answers.reset_index(drop=True),
        _flips(answers, names),
    )


def _places(run: Run, name: str) -> dict[int, int]:
    """The place of an image in each set of test images that has it, by the set's identity."""
    found = {}
    for images in run.score_table.test_images():
        place = int(np.searchsorted(images.names, name))
        if place < len(images) and images.names[place] == name:
            found[id(images)] = place
    return found


def _answers(measured: MeasuredCells, asked: NDArray[np.bool_], places: dict[int, int]) -> pd.DataFrame:
    """The table of cells with what those that ask about the image say of it."""
    count = len(measured.table)
    scores, log_odds = np.full((2, count), np.nan)
    called, correct = (pd.array([pd.NA] * count, dtype="boolean") for _ in range(2))
    for block in decided_blocks(measured.run, asked):
        place = places[id(block.images)]
        scores[block.cells], log_odds[block.cells] = block.scores[:, place], block.log_odds[:, place]
        called[block.cells], correct[block.cells] = block.called[:, place], block.correct[:, place]
    found: dict[str, Any] = {
        columns.SCORE: scores,
        columns.LOG_ODDS: log_odds,
        CALLED: called,
        columns.CORRECT: correct,
    }
    return measured.table.assign(**found)


def _flips(answers: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    """Verdicts on degraded copies beside those of the same training on the clean one."""
    same = [name for name in names if name != columns.DEGRADATION]
    is_clean = answers[columns.DEGRADATION].eq(NONE)
    clean = answers.loc[is_clean, [*same, columns.SEED, CALLED]].rename(columns={CALLED: "_clean"})
    degraded = answers[~is_clean].merge(clean, on=[*same, columns.SEED], how="left")
    flipped = degraded[CALLED].ne(degraded["_clean"]).astype("Float64").to_numpy(np.float64, na_value=np.nan)
    groups = degraded.assign(**{FLIPPED: flipped}).groupby(list(names), sort=False)[FLIPPED]
    found = pd.DataFrame({FLIPPED: groups.mean().where(groups.count() == groups.size()), SEEDS: groups.size()})
    return found.reset_index()


def _generator(run: Run, data: str, tests: set[str]) -> str:
    """The generator of a generated image: the one that any of its test sets is of alone."""
    record = run.manifest.further.get(data) if data else run.manifest.data
    known = tests & set(record.generators if record else ())
    return known.pop() if len(known) == 1 else ""


def _unknown(run: Run, name: str, data: str | None) -> str:
    """That no image has this name, and which names are near."""
    keys = run.cells.loc[run.cells[columns.STATUS].eq(SCORED), [columns.KEY, columns.TEST_DATA]]
    own = keys if data is None else keys[keys[columns.TEST_DATA].eq(data)]
    known = sorted({one for images in run.score_table.only(own[columns.KEY]).test_images() for one in images.names})
    last = name.rsplit("/", 1)[-1]
    same_file = [one for one in known if last and one.endswith(f"/{last}")]
    near = get_close_matches(name, same_file or known, NEAREST, 0.0 if same_file else 0.4)
    where = "" if data is None else f" of {data or FIRST_DATA_SET}"
    hint = f"near are {', '.join(near)}" if near else f"it scored {len(known)} images, none with a name like it"
    return f"no image{where} in this run is called {name!r}; {hint}"
