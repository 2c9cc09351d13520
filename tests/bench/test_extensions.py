"""What other packages bring is one module and one entry point: metrics, report sections, executors.

Detectors and protocols: `tests/plugin`. Layouts and degradations: the tests of their rooms.
"""

import pandas as pd
import pytest

from bench.evaluation.cells import cells_table
from bench.evaluation.leaderboard import ranking, rankings
from bench.platform.errors import InputError
from bench.platform.processes.executors import executor
from bench.records.store import Store
from bench.report.formats import as_csv, as_markdown
from bench.report.run_report import report_run
from detectors.catalogue import UnknownName
from tests.support import extensions
from tests.support.entry_points import install
from tests.support.synthetic_runs import make_run

PLACE = "tests.support.extensions"


def test_a_metric_is_a_column_of_cells_and_leaderboard(monkeypatch):
    install(monkeypatch, "lineup.metrics", false_alarms=f"{PLACE}:METRIC")
    run = make_run()
    cells = cells_table(run)
    assert (cells["false_alarms"] - (1 - cells["real_accuracy"])).abs().max() < 1e-12
    (ranked,) = rankings([run])
    assert "false alarms |" in as_markdown([ranked])
    assert "AP, ROC AUC and false alarms over all cells" in as_markdown([ranked])
    row = ranked.rows[0]
    mine = cells[cells["detector"] == row.detector]
    assert row.metrics["false_alarms"] == pytest.approx(mine["false_alarms"].mean())
    assert "false_alarms" in as_csv([ranked]).splitlines()[0].split(",")


def test_without_the_package_there_is_no_such_column():
    assert "false_alarms" not in cells_table(make_run())
    assert "false_alarms" not in ranking(make_run()).rows[0].metrics


@pytest.mark.parametrize("value", ["false_alarms", "RUNS"])
def test_what_is_no_metric_is_one_line(monkeypatch, value):
    install(monkeypatch, "lineup.metrics", mine=f"{PLACE}:{value}")
    with pytest.raises(InputError, match=r"metric 'mine' is .*: a metric is a bench\.metrics\.metric\.Metric"):
        cells_table(make_run())


def test_a_metric_cannot_take_the_name_of_a_column(monkeypatch):
    monkeypatch.setattr(extensions, "METRIC", extensions.Metric("ap", extensions.false_alarms))
    install(monkeypatch, "lineup.metrics", ap=f"{PLACE}:METRIC")
    with pytest.raises(InputError, match="with a name of its own"):
        cells_table(make_run())


def test_a_section_is_printed_and_written(monkeypatch, tmp_path, quiet, capsys):
    install(monkeypatch, "lineup.report_sections", classes=f"{PLACE}:SECTION")
    run = make_run()
    report_run(run, Store.at(tmp_path), quiet)
    assert "### Images by class" in (tmp_path / "classes.md").read_text()
    assert pd.read_csv(tmp_path / "classes.csv")["n"].tolist() == [len(run.scores)]
    printed = capsys.readouterr().out
    assert "Images by class" in printed
    assert "How many scores each class has." in printed


def test_what_is_no_section_is_one_line(monkeypatch, tmp_path, quiet):
    install(monkeypatch, "lineup.report_sections", mine=f"{PLACE}:METRIC")
    with pytest.raises(InputError, match="report section 'mine'"):
        report_run(make_run(), Store.at(tmp_path), quiet)


def test_an_executor_is_found_by_name(monkeypatch, make_bench):
    install(monkeypatch, "lineup.executors", one_by_one=f"{PLACE}:one_by_one")
    extensions.RUNS.clear()
    bench = make_bench(executor=executor("one_by_one"))
    bench.run(bench.plan(("none",), (0,)))
    assert extensions.RUNS
    with pytest.raises(UnknownName, match=r"no executor is named 'one_by_on'\. Did you mean one_by_one\?"):
        executor("one_by_on")
