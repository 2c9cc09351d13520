"""Which column of a table of scores has which role, by its usual name or as a user states.

The names are those that published tools and libraries write: `path`, `filename`, `y_score`, `prob` and the like. What a
name leaves open, such as whether `model` made the images or scored them, is asked and not guessed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from bench.images.annotations.records import Records
from bench.images.annotations.table_columns import GROUPS, LABELS, is_no_maker, squeezed
from bench.images.reading import stated_pairs
from bench.images.vocabulary.generator_names import is_known_generator
from bench.platform.errors import InputError
from bench.platform.printable import printable

IMAGE, SCORE, LOG_ODDS, LABEL, GENERATOR = "image", "score", "log_odds", "label", "generator"
DETECTOR, DEGRADATION, SOURCE, TRAIN, SEED = "detector", "degradation", "source", "train", "seed"
NONE_STATED = "-"  # in place of a column: there is none of this role
MAX_NAMED = 12  # columns that a message names
USUAL: Mapping[str, Sequence[str]] = {
    IMAGE: (
        "image", "image_path", "img_path", "path", "file_path", "filepath", "filename", "file_name", "file", "img",
        "name", "image_name", "image_id", "relative_path", "rel_path",
    ),
    SCORE: (
        "score", "scores", "pred", "prob", "probability", "proba", "y_score", "y_prob", "y_proba", "prob_fake",
        "fake_prob", "p_fake", "fake_probability", "probability_fake", "ai_probability", "fake_score", "score_fake",
        "pred_prob", "prediction", "sigmoid",
    ),
    LOG_ODDS: ("log_odds", "logit", "logits", "llr"),
    LABEL: ("y_true", "ytrue", "gt", "ground_truth", "gt_label", "true_label", "y"),  # beside those of data sets
    GENERATOR: ("generator", "generator_name", "gen_model", "generative_model", "source_model", "model", "model_name"),
    DETECTOR: ("detector", "detector_name", "method", "method_name", "algorithm"),
    DEGRADATION: ("degradation", "perturbation", "corruption", "distortion", "condition"),
    SOURCE: ("source", "source_id", *GROUPS),
    TRAIN: ("train", "trained_on", "train_set", "training_set", "train_data"),
    SEED: ("seed",),
}  # fmt: skip
EITHER = frozenset({"model", "modelname"})  # of a generator or of a detector


@dataclass(frozen=True)
class ScoreColumns:
    """The roles of the columns of a table.

    Attributes:
        by_role: The column of each role but the score, where there is one. That of labels is left out where it has one
            of the names that data sets use, and is `NONE_STATED` where a user says that there is none.
        scores: The columns of scores: several where a detector has a column each.
        named_logits: Whether the name of the one column of scores says that it holds logits.
    """

    by_role: Mapping[str, str]
    scores: tuple[str, ...]
    named_logits: bool = False


def parse_score_columns(text: str) -> dict[str, tuple[str, ...]]:
    """The columns in a text such as "image=file,score=a,score=b", by role; "-" is no column.

    Raises:
        InputError: A role is not known, or stated more than once where one column alone can have it.
    """
    stated: dict[str, list[str]] = defaultdict(list)
    for role, column in stated_pairs(text, "--columns"):
        if role not in USUAL:
            msg = f"--columns {role}={column}: there is no {role}; a column of scores can be {', '.join(USUAL)}"
            raise InputError(msg)
        stated[role].append(column)
    if several := [role for role, found in stated.items() if len(found) > 1 and role != SCORE]:
        msg = f"--columns states {several[0]} {len(stated[several[0]])} times; only score may come several times"
        raise InputError(msg)
    return {role: tuple(found) for role, found in stated.items()}


def find_score_columns(records: Records, stated: Mapping[str, Sequence[str]]) -> ScoreColumns:
    """The roles of a table's columns.

    Args:
        records: The table.
        stated: By role, the columns that a user states.

    Raises:
        InputError: A stated column is not there, there is no column of scores, or a name leaves its role open.
    """
    for role, columns in stated.items():
        for column in columns:
            if column not in {NONE_STATED, *records.columns}:
                _refuse(records, f"has no column {column}, which --columns {role}={column} names")
    found = {role: _column(records, role, stated) for role in USUAL if role != SCORE}
    scores = tuple(stated.get(SCORE, ())) or tuple(filter(None, [_column(records, SCORE, stated)]))
    log_odds = found.pop(LOG_ODDS)
    if not scores and log_odds:
        scores, named, log_odds = (log_odds,), True, ""
    else:
        named = len(scores) == 1 and squeezed(scores[0]) in set(map(squeezed, USUAL[LOG_ODDS]))
    if not scores:
        numbers = [str(name) for name in records.columns if _holds_numbers(records.values(name))]
        which = ",".join(f"score={name}" for name in numbers[:MAX_NAMED]) or "score=NAME"
        _refuse(
            records, f"has no column that is known as one of scores; say which, one per detector: --columns {which}"
        )
    if len(scores) > 1 or log_odds in scores:
        log_odds = ""
    _check_model(records, found, stated)
    found |= {LOG_ODDS: log_odds, LABEL: _label_column(records, found[LABEL], stated)}
    return ScoreColumns({role: column for role, column in found.items() if column}, scores, named)


def _column(records: Records, role: str, stated: Mapping[str, Sequence[str]]) -> str:
    """The stated column of a role or the first of the usual names; "" for none."""
    if role in stated:
        return "" if stated[role][0] == NONE_STATED else stated[role][0]
    taken = {column for columns in stated.values() for column in columns}
    by_name = {squeezed(str(name)): str(name) for name in records.columns if name not in taken}
    return next((by_name[name] for name in map(squeezed, USUAL[role]) if name in by_name), "")


def _label_column(records: Records, usual: str, stated: Mapping[str, Sequence[str]]) -> str:
    if LABEL in stated:
        return stated[LABEL][0]
    known = set(map(squeezed, LABELS))
    return "" if any(squeezed(str(name)) in known for name in records.columns) else usual


def _check_model(records: Records, found: Mapping[str, str], stated: Mapping[str, Sequence[str]]) -> None:
    """Raise `InputError` for a column `model` that may be of detectors: its values are no known generators."""
    column = found[GENERATOR]
    if GENERATOR in stated or squeezed(column) not in EITHER:
        return
    names = {"" if value is None else str(value).strip() for value in records.values(column)}
    if not all(is_no_maker(name) or is_known_generator(name) for name in names):
        examples = ", ".join(sorted(filter(None, names))[:3])
        what = f"may name generators or detectors in {column} ({examples}); say which"
        _refuse(records, f"{what}: --columns generator={column} or --columns detector={column},generator=-")


def _holds_numbers(values: Iterable[object]) -> bool:
    """Whether a column has numbers that are more than two classes."""
    found = set()
    for value in values:
        try:
            found.add(float(str(value)))
        except ValueError:
            return False
    return len(found) > 2  # two are labels


def _refuse(records: Records, what: str) -> None:
    names = [str(name) for name in records.columns]
    more = f" and {len(names) - MAX_NAMED} more" if len(names) > MAX_NAMED else ""
    raise InputError(printable(f"{records.where} {what}; its columns are {', '.join(names[:MAX_NAMED])}{more}"))
