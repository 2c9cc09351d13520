"""Whether detectors keep their order, as a section of the report."""

from bench.evaluation.cells import evaluate
from bench.report.formats import section_as_markdown
from bench.report.sections.catalogue import SECTIONS
from bench.report.sections.orders import LEGEND, order_content
from tests.support.synthetic_runs import make_run

LEVELS = {"alpha": 0.95, "beta": 0.8, "gamma": 0.65}


def turning(detector, train, test, degradation, seed):
    del train, test, degradation
    return 1.6 - LEVELS[detector] if seed == 2 else LEVELS[detector]


def test_a_row_says_where_the_order_turns():
    content = order_content(evaluate(make_run(turning, detectors=LEVELS, seeds=(0, 1, 2), n=60)))
    text = " ".join(section_as_markdown(content.tables, LEGEND).split())
    assert "### Do detectors keep their order by off-diagonal?" in text
    assert "| training seeds | 3 | 3 | -1.00 | 0 and 2 | -0.33 |" in text
    (row,) = content.rows.to_dict("records")
    assert (row["axis"], row["values"], row["least_first"], row["least_second"]) == ("seed", 3, 0, 2)


def test_orders_that_are_all_the_same_name_no_values():
    content = order_content(evaluate(make_run(lambda name, *_: LEVELS[name], detectors=LEVELS, seeds=(0, 1), n=60)))
    assert "| training seeds | 2 | 3 | 1.00 | - | 1.00 |" in " ".join(section_as_markdown(content.tables, "").split())


def test_one_training_or_two_detectors_have_no_such_section():
    assert not order_content(evaluate(make_run(turning, detectors=LEVELS, n=10))).tables
    assert not order_content(evaluate(make_run(turning, detectors=("alpha", "beta"), seeds=(0, 1), n=10))).tables
    assert "orders" in {section.name for section in SECTIONS}
