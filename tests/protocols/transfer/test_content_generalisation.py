"""Content generalisation: one kind of content in training against each in testing."""

import pytest

from protocols.api import Unanswerable
from protocols.transfer.content_generalisation import MOST, ContentGeneralisation
from tests.support.protocol_runs import CONTENTS, averages, fake_scope


def test_each_kind_is_trained_on_and_tested():
    cells = ContentGeneralisation().cells(fake_scope())
    assert [(cell.train.contents, cell.test.contents) for cell in cells] == [
        ((seen,), (shown,)) for seen in CONTENTS for shown in CONTENTS
    ]
    assert averages(ContentGeneralisation(kinds=("leaves", "waves")), fake_scope()) == {
        "same content": ("home", 2), "other content": ("away", 2),
    }  # fmt: skip


def test_kinds_that_are_not_there_or_too_many_are_refused():
    with pytest.raises(Unanswerable, match="content 'faces' is not in the data, which has leaves, shells"):
        ContentGeneralisation(kinds=("faces", "leaves")).cells(fake_scope())
    with pytest.raises(Unanswerable, match="the data states no kinds of content"):
        ContentGeneralisation().cells(fake_scope(contents=()))
    many = tuple(f"n{number:04}" for number in range(MOST + 1))
    with pytest.raises(Unanswerable, match="has 21 kinds of content, such as n0000, n0001, n0002; name up to 20"):
        ContentGeneralisation().cells(fake_scope(contents=many))
    assert len(ContentGeneralisation(kinds=many[:2]).cells(fake_scope(contents=many))) == 4


def test_a_run_lays_out_a_square_of_contents(run_on_kinds):
    done = run_on_kinds("content_generalisation", train_on="even")
    found = done.matrix()
    assert list(found.index) == list(found.columns) == list(CONTENTS)
    assert set(done.cells["n"]) == {2 * 4}
    assert done.fits == len(CONTENTS)
    assert {row.detector: row.means["other content"].cells for row in done.ranking.rows} == {"checkerboard": 12}
