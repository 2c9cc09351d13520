"""What a golden record can show, and what it does not know."""

import pandas as pd
import pytest

from bench.command.gate.make_record import support_lines
from bench.golden.golden_record import golden_from
from bench.golden.question_record import QuestionRecord
from bench.golden.recorded_images import RECORDED, RecordedImages
from tests.support.synthetic_runs import falling, make_run


def record_of(run):
    images = RecordedImages(pd.DataFrame(columns=RECORDED), {}, drawn_splits=False)
    return QuestionRecord("a", "", golden_from([run]), images, {})


@pytest.mark.parametrize(
    ("detectors", "seeds", "words"),
    [
        (["steady"], 1, "no spread between trainings is known"),
        (["unsteady"], 3, "3 training seeds are too few for any fall of unsteady to be seen"),
        (["unsteady"], 5, "5 training seeds, whose spread is the noise"),
        (["steady"], 3, "3 training seeds agree in every cell"),
    ],
)
def test_what_a_record_knows_of_noise_is_said(detectors, seeds, words):
    skill = falling(1, 1, 1) if detectors == ["steady"] else falling()
    record = record_of(make_run(skill, detectors, tuple(range(seeds)), n=10))
    kept, fitted = support_lines(record, 0)
    assert "--keep-fitted" in kept
    assert words in fitted


def test_more_detectors_that_depend_on_their_seed_need_more_seeds():
    found = [
        list(support_lines(record_of(make_run(detectors=names, seeds=(0, 1), n=10)), 4))
        for names in (["a"], ["a", "b"])
    ]
    assert [lines[1].rpartition("--seeds ")[2] for lines in found] == ["5", "6"]
    assert found[0][0] == "Scored again: 4 fitted detectors are kept; any changed decision fails"
