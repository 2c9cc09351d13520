import io
from dataclasses import replace

import pandas as pd
import pytest
from rich.console import Console

from bench.evaluation.cells import cells_table
from bench.evaluation.joined_runs import join_runs
from bench.platform.errors import InputError
from bench.platform.progress import Reporter
from bench.records import columns
from bench.records.store import Store
from bench.records.validation import VALIDATION_FILE, read_validation, write_validation
from bench.request.announcement import announce_run
from bench.request.planned_run import plan_run
from bench.request.result_folder import require_own_question
from tests.support.miniature import GENERATORS, SIZES
from tests.support.protocol_runs import ProtocolRunner

SHARE = 0.25
CHANGES = (("without", {"validation": 0.0}), ("others", {"detectors": ("hog_svm",)}))


def validation_of(folder):
    return read_validation(folder, folder / "scores")


@pytest.fixture(scope="module")
def runner(miniature, tmp_path_factory):
    return ProtocolRunner(miniature, tmp_path_factory.mktemp("validation"))


@pytest.fixture(scope="module")
def request_with(runner):
    return replace_share(runner.request("cross_generator", seeds=(0, 1)), SHARE)


@pytest.fixture(scope="module")
def finished(runner, request_with):
    return runner.run(request_with, report=True)


def replace_share(request, share):
    return replace(request, validation=share)


def test_every_fit_has_validation_scores_of_what_it_was_not_fitted_on(finished, request_with, quiet):
    found = validation_of(finished.folder)
    assert len(found.cells) == len(finished.run.cells) == 2 * len(GENERATORS) ** 2
    assert found.cells[columns.VALIDATION_KEY].nunique() == 2 * len(GENERATORS)
    planned = plan_run(request_with, quiet)
    for item in planned.planned[: len(planned.cells)]:
        scores = found.of_cell(item.key)
        fitted = set(planned.selections[item.cell.train].images.names)
        assert sorted(scores[columns.LABEL]) == [0, 0, 1, 1]
        assert not set(scores[columns.NAME]) & fitted
        assert len(fitted) + len(scores) == 2 * SIZES["train"]
        assert {name.split("/")[0] for name in scores[columns.NAME]} == {item.cell.train.name}


def test_validation_scores_stand_in_no_table_of_cells(finished):
    table = cells_table(finished.run)
    assert set(table["test_split"]) == {"val"}
    assert not set(table[columns.KEY]) & set(validation_of(finished.folder).cells[columns.VALIDATION_KEY])
    assert finished.run.manifest.validation == SHARE


def test_the_report_shows_what_the_threshold_costs(finished):
    found = pd.read_csv(finished.folder / "thresholds.csv")
    assert len(found) == 2 * len(GENERATORS) ** 2
    text = (finished.folder / "thresholds.md").read_text()
    assert "from 25% of each train set, held out" in text
    assert "oracle (seen)" in text


def test_what_is_planned_is_announced(request_with):
    said = io.StringIO()
    reporter = Reporter(Console(file=said, width=500))
    announce_run(plan_run(request_with, reporter), reporter)
    assert "Cells: 18 and 6 on 25% of their train sets, seeds 0, 1" in said.getvalue()


def test_without_the_option_keys_are_what_they_were(runner, request_with, quiet):
    """No key moves for an option that is not asked for; every fit moves for one that is."""
    plain, held_out = (plan_run(replace_share(request_with, share), quiet).planned for share in (0.0, SHARE))
    again = plan_run(runner.request("cross_generator", seeds=(0, 1)), quiet).planned
    assert [item.key for item in plain] == [item.key for item in again]
    assert not {item.fit_key for item in plain} & {item.fit_key for item in held_out}


def test_a_run_without_it_leaves_none_and_does_not_go_on_with_one_that_has(runner, request_with, finished, quiet):
    without = plan_run(replace_share(request_with, 0.0), quiet)
    with pytest.raises(InputError, match=r"the share for validation none, not 0\.25"):
        require_own_question(finished.folder, [without])
    plain = runner("cross_generator")
    assert not (plain.folder / VALIDATION_FILE).exists()
    assert not (plain.folder / "thresholds.md").exists()
    found = validation_of(plain.folder)
    assert found.cells.empty
    assert found.of_cell("any").empty


def test_runs_with_and_without_it_stand_in_tables_of_their_own(runner, request_with, finished):
    plain, other = (runner.run(replace(request_with, out=runner.root / name, **changes)) for name, changes in CHANGES)
    joined, alone = join_runs([finished.run, other.run, plain.run])
    assert set(joined.cells[columns.DETECTOR]) == {"checkerboard", "hog_svm"}
    assert len(joined.validation.cells) == 2 * len(finished.run.validation.cells)
    assert joined.manifest.validation == SHARE
    assert alone.manifest.validation == 0


def test_a_share_of_what_trains_nothing_is_one_line(runner, quiet, tmp_path):
    request = replace_share(runner.request("released", detectors=("cnnspot@none.pth",)), SHARE)
    request = replace(request, setting="auto")
    with pytest.raises(InputError, match=r"--validation holds images out of trainings, and released trains nothing"):
        plan_run(request, quiet)


def test_what_is_gone_or_damaged_is_one_line(tmp_path):
    store = Store.at(tmp_path)
    row = {columns.KEY: "a", columns.VALIDATION_KEY: "b", columns.STATUS: "scored", columns.REASON: ""}
    write_validation(store.root, pd.DataFrame([row]))
    with pytest.raises(InputError, match="the validation scores of 1 fits are gone; run the same command again"):
        validation_of(tmp_path)
    (tmp_path / VALIDATION_FILE).write_text("key\na\n")
    with pytest.raises(InputError, match="is damaged"):
        validation_of(tmp_path)
    write_validation(store.root, pd.DataFrame(columns=list(columns.VALIDATION)))
    assert not (tmp_path / VALIDATION_FILE).exists()
    assert validation_of(tmp_path).scores.empty
