from dataclasses import replace

from protocols.api import Attack, Cell, Subset, grouped
from protocols.validation import hold_out_validation

TRAIN, TEST = Subset(("a",), "train", degradation="jpeg:65"), Subset(("b",), "test")
FITTED = Cell("d", TRAIN, TEST, seed=3, options=(("sigma", 1),))
LOADED = Cell("r", None, TEST, checkpoint="r.pth")
NAMED = Cell("d", TRAIN, TEST, task="generator")
ATTACKED = Cell("e", TRAIN, TEST, attack=Attack(Cell("d", TRAIN, TEST), "fgsm:2"))
CELLS = [FITTED, LOADED, NAMED, ATTACKED]


def test_without_a_share_nothing_changes():
    groups = [grouped("all", CELLS, "home")]
    found = hold_out_validation(CELLS, groups, 0)
    assert found.cells is CELLS
    assert found.groups is groups
    assert found.validation == {}


def test_every_fit_is_on_the_rest_and_scores_what_was_held_out():
    found = hold_out_validation(CELLS, [grouped("some", [FITTED, LOADED], "home")], 0.2)
    fitted, loaded, named, attacked = found.cells
    assert loaded == LOADED
    for cell in (fitted, named, attacked, attacked.attack.target):
        assert replace(cell.train, sources=None) == TRAIN
        assert (cell.train.sources.share, cell.train.sources.drawn) == (0.2, False)
    assert (fitted.train.sources.seed, named.train.sources.seed) == (3, 0)
    assert fitted.test == TEST
    (group,) = found.groups
    assert (group.cells, group.role) == ({fitted, loaded}, "home")
    assert found.validation.keys() == {fitted, attacked}
    other = found.validation[fitted]
    assert (other.detector, other.train, other.seed, other.options) == ("d", fitted.train, 3, fitted.options)
    assert other.test == replace(fitted.train, sources=replace(fitted.train.sources, drawn=True))
    assert found.validation[attacked].attack is None


def test_cells_of_one_fit_share_their_validation_scores():
    tests = [replace(TEST, degradation=step) for step in ("none", "blur:1", "blur:2")]
    found = hold_out_validation([Cell("d", TRAIN, test) for test in tests], [], 0.5)
    assert len(set(found.validation.values())) == 1
    assert found.validation_of(found.cells[:1]) == {found.cells[0]: found.validation[found.cells[0]]}


def test_validation_scores_of_what_is_fine_tuned_are_of_that_fit():
    cell = Cell("d", replace(TRAIN, shots=(("c", 2),)), TEST, fine_tuned=True)
    found = hold_out_validation([cell], [], 0.2)
    (other,) = found.validation.values()
    assert other.fine_tuned
    assert other.train == found.cells[0].train
    assert other.train.shots_alone.sources is None
