"""Both halves of the gate over a miniature, with a detector that ships."""

import io
from dataclasses import replace

import pytest
from rich.console import Console

from bench.command.gate import gate_runs
from bench.command.gate.gate_runs import GateRuns, joined, usable_fits
from bench.golden.changed_decisions import compare_decisions
from bench.golden.fitted_record import read_fitted, write_fitted
from bench.golden.golden_record import golden_from
from bench.platform.errors import InputError
from bench.platform.progress import Reporter
from tests.support.miniature import write_folder
from tests.support.synthetic_runs import make_run

DETECTOR, PROTOCOL = "spectrum", "cross_generator"
TRAINED_ON = ("even", "odd")


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    data = write_folder(tmp_path_factory.mktemp("gate") / "data")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gate_runs, "TRAINED_ON", dict.fromkeys(gate_runs.PROTOCOLS, TRAINED_ON))
        yield GateRuns(data, tmp_path_factory.mktemp("scratch"), Reporter(Console(file=io.StringIO())))


@pytest.fixture(scope="module")
def golden(runs):
    return golden_from([runs.fitted_again(PROTOCOL, [DETECTOR], (0,))])


@pytest.fixture(scope="module")
def fits(runs, golden, tmp_path_factory):
    folder = tmp_path_factory.mktemp("record") / "fitted"
    write_fitted(runs.fits_to_ship([DETECTOR]), folder)
    return read_fitted(folder)


def test_fits_of_two_train_sets_ship(fits):
    assert {(saved.detector, saved.train, saved.seed) for saved, _ in fits.values()} == {
        (DETECTOR, train, 0) for train in TRAINED_ON
    }
    assert usable_fits(fits, [DETECTOR]) == (fits, [])


def test_the_fits_of_the_record_are_scored_and_nothing_is_fitted(runs, golden, fits):
    runs.forget_fits()
    found = compare_decisions(golden, runs.scored_again(PROTOCOL, fits))
    assert (found.exit_code, found.obstacles, found.near) == (0, (), 0)
    assert found.compared == 2 * 3 * 12
    other = replace(runs, scratch=runs.scratch / "turned")
    turned = {name: (saved, {key: -value for key, value in state.items()}) for name, (saved, state) in fits.items()}
    assert compare_decisions(golden, other.scored_again(PROTOCOL, turned)).changed == (DETECTOR,)


def test_what_is_fitted_again_trusts_no_fit_of_before(runs, golden):
    runs.forget_fits()
    assert not (runs.scratch / "cache" / "fitted").exists()
    assert (runs.scratch / "cache" / "embeddings").is_dir()


def test_fits_of_another_version_or_too_few_are_not_scored(fits):
    older = {name: (replace(saved, version=0), state) for name, (saved, state) in fits.items()}
    assert usable_fits(older, [DETECTOR]) == ({}, [f"{DETECTOR}: its fits are of version 0, this is version 1"])
    first = dict(list(fits.items())[:1])
    missing = next(train for train in TRAINED_ON if train != first[next(iter(first))][0].train)
    assert usable_fits(first, [DETECTOR, "hog_svm"]) == (
        {},
        [
            f"{DETECTOR}: there is no fit of {missing} in the golden record",
            f"hog_svm: there is no fit of {TRAINED_ON[0]} in the golden record",
        ],
    )


def test_a_fit_that_is_missing_is_never_made_instead(runs, fits):
    first = dict(list(fits.items())[:1])
    with pytest.raises(InputError, match=rf"has no fitted {DETECTOR} of \w+ and seed 0; make it with --update"):
        replace(runs, scratch=runs.scratch / "few").scored_again(PROTOCOL, first)


def test_runs_of_two_questions_are_not_joined():
    with pytest.raises(InputError, match="2 different questions"):
        joined([make_run(), make_run(degraded=True)])
