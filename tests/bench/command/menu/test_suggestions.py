"""What completes values."""

import pytest

from bench.command import score
from bench.command.menu import suggestions
from bench.command.menu.lazy_group import whole_commands
from bench.evaluation.asked.rank_measures import WORST_TITLES
from bench.golden.question_record import RECORD
from bench.inference.backends import BACKENDS
from bench.metrics.catalogue import METRICS, ON_REQUEST
from bench.records.store import MANIFEST
from bench.report.export.contents import OWN
from bench.report.export.forms import ENDINGS
from bench.report.figures import FIGURES
from bench.report.sections.catalogue import SECTIONS
from bench.request.run_folders.labels import RunLabels, write_labels
from bench.request.run_request import RUNS
from protocols.degradations import parse_degradation


def test_names_that_are_written_down_are_those_of_the_modules():
    assert tuple(one.name for one in FIGURES) == suggestions.FIGURES
    assert suggestions.BACKENDS == BACKENDS
    assert suggestions.MANIFEST == MANIFEST
    assert suggestions.RECORD == RECORD
    assert (*OWN, *(section.name for section in SECTIONS)) == suggestions.EXPORTED
    assert tuple(ENDINGS) == suggestions.EXPORT_FORMS
    assert set(suggestions.SCORE_FORMS) == {score.COLUMNS, score.PREDICTIONS}
    assert set(suggestions.METRICS) == {metric.name for metric in (*METRICS, *ON_REQUEST)}
    assert set(suggestions.WORST) == set(WORST_TITLES)


def test_every_degradation_that_is_offered_is_one():
    offered = set(suggestions.degradation_names()) - set(suggestions.profile_names())
    assert len(offered) > 50
    for name in offered:
        if not name.endswith(":") and not name.startswith(("heic", "jxl")):  # what is still to be typed; extras
            assert parse_degradation(name).name == name


def test_the_last_of_several_names_is_completed_and_none_twice():
    suggest = suggestions.several_of(lambda: ["hog_svm", "spec", "spectrum"])
    assert suggest("hog_svm,sp") == ["hog_svm,spec", "hog_svm,spectrum"]
    assert suggest("spec,sp") == ["spec,spectrum"]
    assert suggest("nothing") == []


def test_result_folders_end_and_others_lead_on(tmp_path, monkeypatch):
    (tmp_path / "runs" / "mine").mkdir(parents=True)
    (tmp_path / "runs" / "mine" / MANIFEST).touch()
    (tmp_path / "runs" / "more").mkdir()
    (tmp_path / "runs" / ".hidden").mkdir()
    (tmp_path / "runs" / "my file").touch()
    monkeypatch.chdir(tmp_path)
    assert suggestions.result_folders("ru") == ["runs/"]
    assert suggestions.result_folders("runs/m") == ["runs/mine", "runs/more/"]
    assert suggestions.result_folders(f"{tmp_path}/runs/mi") == [f"{tmp_path}/runs/mine"]
    assert suggestions.result_folders("runs/.h") == ["runs/.hidden/"]


def test_runs_are_offered_by_the_names_that_they_were_given(tmp_path, monkeypatch):
    for folder, name in (("a", "nice"), ("b", "two words")):
        run = tmp_path / RUNS / folder
        (run / "scores").mkdir(parents=True)
        (run / MANIFEST).touch()
        write_labels(run, RunLabels(name))
    monkeypatch.chdir(tmp_path)
    assert suggestions.runs("") == ["nice", "results/"]


def test_columns_and_cards_are_offered():
    assert {"balanced accuracy", "drop"} <= set(suggestions.column_names())
    assert {"hog_svm", "cross_generator", "jpeg", "techjam-2026"} <= set(suggestions.card_names())
    assert suggestions.data_places("emb")[0] == "embedded"
    assert "genimage:" in suggestions.data_places("gen")


@pytest.mark.parametrize("key", sorted(suggestions.OF_PARAMETERS))
def test_every_suggestion_is_of_a_parameter_that_there_is(key):
    *command, parameter = key.split()
    commands = list(whole_commands(command or None).values())
    commands += [one for group in commands for one in getattr(group, "commands", {}).values()]
    assert any(one.name == parameter for found in commands for one in found.params)
