"""What is compared with what, and how the two were made otherwise."""

from dataclasses import replace

import pytest

from bench.evaluation.comparing.sides import choose_sides, differences
from bench.platform.errors import InputError
from bench.records.manifest import CheckpointRecord
from tests.support.synthetic_runs import make_run, with_detector, with_manifest

RUN = make_run(n=5)
THREE = make_run(detectors=("alpha", "beta", "gamma"), n=5)


def titles(sides):
    return [(first.title, second.title) for first, second in sides]


def told(first, second):
    return {one.what: (one.first, one.second) for one in differences(first, second)}


def test_a_run_of_two_detectors_needs_no_names():
    assert titles(choose_sides([RUN], ())) == [("alpha", "beta")]
    assert titles(choose_sides([THREE], ("gamma", "alpha"))) == [("gamma", "alpha")]


def test_two_runs_are_compared_by_what_they_have_in_common():
    assert titles(choose_sides([RUN, THREE], ())) == [
        ("alpha (first run)", "alpha (second run)"),
        ("beta (first run)", "beta (second run)"),
    ]
    assert titles(choose_sides([RUN, THREE], ("beta",))) == [("beta (first run)", "beta (second run)")]


def test_one_detector_of_each_run_may_have_another_name():
    assert titles(choose_sides([RUN, THREE], ("beta", "gamma"))) == [("beta (first run)", "gamma (second run)")]


@pytest.mark.parametrize(
    ("runs", "detectors", "words"),
    [
        ([THREE], (), "and the run has 3; give --detectors A,B of alpha, beta, gamma"),
        ([THREE], ("alpha",), "--detectors names 1"),
        ([THREE], ("alpha", "delta"), "the run has no detector 'delta'; it has alpha, beta, gamma"),
        ([RUN, THREE], ("gamma",), "the first run has no detector 'gamma'; it has alpha, beta"),
        ([RUN, THREE, RUN], (), "3 runs are given"),
        (
            [RUN, make_run(detectors=("delta",), n=5)],
            (),
            "no detector is in both runs: alpha, beta in the first, delta",
        ),
    ],
)
def test_what_does_not_say_what_to_compare_is_refused(runs, detectors, words):
    with pytest.raises(InputError, match=words):
        choose_sides(runs, detectors)


def test_runs_of_two_protocols_are_refused():
    other = with_manifest(RUN, protocol=replace(RUN.manifest.protocol, name="another"))
    with pytest.raises(InputError, match="of the protocol made_up, the second of another; give two runs of one"):
        choose_sides([RUN, other], ())
    further = with_manifest(RUN, protocol=replace(RUN.manifest.protocol, axes=("window",)))
    with pytest.raises(InputError, match="made_up with further axes none, the second of made_up with further axes win"):
        choose_sides([RUN, further], ())


def test_what_differs_between_runs_is_named_and_nothing_else():
    later = with_detector(RUN, "alpha", key="alpha.2.small", version=2)
    later = with_manifest(
        later,
        recipe_options={"alpha": {"epochs": 3, "rate": 0.1}},
        runtime=replace(RUN.manifest.runtime, precision="bfloat16"),
        versions={"numpy": "3"},
    )
    (first, second), beta = choose_sides([RUN, later], ())
    assert told(first, second) == {
        "version": ("1", "2"),
        "recipe": ("alpha.1.small", "alpha.2.small"),
        "options": ("none", "epochs=3, rate=0.1"),
        "precision": ("float32", "bfloat16"),
        "version of numpy": ("2", "3"),
    }
    assert set(told(*beta)) == {"precision", "version of numpy"}
    assert told(*choose_sides([RUN, RUN], ("alpha",))[0]) == {}


def test_a_checkpoint_is_named_with_what_it_saw():
    released = CheckpointRecord("weights.pth", "0123456789abcdef" * 4, trained_on=("progan",))
    run = with_detector(RUN, "beta", checkpoint=released)
    ((first, second),) = choose_sides([run], ())
    assert told(first, second) == {
        "checkpoint": ("none", "weights.pth, sha256 0123456789ab"),
        "checkpoint trained on": ("none", "progan"),
    }
