"""A comparison of two detectors as a reader sees it."""

import pytest
from rich.console import Console

from bench.evaluation.comparing.comparison import compare_detectors
from bench.evaluation.comparing.paired_runs import pair_runs
from bench.evaluation.comparing.sides import choose_sides
from bench.report.comparing import text
from bench.report.comparing.text import comparison_report
from tests.support.synthetic_runs import make_run, with_detector, with_scores, without


def skill(detector, train, test, *_):
    if (train, test) == ("fog", "kiln"):
        return 0.95 if detector == "alpha" else 0.55
    return 0.75


def shown(*runs, detectors=(), **options):
    found = compare_detectors([pair_runs(*pair) for pair in choose_sides(runs, detectors)])
    console = Console(width=100, record=True, file=None)
    with console.capture() as captured:
        console.print(comparison_report(found, **options))
    return captured.get()


def flat(words):
    return " ".join(words.split())


@pytest.fixture(scope="module")
def run():
    return make_run(skill, n=60)


def test_what_is_unresolved_is_said_plainly(run):
    said = flat(shown(run))
    assert said.startswith("alpha against beta Made up: train (rows), test (columns). Data: rendered scenes")
    assert "16 cells that both have, 1 training seed, 300 images of 120 sources." in said
    assert "Across generators" in said
    assert "unresolved (4 generators as trained and 4 as tested; fewer than 6 say nothing of others)" in said
    assert "Cells, corrected for the 16 in which any decision differs: 1 better, 15 unresolved." in said
    assert "fog kiln" in said
    assert "unresolved" in next(line for line in shown(run).splitlines() if "ROC AUC of all cells" in line)


def test_lines_fit_the_terminal(run):
    assert max(map(len, shown(run, power=True).splitlines())) <= 100


def test_a_copy_is_the_same_in_every_line(run):
    said = shown(run, run, detectors=("alpha",), power=True)
    assert "Nothing that is recorded differs." in said
    assert "they decide alike everywhere" in said
    assert "Cells: 16 same." in said
    assert "Nothing is unresolved: no more images or generators are needed." in said
    assert "unresolved" not in said.replace("unresolved (4", "").replace("is unresolved:", "")


def test_what_differs_and_what_is_left_out_is_named(run):
    later = with_detector(run, "alpha", version=2, key="alpha.2.small")
    gone = later.cells["detector"].eq("alpha") & later.cells["test"].eq("fog")
    said = flat(shown(run, without(later, gone), detectors=("alpha",)))
    assert "version 1 2" in said
    assert "recipe alpha.1.small alpha.2.small" in said
    assert "Left out: 4 of 16 cells of alpha (first run) alone have scores." in said


def test_several_detectors_end_in_an_overview(run):
    one, several = shown(run, run, detectors=("alpha",)), shown(run, run)
    assert "In short" not in one
    assert "In short" in several
    assert several.count("Verdict: of the first against") == 1


def test_power_says_what_would_settle_it(run):
    even = make_run(lambda detector, *_: 0.72 if detector == "alpha" else 0.7, n=20)
    said = shown(even, power=True)
    assert "to settle, with a power of 80%" in said
    (line,) = [line for line in said.splitlines() if "off-diagonal" in line and "about" in line]
    assert "(now 100)" in line
    assert "6 or more" in line
    assert "to settle" not in shown(even)


def test_power_names_no_trainings_where_single_images_are_too_few():
    single = make_run(lambda detector, *_: 0.9 if detector == "alpha" else 0.4, n=1)
    said = shown(single, power=True)
    assert "no number: too few sources" in said
    assert "trainings vary" not in said


def test_some_cells_are_shown_unless_all_are_asked_for(monkeypatch):
    monkeypatch.setattr(text, "MOST_CELLS", 4)
    run = make_run(lambda detector, *_: 0.95 if detector == "alpha" else 0.5, n=60)
    few, every = shown(run), shown(run, all_cells=True)
    assert "... and 12 more, which --all shows" in few
    assert "which --all shows" not in every
    assert every.count("\n") == few.count("\n") + 12 - 1


def test_cells_of_several_trainings_are_one_row():
    run = make_run(lambda detector, *_: 0.95 if detector == "alpha" else 0.5, seeds=(0, 1, 2), n=60)
    said = flat(shown(run))
    assert "48 cells that both have, 3 training seeds" in said
    assert "Cells, each a mean over trainings, corrected for the 16 in which any decision differs: " in said
    assert "over images clustered by source and trainings" in said


def test_unbalanced_cells_are_compared_by_balanced_accuracy(run):
    fewer = run.scores[~run.scores["name"].isin([f"val/nature/{place:04d}.jpg" for place in range(30)])]
    assert "Balanced accuracy in %" in shown(with_scores(run, fewer))
