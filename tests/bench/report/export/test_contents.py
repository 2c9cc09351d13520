"""What can be exported of runs, and what several of them together give."""

import pytest

from bench.evaluation.asked.rank_measures import asked_measures
from bench.evaluation.cells import evaluate, matrices
from bench.platform.errors import InputError
from bench.report.export.contents import OWN, ExportedRun, ExportedRuns, content_names, contents_of
from bench.report.sections.catalogue import SECTIONS
from tests.support.synthetic_runs import make_run, own_real_images, with_data


@pytest.fixture(scope="module")
def runs():
    return ExportedRuns([ExportedRun(own_real_images(make_run(n=6)))])


def test_every_content_is_known():
    assert content_names() == (*OWN, *(section.name for section in SECTIONS))


def test_a_matrix_of_each_detector_has_shares_for_programs_and_per_cent_for_people(runs):
    found = contents_of("matrix", runs)
    assert [one.name for one in found] == ["matrix-alpha", "matrix-beta"]
    own = evaluate(runs.found[0].run)
    shares = matrices(own.table, own.run.manifest.protocol)["alpha"]
    assert found[0].rows.set_index("train").equals(shares)
    assert f"{100 * shares.loc['fog', 'haze']:.1f}" in found[0].texts["markdown"]()


def test_measures_that_are_asked_for_are_columns():
    runs = ExportedRuns([ExportedRun(make_run(n=2), asked_measures(["eer"], "eer"))])
    assert {"eer", "eer low", "eer high", "ranked_by"} <= set(contents_of("leaderboard", runs)[0].rows)
    assert "eer" in contents_of("cells", runs)[0].rows


def test_runs_of_other_data_are_told_apart():
    run = own_real_images(make_run(n=4))
    both = ExportedRuns([ExportedRun(run), ExportedRun(with_data(run, title="other"))])
    (scores,) = contents_of("scores", both)
    assert list(scores.rows)[:2] == ["data", "image"]
    assert len(contents_of("wide-scores", both)[0].rows) == 2 * run.scores["name"].nunique()
    assert len({one.name for one in contents_of("matrix", both)}) == 4
    assert "data" not in contents_of("scores", ExportedRuns(both.found[:1]))[0].rows


def test_what_runs_do_not_have_is_said(runs):
    with pytest.raises(InputError, match="the runs have no attribution"):
        contents_of("attribution", runs)


def test_a_section_has_its_rows_and_its_tables():
    runs = ExportedRuns([ExportedRun(make_run(degraded=True, n=3))])
    (found,) = contents_of("conditions", runs)
    assert (found.name, found.table) == ("conditions", "conditions.csv")
    assert {"pooled_auc", "flip_rate"} <= set(found.rows)
    assert "pooled AUC" in found.texts["latex"]()
    twice = contents_of("conditions", ExportedRuns([*runs.found, *runs.found]))
    assert [(one.name, one.table) for one in twice] == [
        *(("conditions-1", "conditions.csv"), ("conditions-2", "conditions.csv"))
    ]
