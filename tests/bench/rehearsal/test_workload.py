"""What a rehearsal says of a run is what the engine then does: decodes, degradations, embeddings and fits, counted."""

from collections import Counter
from dataclasses import replace
from shutil import rmtree

import pytest

from bench.engine import timing
from bench.engine.cache import Cache
from bench.engine.run import Engine, Resources
from bench.images import image_set
from bench.images.data_sets import read
from bench.records.store import Store
from bench.rehearsal import workload as workload_module
from bench.rehearsal.workload import workload
from bench.request.execution import execute
from bench.request.planned_run import plan_run
from detectors.api import Unavailable
from protocols.degradations import Degradation
from tests.support.protocol_runs import ProtocolRunner

DETECTORS = ("hog_svm", "colour", "checkerboard")
DEGRADATIONS = "jpeg:65,lr:20,lr:20+jpeg:65,blur:1"


@pytest.fixture
def runner(miniature, tmp_path):
    return ProtocolRunner(miniature, tmp_path / "runs")


class Done:
    """What was really decoded and degraded, in this process."""

    def __init__(self, monkeypatch):
        self.decoded, self.degraded = Counter(), Counter()
        decode, degrade = image_set.decode, Degradation.__call__
        monkeypatch.setattr(
            image_set, "decode", lambda data, where, *more: self.decoded.update([where]) or decode(data, where, *more)
        )
        monkeypatch.setattr(
            Degradation,
            "__call__",
            lambda one, sample: self.degraded.update({one.name: len(one.steps)}) or degrade(one, sample),
        )


def images(amounts):
    return sum(amount.images for amount in amounts.values())


def run(planned, quiet):
    resources = Resources(Cache(planned.request.cache), Store.at(planned.request.out), quiet, workers=1, batch_size=5)
    engine = Engine(planned.selections, resources)
    engine.run(planned.planned)
    return engine.counts


@pytest.mark.parametrize(
    ("protocol", "options"),
    [
        ("degradation", {"degradations": DEGRADATIONS, "train_on": "even,odd+faint", "test_all": "true"}),
        ("cross_generator", {}),
        pytest.param("jpeg_quality", {"qualities": "50,90"}, marks=pytest.mark.slow),
        pytest.param("bias", {"degradations": "jpeg:65"}, marks=pytest.mark.slow),
        ("training_size", {"sizes": "4,8"}),
    ],
)
def test_it_says_what_the_engine_does(runner, quiet, monkeypatch, protocol, options):
    request = runner.request(protocol, DETECTORS, (0, 1) if protocol == "cross_generator" else (0,), **options)
    planned = plan_run(request, quiet)
    work = workload(planned)
    assert work.checked == {}
    done = Done(monkeypatch)
    counts = run(planned, quiet)
    assert work.cells == counts["cells answered"] == len(planned.planned)
    assert work.fits == counts["fits made"]
    assert images(work.decoded) == counts["images decoded"] == sum(done.decoded.values())
    assert sum(one.images for one in work.embedders.values()) == counts["embeddings made"]
    assert images(work.degraded) == sum(done.degraded.values())
    again = workload(planned)
    assert (again.cells, again.fits, images(again.decoded), images(again.degraded)) == (0, 0, 0, 0)
    elsewhere = replace(planned, request=request.in_folder(request.out / "new"))
    assert workload(elsewhere).cells == 0  # the cache has the answers
    rmtree(request.cache / "answers")
    anew = workload(elsewhere)
    done.decoded.clear()
    assert run(elsewhere, quiet)["fits made"] == anew.fits == 0
    assert anew.cells == len(planned.planned)
    assert images(anew.decoded) == sum(done.decoded.values()) == images(anew.scoring.decoded)


def test_files_that_were_inspected_are_not_checked_again(runner, quiet):
    request = runner.request("degradation", DETECTORS, train_on="even+odd+faint", degradations=DEGRADATIONS)
    images = read(str(runner.data))
    Cache(request.cache).inspect(images.select(range(20)), 1, lambda _: None)
    checked = workload(plan_run(request, quiet, dry=True)).checked["PNG"]
    assert (checked.images, checked.pixels) == (len(images) - 20, (len(images) - 20) * 40 * 40)


def test_a_dry_run_says_the_same_before_anything_is_inspected(runner, quiet):
    request = runner.request("degradation", DETECTORS, degradations=DEGRADATIONS)
    dry, planned = plan_run(request, quiet, dry=True), plan_run(request, quiet)
    before, after = workload(dry), workload(planned)
    assert before.checked["PNG"].images == dry.selections.all_images().images.count
    assert (before.decoded, before.degraded) == (after.decoded, after.degraded)
    assert (before.cells, before.fits, before.recorded) == (after.cells, after.fits, after.recorded)


@pytest.mark.parametrize("times", [1, 1000])
def test_a_table_of_the_same_counts_says_the_same_and_one_of_more_so_much_more(runner, quiet, tmp_path, times):
    options = {"degradations": DEGRADATIONS, "train_on": "even,odd+faint", "test_all": "true"}
    request = runner.request("degradation", DETECTORS, **options)
    real = plan_run(request, quiet)
    groups = real.images.table.groupby(["generator", "label", "split"]).size()
    lines = [
        f"{generator},{('real', 'generated')[label]},{split},{times * size},40,40,PNG"
        for (generator, label, split), size in groups.items()
    ]
    path = tmp_path / "counts.csv"
    path.write_text("\n".join(["generator,label,split,images,width,height,format", *lines]))
    counted = plan_run(replace(request, data=f"counts:{path}"), quiet, dry=True)
    of_counts, of_images = workload(counted), workload(real)
    assert (of_counts.cells, len(of_counts.detectors)) == (of_images.cells, len(of_images.detectors))
    assert of_counts.recorded == times * of_images.recorded
    for name in ("decoded", "degraded"):
        more = {kind: amount.times(times) for kind, amount in getattr(of_images, name).items()}
        assert getattr(of_counts, name) == more
    for known, other in zip(of_counts.detectors.values(), of_images.detectors.values(), strict=True):
        assert known.fits == [times * size for size in other.fits]
        assert (known.prepared, known.scored, known.decided) == tuple(
            times * count for count in (other.prepared, other.scored, other.decided)
        )


def test_what_is_read_to_time_detectors_is_what_timing_reads(runner, quiet, monkeypatch):
    request = runner.request("degradation", ("colour", "checkerboard"), degradations=DEGRADATIONS)
    planned = plan_run(replace(request, timed=True), quiet)
    assert workload(plan_run(request, quiet)).timed == {}
    timed = workload(planned).timed
    monkeypatch.setattr(timing, "LEAST_SECONDS", 0.0)  # what is short is repeated as often as it takes
    run(planned, quiet)
    done = Done(monkeypatch)
    execute(planned, Store.at(request.out), quiet)
    assert sum(images(read.decoded) for read in timed.values()) == sum(done.decoded.values())
    steps = sum(images(read.degraded) for read in timed.values())
    assert steps == sum(count for name, count in done.degraded.items() if name != "none")


def test_a_detector_that_cannot_run_here_is_left_out_with_its_reason(runner, quiet, monkeypatch):
    planned = plan_run(runner.request("cross_generator", ("colour", "checkerboard")), quiet)
    whole = workload(planned)

    def unavailable(self, runtime):
        raise Unavailable("its weights are missing")

    recipe = planned.recipes["colour"]
    monkeypatch.setattr(type(recipe), "embedder", unavailable)
    part = workload(planned)
    assert part.left_out == {"colour": "its weights are missing"}
    assert (part.cells, part.fits) == (whole.cells // 2, whole.fits // 2)
    assert part.embedders == {}


def test_images_that_do_not_fit_into_memory_are_read_again_every_epoch(runner, quiet, monkeypatch):
    planned = plan_run(runner.request("cross_generator", ("resnet18",), train_on="even"), quiet)
    (whole,) = workload(planned).detectors.values()
    assert whole.epochs > 1
    assert images(workload(planned).refitting.decoded) == 0
    size = whole.fits[0]
    monkeypatch.setattr(workload_module, "SAMPLE_MEMORY", 3 * 40 * 40 * size // 2)  # of half of them
    read_again = workload(planned)
    assert images(read_again.fitting.decoded) == size
    assert images(read_again.refitting.decoded) == (whole.epochs - 1) * size // 2
