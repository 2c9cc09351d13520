"""Which images are scored, and that thousands of fits and degradations over the same ones hold one array of them."""

import numpy as np
import pytest

from bench.engine.scoring.scoring_plan import ScoringPlan
from bench.engine.selections import unique_positions
from tests.support.miniature import Bench, NearestMeanRecipe, write_folder


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    tmp_path = tmp_path_factory.mktemp("bench")
    return Bench(write_folder(tmp_path / "data"), tmp_path, {"nearest": NearestMeanRecipe("small")})


def test_the_images_of_a_key_are_those_of_its_tests_in_ascending_order(bench):
    planned = bench.plan()
    plan = ScoringPlan(bench.selections, planned, planned, bench.batch_size)
    for key, items in plan.missing.items():
        tested = unique_positions([bench.selections[item.cell.test].positions for item in items])
        assert plan.images(key).tolist() == sorted(tested.tolist())


def test_keys_with_the_same_tests_share_one_array(bench):
    planned = bench.plan()
    plan = ScoringPlan(bench.selections, planned, planned, bench.batch_size)
    found = {id(plan.images(key)) for key in plan.missing}
    assert len(plan.missing) == 4  # two fits under two degradations
    assert len(found) == 1


def test_keys_that_lack_other_cells_do_not(bench):
    planned = bench.plan(("none",))
    first, second = {item.scoring_key for item in planned}
    missing = [item for item in planned if item.scoring_key == first]
    missing += [item for item in planned if item.scoring_key == second][:1]
    plan = ScoringPlan(bench.selections, planned, missing, 2)
    assert len(plan.images(second)) < len(plan.images(first))
    assert np.isin(bench.selections[missing[-1].cell.test].positions, plan.images(second)).all()
