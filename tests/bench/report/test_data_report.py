"""Tables of a data set fit a screen, and say what they leave out and how to see it."""

import io

import numpy as np
import pytest
from rich.console import Console

from bench.images.quality.audit import Finding
from bench.images.quality.census import take_census
from bench.report.data_report import MAX_ROWS, audit_report, census_report
from detectors.checks import texture
from tests.support.planted_shortcuts import encode, inspect_data

GENERATORS = 44


def printed(group, width=100):
    console = Console(file=io.StringIO(), width=width)
    console.print(group)
    return console.file.getvalue().splitlines()


@pytest.fixture(scope="module")
def census(tmp_path_factory):
    """Of 44 generators and one pool, an image of each and split."""
    root = tmp_path_factory.mktemp("many")
    for name in ("real", *(f"model{number:02d}" for number in range(GENERATORS))):
        for split in ("train", "val"):
            (root / "data" / split / name).mkdir(parents=True)
            (root / "data" / split / name / f"{split}_{name}.png").write_bytes(
                encode(texture(f"{split}{name}", 16, 16), "PNG")
            )
    return take_census(inspect_data(root / "data", root / "cache"))


def test_a_census_of_many_generators_fits_a_screen(census):
    lines = printed(census_report(census, "many", "data", 100))
    assert len(lines) < 24
    assert max(map(len, lines)) <= 100
    assert lines[-1] == f"and {GENERATORS + 1 - MAX_ROWS} more rows: --all shows them"
    assert any("train 1, val 1" in line and "real" in line for line in lines)


def test_all_of_a_census_is_shown_on_request(census):
    lines = printed(census_report(census, "many", "data", 100, every_row=True))
    assert sum("model" in line for line in lines) == GENERATORS
    assert "--all" not in lines[-1]


def findings():
    long = "generated share a pattern in the bottom right corner (a mark, or what they show)"
    for number in range(GENERATORS):
        name = f"model{number:02d}"
        yield Finding(name, "format", 1, 0.97, 1, 0, "leaks", "generated are PNG in 100%, real in 0%")
        yield Finding(name, "fixed pattern", 0.9 if number < 3 else 0.5, 0.6, 0.95, 0, "leaks", long)
        yield Finding(name, "size", 0.5, 0.3, 0.7, 1, "too few images", "generated are 9x9 in 12%, real in 9%")
        yield Finding(name, "EXIF", *[np.nan] * 4, "too few images", "generated have EXIF in 1 of 3, real in 0 of 9")
        yield Finding(name, "colour mode", 0.5, 0.5, 0.5, 1, "no leak", "all are RGB")


def test_an_audit_of_many_generators_fits_a_screen_and_shows_every_attribute():
    lines = printed(audit_report(list(findings()), "a note"))
    assert len(lines) < 24
    assert max(map(len, lines)) <= 100
    text = " ".join(" ".join(lines).split())
    assert "The same in all images: colour mode" in text
    assert "44 of 44 100.0% [97.0, 100.0] generated are PNG in 100%, real in 0%" in text
    assert "generated have EXIF in 1 of 3, real in 0 of 9" in text  # no figures, so the counts
    assert "generated are 9x9" not in text  # chance tells nothing
    assert "--all shows every one" in text
    assert "Note: a note" in text


def test_every_finding_is_shown_on_request():
    lines = printed(audit_report(list(findings()), "", every_row=True))
    assert sum("leaks" in line for line in lines) == 2 * GENERATORS
    assert sum("too few " in line for line in lines) >= 2 * GENERATORS
