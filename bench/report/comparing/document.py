"""Comparisons of two detectors as one JSON document."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from bench.evaluation.comparing.comparison import AverageDifference, DetectorComparison
from bench.evaluation.comparing.sides import Side
from bench.platform.outside.json_text import json_document


def comparisons_json(found: Sequence[DetectorComparison]) -> str:
    """The numbers as one document: shares and differences in [-1, 1], null where there is none."""
    whole = {"comparisons": [_comparison(one) for one in found]}
    return json_document(whole)


def _comparison(found: DetectorComparison) -> dict[str, Any]:
    paired = found.paired
    on_these, across = found.tests
    return {
        "first": _side(paired.first),
        "second": _side(paired.second),
        "protocol": paired.run.manifest.protocol.name,
        "data": paired.run.manifest.data.title,
        "measure": found.accuracy,
        "differences": [asdict(one) for one in paired.differences],
        "left_out": list(paired.left_out),
        "ranked_by": found.ranked_by,
        "averages": [_average(one) for one in found.averages],
        "averages_corrected_for": {"on_these_generators": on_these, "across_generators": across},
        "decisions": asdict(found.decisions),
        "cells": found.cells.to_dict(orient="records"),
        "cells_corrected_for": found.tested,
    }


def _side(side: Side) -> dict[str, Any]:
    return {"title": side.title, "detector": side.detector, "key": side.record.key, "version": side.record.version}


def _average(found: AverageDifference) -> dict[str, Any]:
    return {**asdict(found), "difference": found.difference}
