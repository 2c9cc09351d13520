import pytest

from bench.evaluation.cells import evaluate
from bench.records.manifest import CheckpointRecord
from bench.report.sections.reported import reported_content, reported_rows
from tests.support.synthetic_runs import make_run, with_data, with_detector


@pytest.mark.parametrize("known_as", ["nobody has published this", "CNNSpot"])
def test_a_checkpoint_without_a_figure_for_these_generators_has_no_rows(known_as):
    checkpoint = CheckpointRecord("alpha.pth", "0" * 64, trained_on=("fog",), published_as={"GenImage": known_as})
    run = with_data(make_run(n=20), published_name="GenImage")
    measured = evaluate(with_detector(run, "alpha", checkpoint=checkpoint))
    assert reported_rows(measured).empty
    assert reported_content(measured).tables == []
