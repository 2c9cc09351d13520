"""`lineup compare` as it is typed."""

import json

import pytest

from tests.support.command_line import call, one_line
from tests.support.result_folders import store_run
from tests.support.synthetic_runs import make_run, with_detector

WIDE = {"COLUMNS": "100"}


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    root = tmp_path_factory.mktemp("runs")
    run = make_run(lambda detector, *_: 0.9 if detector == "alpha" else 0.6, n=40)
    later = with_detector(run, "alpha", version=2, key="alpha.2.small")
    three = make_run(detectors=("alpha", "beta", "gamma"), n=5)
    return {name: store_run(made, root / name) for name, made in (("first", run), ("second", later), ("three", three))}


def compare(*arguments):
    return call(WIDE, "compare", *arguments)


def test_two_detectors_of_one_run(folders):
    done = compare(folders["first"], "--detectors", "beta,alpha")
    assert done.returncode == 0
    assert done.stdout.startswith("beta against alpha")
    assert "worse" in done.stdout


def test_two_runs_of_other_versions_are_compared_and_the_versions_named(folders):
    done = compare(folders["first"], folders["second"])
    assert done.returncode == 0
    text = " ".join(done.stdout.split())
    assert "alpha (first run) against alpha (second run)" in text
    assert "version 1 2 recipe alpha.1.small alpha.2.small" in text
    assert "beta same" not in text
    assert "In short" in text


def test_json_is_one_document(folders):
    done = compare(folders["first"], folders["second"], "--detectors", "alpha", "--json")
    assert done.returncode == 0
    assert [one["first"]["title"] for one in json.loads(done.stdout)["comparisons"]] == ["alpha (first run)"]


@pytest.mark.parametrize(
    ("names", "options", "words"),
    [
        (["three"], (), "two detectors of one run are compared, and the run has 3"),
        (["first"], ("--detectors", "alpha,omega"), "the run has no detector 'omega'; it has alpha, beta"),
        (["first", "second", "three"], (), "3 runs are given; give two result folders, or one and --detectors A,B"),
        (["first", "nowhere"], (), "holds no run"),
    ],
)
def test_what_cannot_be_compared_is_one_line(folders, names, options, words):
    given = [folders.get(name, folders["first"].parent / name) for name in names]
    assert words in one_line(compare(*given, *options))
