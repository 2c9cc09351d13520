"""What is printed of a rehearsal: amounts alone where nothing was measured, then what it costs, on one screen."""

import io
import re
from dataclasses import replace

import pytest
from rich.console import Console

from bench.platform.progress import Reporter
from bench.rehearsal import fit_measuring, measuring
from bench.rehearsal.rehearsal import rehearse
from bench.request.planned_run import plan_run
from tests.support.protocol_runs import ProtocolRunner


@pytest.fixture
def said(miniature, tmp_path, quiet, monkeypatch):
    """What is said of a run of a protocol over a table of counts, or over the miniature."""
    monkeypatch.setattr(fit_measuring, "BUDGET", 0.0)
    runner = ProtocolRunner(miniature, tmp_path / "runs")

    def say(data="", *, measuring=False, detectors=("colour", "checkerboard"), cluster="", degrade_on="cpu", **options):
        text = io.StringIO()
        request = runner.request("degradation", detectors, **options)
        planned = plan_run(
            replace(request, data=data or request.data, cluster=cluster, degrade_on=degrade_on), quiet, dry=True
        )
        reporter = Reporter(Console(file=text, width=500))
        reporter.say("\n".join(rehearse(planned, reporter, measuring=measuring).lines))
        return text.getvalue()

    return say


def test_without_rates_amounts_are_said_and_what_to_do(said):
    text = said("counts:genimage", degradations="jpeg:65,avif:40")
    assert text.splitlines() == [
        # 324,000 are embedded for one fit and read by the other; both are tested on 12,000
        "To answer: 6 of 6 cells, 2 fits, 660,000 images to decode, 24,000 to degrade, 360,000 to embed",
        "Expected time: unknown, for nothing was measured on this machine; add --measure (about a minute)",
    ]


def test_what_was_measured_is_kept_and_says_which_degradation_is_the_dearest(said):
    first = said("counts:genimage", degradations="jpeg:65,avif:40", measuring=True)
    assert re.search(r"degrade +\S+ \w+ +24,000 times, of which avif:40 takes \d\d% \(\d+ ms an image, ", first)
    assert re.search(r"check files +\S+ \w+ +decode 336,000 images once", first)
    assert re.search(r"^Expected time: .* with 1 workers, of which avif:40 takes \d+% at most$", first, re.MULTILINE)
    assert "Disk: 223.2 MB of embeddings (of which colour 223.2 MB)" in first
    assert "times as many" in first
    assert "In no sum" not in first
    assert len(first.splitlines()) <= 24
    again = said("counts:genimage", degradations="jpeg:65,avif:40")
    assert [line for line in first.splitlines() if "measure rates" not in line] == again.splitlines()
    by_torch = said("counts:genimage", degradations="lr:64,avif:40", degrade_on="device")
    assert "What torch degrades on the device is priced as on the CPU" in by_torch
    assert "is priced as on the CPU" not in first
    on_cluster = said("counts:genimage", degradations="jpeg:65,avif:40", cluster="local:16")
    assert on_cluster.startswith(again)
    assert re.search(r"On a cluster: \d+ shards to embed of up to [\d,]+ images, 2 fits, \d+ shards to sco", on_cluster)
    assert re.findall(r"^  (\d+) nodes? ", on_cluster, re.MULTILINE) == ["1", "8", "16", "64"]
    assert "In no sum of the cluster" not in on_cluster


def test_what_was_not_measured_is_named_and_in_no_sum(said):
    said(measuring=True, degradations="jpeg:65")
    text = said(degradations="jpeg:65,blur:1", detectors=("colour", "hog_svm"))
    (line,) = [line for line in text.splitlines() if line.startswith("In no sum")]
    missing = "blur:1, fits of hog_svm, embedding by hog.1.128.9.8, decisions of hog_svm"
    assert line == f"In no sum, for not measured yet (add --measure): {missing}"


def test_what_cannot_be_measured_is_named_with_its_reason(said, monkeypatch):
    def refuse(*_):
        raise OSError("the weights are missing")

    monkeypatch.setattr(measuring, "measure_fit", refuse)
    text = said(measuring=True, degradations="jpeg:65", detectors=("colour", "checkerboard"))
    (line,) = [line for line in text.splitlines() if line.startswith("In no sum")]
    assert line.startswith("In no sum, for it cannot be measured: fits of colour (OSError: the weights are missing); ")
    assert "scoring by checkerboard (OSError: the weights are missing)" in line
