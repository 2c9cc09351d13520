"""What the report says of the degradations of a run: versions, and the libraries that fixed their pixels."""

from lineup_checkerboard import Checkerboard
from PIL import features

from bench.engine.versions import versions
from bench.evaluation.cells import evaluate
from bench.report.formats import section_as_markdown
from bench.report.sections.degradations import LEGEND, degradation_content
from bench.request.run_record import degradation_versions
from protocols.degradations import parse_degradation
from tests.support.miniature import Bench, write_folder

WEBP = f"libwebp {features.version('webp')}"


def test_a_run_records_what_fixed_its_pixels_and_the_report_shows_it(tmp_path):
    bench = Bench(write_folder(tmp_path / "data"), tmp_path, {"checkerboard": Checkerboard("small")})
    run = bench.stored_run(planned=bench.plan(("none", "webp:50", "lr:20+webp:75")))
    assert run.manifest.degradations == {"webp": f"1[{WEBP}]", "lr": "1"}
    content = degradation_content(evaluate(run))
    assert content.rows.to_dict("list") == {
        "degradation": ["lr", "webp"],
        "version": ["1", "1"],
        "library": ["", WEBP],
    }
    text = section_as_markdown(content.tables, LEGEND)
    assert f"Degradations, computed by Pillow {versions()['pillow']}, OpenCV " in text
    assert f"| webp | 1 | {WEBP} |" in " ".join(text.split())


def test_a_run_without_degradations_has_no_such_table(tmp_path):
    bench = Bench(write_folder(tmp_path / "data"), tmp_path, {"checkerboard": Checkerboard("small")})
    run = bench.stored_run(planned=bench.plan(("none",)))
    assert run.manifest.degradations == {}
    assert not degradation_content(evaluate(run)).tables


def test_what_is_drawn_from_is_told_apart():
    texts = ["none", "random:webp", "random:jpeg", "jpeg:50", "random:jpeg+jpeg:65"]
    found = degradation_versions(map(parse_degradation, texts))
    assert list(found) == ["random", "random:jpeg", "jpeg"]
    assert found["random"].startswith(f"1[webp@1[{WEBP}] 90 ")
    assert found["random:jpeg"].startswith("1[jpeg@1 90 75")
