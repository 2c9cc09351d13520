"""What a golden record holds, as names and values."""

from __future__ import annotations

from collections.abc import Sequence

from bench.golden.question_record import QuestionRecord

FactValue = str | int | list[str] | list[int]


def record_facts(record: QuestionRecord, supports: Sequence[str]) -> dict[str, FactValue]:
    """What a record holds.

    Args:
        record: The record.
        supports: Which halves of the gate it supports, in sentences.
    """
    run, manifest = record.run, record.run.manifest
    return {
        "name": record.name,
        "protocol": manifest.protocol.name,
        "data": manifest.data.title,
        "images": len(record.images.used),
        "setting": manifest.setting,
        "seeds": list(manifest.seeds),
        "detectors": [f"{name} ({row.key})" for name, row in manifest.detectors.items()],
        "cells": len(run.cells),
        "scores": len(run.scores),
        "fitted_detectors": len(record.fits),
        "versions": [f"{name} {version}" for name, version in manifest.versions.items()],
        "supports": list(supports),
    }
