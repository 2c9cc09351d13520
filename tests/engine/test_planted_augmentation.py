"""A weakened augmentation does not show on clean images; the gate sees it under degradation."""

import io
from dataclasses import replace

import pytest
from rich.console import Console

import detectors.cnnspot
from bench import gate
from bench.golden import golden_from
from bench.progress import Reporter
from bench.regress import compare


@pytest.mark.slow
def test_training_without_blur_and_jpeg_fails_the_gate(embedded_corpus, tmp_path, monkeypatch):
    monkeypatch.setattr(gate, "DETECTORS", "cnnspot")
    reporter = Reporter(Console(file=io.StringIO()))

    def run(name, seeds):
        (tmp_path / name).mkdir()
        return gate.answered("degradation", embedded_corpus, tmp_path / name, seeds, 2, reporter)

    golden = golden_from([run("golden", (0, 1, 2))])
    assert compare(golden, run("same", (0,))).exit_code == 0
    weakened = replace(detectors.cnnspot.EMBEDDED_VIEW, probability=0.0)
    monkeypatch.setattr(detectors.cnnspot, "EMBEDDED_VIEW", weakened)
    found = compare(golden, run("weakened", (0,)))
    assert found.exit_code == 1
    fallen = set(found.cells.loc[found.cells["verdict"] == "fell", "degradation"])
    assert "none" not in fallen
