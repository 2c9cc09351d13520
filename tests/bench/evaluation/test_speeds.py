"""Which of several timings speaks for a detector."""

import math
from dataclasses import replace

import pandas as pd
import pytest

from bench.evaluation.speeds import Speed, chosen_timings, speeds_of
from bench.records import columns
from tests.support.synthetic_runs import make_run


def timed(*changes):
    """A run with a timing of its own recipe, and further ones that differ in something."""
    run = make_run(detectors=["alpha"])
    return replace(run, throughput=pd.concat([run.throughput.assign(**one) for one in changes]))


@pytest.mark.parametrize(
    ("changes", "chosen"),
    [
        ([{"images_per_s": 5.0}, {"images_per_s": 9.0}], 9.0),
        ([{"images_per_s": 5.0}, {"images_per_s": 9.0, "disturbed": True}], 5.0),
        ([{"images_per_s": 5.0, "disturbed": True}, {"images_per_s": 9.0, "disturbed": True}], 9.0),
        ([{"images_per_s": 5.0, "disturbed": True}, {"images_per_s": 9.0, "recipe": "alpha.1.small.tune='top'"}], 5.0),
        ([{"images_per_s": 5.0}, {"images_per_s": 9.0, "recipe": "alpha.2.small"}], 5.0),
        ([{"images_per_s": 5.0}, {"images_per_s": 9.0, "device": "cuda"}], 5.0),
        ([{"images_per_s": 5.0}, {"images_per_s": 9.0, "data": "other"}], 5.0),
        ([{"images_per_s": 5.0}, {"images_per_s": 9.0, "detector": "gone"}], 5.0),
    ],
)
def test_the_fastest_undisturbed_timing_of_the_runs_own_recipe_is_chosen(changes, chosen):
    for order in (changes, changes[::-1]):
        assert speeds_of(timed(*order))["alpha"].value == chosen


def test_a_timing_of_an_earlier_version_is_not_marked():
    run = timed({})
    older = replace(run, throughput=run.throughput.assign(disturbed=math.nan, cpu_share=math.nan))
    assert speeds_of(older) == {"alpha": Speed(100.0, 90.0, 110.0, disturbed=False)}
    assert chosen_timings(older)[columns.DISTURBED].tolist() == [False]


def test_a_detector_that_was_not_timed_has_no_speed():
    run = make_run()
    assert set(speeds_of(run)) == {"alpha", "beta"}
    assert speeds_of(replace(run, throughput=run.throughput.iloc[:0])) == {}
