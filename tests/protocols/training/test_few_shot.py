"""Few-shot: k images of a new generator join the training."""

from dataclasses import replace

import pandas as pd
import pytest

from protocols.api import Cell, Scope, Subset, Unanswerable
from protocols.training.few_shot import FewShot
from tests.support.protocol_runs import FakeImages, ProtocolRunner, averages, fake_scope


def test_each_generator_is_new_once_and_joins_with_more_and_more_images():
    cells = FewShot(shots=(5, 0)).cells(fake_scope())
    assert [(cell.train.generators, cell.train.shots, cell.test.generators) for cell in cells] == [
        (known, shots, (new,))
        for new, known in (("a", ("b", "c")), ("b", ("a", "c")), ("c", ("a", "b")))
        for shots in ((), ((new, 5),))
    ]
    axis = FewShot.axes["shots"].value
    assert [axis(cell) for cell in cells[:2]] == [0, 5]
    assert [cell.train.name for cell in cells[:2]] == ["all but a", "all but a, and 5 of it"]
    assert [cell.fine_tuned for cell in cells] == [False, True] * 3
    assert cells[1].train.without_shots == replace(cells[0].train, label="")
    assert cells[1].train.shots_alone == Subset(("a",), "train", size=5)


def test_usual_numbers_are_those_that_there_are_images_for():
    cells = FewShot(new=("b",)).cells(fake_scope())
    assert [FewShot.axes["shots"].value(cell) for cell in cells] == [0, 1, 4, 16, 64]
    assert {cell.test.generators for cell in cells} == {("b",)}
    with pytest.raises(Unanswerable, match="shots 5, 101 are not all from 0 to 100"):
        FewShot(shots=(101, 5)).cells(fake_scope())
    with pytest.raises(ValueError, match="shots has -1; give whole numbers from 0 on"):
        FewShot(shots=(-1,))


def test_a_generator_without_real_images_has_no_shots():
    class Unpaired(FakeImages):
        def largest_size(self, subset):
            return 0 if subset.generators == ("b",) else 100

    with pytest.raises(Unanswerable, match="shots 0, 1 are not all from 0 to 0"):
        FewShot().cells(Scope(Unpaired(), ["d"]))


def test_one_generator_alone_has_no_past():
    with pytest.raises(Unanswerable, match="c is the only generator with training images"):
        FewShot().cells(fake_scope(untrained=("a", "b")))


def test_cells_with_images_of_the_new_generator_rank():
    assert averages(FewShot(shots=(0, 1, 8)), fake_scope()) == {
        "with shots": ("home", 6), "without": (None, 3), "1 shot": (None, 3), "8 shots": (None, 3),
    }  # fmt: skip


def test_a_run_has_a_column_for_each_number_and_shares_fits_with_leave_out(run_on_miniature):
    run_on_miniature("leave_out", report=False)
    done = run_on_miniature("few_shot", shots="0,2,8")
    found = done.matrix()
    assert (sorted(found.index), list(found.columns)) == (["even", "faint", "odd"], [0, 2, 8])
    assert found.loc["faint"].is_monotonic_increasing  # the cut comes down to the faint ones
    assert done.count("fits reused") >= 3
    assert run_on_miniature("mixed", report=False).fits == 1


@pytest.mark.slow
def test_networks_go_on_from_the_fits_of_leave_out_and_a_notice_says_who_does_what(run_on_miniature):
    asked = ("npr", "hog_svm", "checkerboard")
    run_on_miniature("leave_out", detectors=("npr",), report=False)
    done = run_on_miniature("few_shot", detectors=asked, shots="0,2", new="faint")
    training = pd.read_csv(done.folder / "training.csv")
    assert training.groupby("train").size().to_dict() == {"all but faint": 12, "all but faint, and 2 of it": 10}
    found = run_on_miniature("few_shot", detectors=("npr",), shots="0,2")
    assert found.count("fits made") == 2  # two more generators of which two images join: the rest was fitted
    board = (done.folder / "leaderboard.md").read_text()
    assert "npr went on from the training without them, on them alone" in board
    assert "hog_svm fitted the head anew on all images" in board
    assert "checkerboard cannot go on from a training, and began anew on all images" in board


def test_a_cell_without_shots_cannot_be_fine_tuned():
    train, test = Subset(("a",), "train"), Subset(("b",), "val")
    with pytest.raises(ValueError, match="fine-tuned on the shots of its train subset, and there are none"):
        Cell("d", train, test, fine_tuned=True)
    with pytest.raises(ValueError, match="no further generator joins a"):
        train.shots_alone  # noqa: B018 - it raises
    several = replace(train, shots=(("b", 2), ("c", 3))).shots_alone
    assert several.parts == (Subset(("b",), "train", size=2), Subset(("c",), "train", size=3))


def test_a_dry_run_counts_the_fit_that_is_gone_on_from_once(miniature_folder, tmp_path):
    said = ProtocolRunner(miniature_folder, tmp_path / "runs").dry(
        "few_shot", detectors=("npr",), shots="2,4", new="faint"
    )
    assert "To answer: 2 of 2 cells, 3 fits" in said
