import numpy as np
import pandas as pd
import pytest

from bench.records import columns
from bench.records.score_table import ScoreTable

SCORES = list(columns.SCORES)


def rows(keys=("a", "b", "c"), images=5, seed=0):
    """Scores of some cells of the same images, and one cell of others."""
    random = np.random.default_rng(seed)
    found = []
    for key in keys:
        kind = "other" if key == "c" else "same"
        for i in range(images):
            score = np.float32(random.random())
            log_odds = np.float32(np.nan if key == "b" else np.log(score / (1 - score)))
            found.append((key, f"{kind}/{i}.png", f"{kind}{i // 2}", i % 2, score, log_odds))
    return pd.DataFrame(found, columns=SCORES).astype({"label": "int8"})


def alike(found, expected):
    both = [one.sort_values(["key", "name"], ignore_index=True)[SCORES] for one in (found, expected)]
    pd.testing.assert_frame_equal(*both, check_dtype=False)


@pytest.mark.parametrize("shuffled", [False, True])
def test_rows_are_given_back_whatever_their_order(shuffled):
    given = rows()
    table = ScoreTable.from_frame(given.sample(frac=1, random_state=1) if shuffled else given)
    alike(table.frame(), given)


def test_cells_of_the_same_images_share_them_whatever_the_order_of_their_rows():
    given = rows()
    turned = pd.concat([given[given["key"] == "a"], given[given["key"] != "a"][::-1]])
    table = ScoreTable.from_frame(turned)
    assert table["a"].images is table["b"].images
    assert table["a"].images is not table["c"].images
    assert len(table.test_images()) == 2
    assert (table["b"].log_odds, len(table)) == (None, 3)


def test_a_label_or_a_source_that_differs_makes_other_images():
    for column, value in (("label", 1), ("source", "elsewhere")):
        given = rows(("a", "b"))
        given.loc[given.index[-1], column] = 1 - given["label"].iloc[-1] if column == "label" else value
        table = ScoreTable.from_frame(given)
        assert table["a"].images is not table["b"].images
        alike(table.frame(), given)


def test_blocks_hold_every_cell_that_was_asked_for_with_its_own_scores():
    table = ScoreTable.from_frame(rows())
    found = list(table.blocks(["b", "c", "a"]))
    assert [block.keys for block in found] == [("b", "a"), ("c",)]
    for block in found:
        for key, scores, log_odds in zip(block.keys, block.scores, block.log_odds, strict=True):
            assert (scores == table[key].scores).all()
            assert np.isnan(log_odds).all() == (key == "b")


def test_blocks_have_a_limit(monkeypatch):
    keys = [f"k{i}" for i in range(30)]
    table = ScoreTable.from_frame(rows(keys))
    monkeypatch.setattr("bench.records.score_table.BLOCK_SIZE", 50)
    assert [len(block.keys) for block in table.blocks(keys)] == [10, 10, 10]


def test_an_image_that_stands_twice_counts_once_with_its_first_score():
    given = rows(("a",))
    again = pd.concat([given, given.assign(score=np.float32(0.5))])
    alike(ScoreTable.from_frame(again).frame(), given)


def test_joined_tables_keep_the_first_scores_of_a_cell_and_share_images():
    first, second = ScoreTable.from_frame(rows(("a",))), ScoreTable.from_frame(rows(("a", "b"), seed=1))
    both = ScoreTable.joined([first, second])
    assert (both["a"].scores == first["a"].scores).all()
    assert both["b"].images is both["a"].images
    assert len(both) == 2
    assert "a" in both.only(["a", "z"])
    assert len(both.only(["a", "z"])) == 1


def test_nothing_is_a_table_without_cells():
    table = ScoreTable.from_frame(rows().iloc[:0])
    assert len(table) == 0
    assert table.frame().empty
    assert list(table.frame().columns) == SCORES
    assert list(table.blocks([])) == []
