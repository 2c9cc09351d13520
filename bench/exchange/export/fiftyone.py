"""The scores of runs as one document that FiftyOne and tools like it read: `fiftyone.Dataset.from_json(FILE)`.

The form is that of `SampleCollection.to_json`: the fields of samples with their types, and samples that have a path, a
ground truth and a classification by each detector as it was trained.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from bench.exchange.export.image_rows import CLASSES, DECISION, HASH, IMAGE, PATH, SPLIT
from bench.exchange.export.wide_table import COLUMN, OF_TESTS, once_per_image
from bench.platform.errors import InputError
from bench.records import columns
from protocols.api import NONE

_BASE = "base_degradation"
GROUND_TRUTH, DETECTOR_PREFIX = "ground_truth", "by_"
_TEXT = "fiftyone.core.fields.StringField"
_CLASSIFICATION = "fiftyone.core.fields.EmbeddedDocumentField(fiftyone.core.labels.Classification)"
_FACTS = {"image": IMAGE, "content_hash": HASH, "generator": columns.GENERATOR, "image_source": columns.SOURCE}


def fiftyone_document(rows: pd.DataFrame, name: str) -> dict[str, Any]:
    """The document of the clean images among some rows; what was degraded is no file, and so no sample.

    Args:
        rows: As `bench.exchange.export.image_rows.image_rows` gives them.
        name: Of the data set.

    Returns:
        What `json` can hold: `samples` in the order of `rows`. A classification has the label of the decision, the
        confidence in it, the name of its detector, and, where that gives log odds, logits of real and generated: 0 and
        the log odds, whose softmax is the score.

    Raises:
        InputError: An image lies in no file of its own, or none is clean, or one has different scores by one detector.
    """
    clean = rows[rows[columns.DEGRADATION].eq(NONE)]
    if clean.empty:
        raise InputError("no score is of an image as its file is, and degraded copies are no files; export scores")
    if (nowhere := clean[clean[PATH].isna()]).size:
        msg = f"{nowhere.iloc[0][IMAGE]} lies in no file of its own that is known, and samples are files"
        raise InputError(f"{msg}; name the folder of the images with --data")
    if (several := [column for column in OF_TESTS if column in clean and clean[column].nunique() > 1]) != []:
        msg = f"samples of fiftyone are the images of one run, and these differ in {', '.join(several)}"
        raise InputError(f"{msg}; export one run at a time")
    named = once_per_image(clean)
    fields = field_names(list(dict.fromkeys(named[COLUMN])))
    samples = [_sample(own, fields) for _, own in named.groupby(IMAGE, sort=False)]
    texts = {"filepath": _TEXT, **dict.fromkeys(_FACTS, _TEXT)}
    labels = dict.fromkeys((GROUND_TRUTH, *fields.values()), _CLASSIFICATION)
    return {
        "name": name,
        "media_type": "image",
        "num_samples": len(samples),
        "sample_fields": texts | {"tags": "fiftyone.core.fields.ListField(fiftyone.core.fields.StringField)"} | labels,
        "info": {"detectors": {field: column for column, field in fields.items()}},
        "default_classes": list(CLASSES),
        "samples": samples,
    }


def sample_notes(rows: pd.DataFrame) -> Iterator[str]:
    """What a reader of the samples of some rows does not see in them: copies that are left out or stand behind them.

    Args:
        rows: As for `fiftyone_document`.
    """
    copies = rows.loc[rows[columns.DEGRADATION].ne(NONE), [IMAGE, columns.DEGRADATION]].drop_duplicates()
    if len(copies):
        yield (
            f"fiftyone has images as their files are, and leaves the scores of {len(copies):,} degraded copies out, "
            "which are no files: --what scores has them"
        )
    for base in sorted(set(rows.get(_BASE, ())) - {NONE}):
        yield f"the scores that fiftyone has are of its files after {base}"


def field_names(named: Sequence[str]) -> Mapping[str, str]:
    """A field for each column of scores: letters, digits and underscores, a number behind what is there already."""
    found: dict[str, str] = {}
    for column in named:
        plain = DETECTOR_PREFIX + re.sub(r"\W+", "_", column, flags=re.ASCII)
        taken = set(found.values())
        further = (f"{plain}_{place}" for place in range(2, len(named) + 2))
        found[column] = plain if plain not in taken else next(one for one in further if one not in taken)
    return found


def _sample(own: pd.DataFrame, fields: Mapping[str, str]) -> dict[str, Any]:
    """The sample of an image whose scores these are."""
    first = own.iloc[0]
    facts = {field: None if pd.isna(first[name]) else str(first[name]) for field, name in _FACTS.items()}
    return {
        "filepath": first[PATH],
        "tags": [] if pd.isna(first[SPLIT]) else [str(first[SPLIT])],
        **facts,
        GROUND_TRUTH: _classification(CLASSES[first[columns.LABEL]]),
        **dict(_predictions(own, fields)),
    }


def _predictions(own: pd.DataFrame, fields: Mapping[str, str]) -> Iterator[tuple[str, dict[str, Any]]]:
    values = (own[name] for name in (COLUMN, columns.SCORE, columns.LOG_ODDS, DECISION))
    for column, score, log_odds, decision in zip(*values, strict=True):
        confidence = float(score) if decision else 1 - float(score)
        logits = {} if np.isnan(log_odds) else {"logits": [0.0, float(log_odds)]}
        yield fields[column], _classification(CLASSES[decision], confidence=confidence, detector=column, **logits)


def _classification(label: str, **further: Any) -> dict[str, Any]:  # noqa: ANN401 - numbers, texts and lists of numbers
    return {"_cls": "Classification", "label": label, **further}
