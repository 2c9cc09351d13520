"""Every field of a cell is answered, and what only a fault of the protocol explains is one clear line."""

import io
import signal
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import pytest
from lineup_checkerboard import Checkerboard, CheckerboardDetector
from lineup_training_share import TrainingShare
from rich.console import Console
from safetensors.numpy import save_file

import bench.engine.cache
from bench.evaluation.cells import cells_table, matrix
from bench.platform.errors import InputError
from bench.platform.progress import Reporter
from bench.records import columns
from bench.report.page.repeat import command
from bench.request.announcement import announce_run
from bench.request.planned_run import plan_run
from bench.request.run_record import manifest_of
from bench.request.run_request import RunRequest
from detectors.api import Card, Runtime
from detectors.weight_file import hashed_file
from detectors.weights.reading import read
from protocols.api import AXES, Axis, Cell, EvaluationProtocol, MatrixLayout, Scope, Subset, grouped
from tests.support.miniature import SIZES, Bench, NearestMeanRecipe
from tests.support.multiclass import NearestClassRecipe
from tests.support.protocol_runs import ProtocolRunner

TRAIN, TEST = Subset(("even",), "train"), Subset(("even",), "val")


def test_a_run_says_what_torch_degrades_on_its_device_and_what_the_processor(miniature, tmp_path):
    asked = ProtocolRunner(miniature, tmp_path).request(
        "degradation", detectors=("checkerboard",), degradations="jpeg:65,lr:20+blur:1"
    )
    asked = replace(asked, degrade_on="device", base_degradation="blur:2")
    said = io.StringIO()
    reporter = Reporter(Console(file=said, width=500))
    planned = plan_run(asked, reporter)
    announce_run(planned, reporter)
    assert "Degraded by torch on cpu: lr, blur; by Pillow, OpenCV and NumPy: blur, jpeg\n" in said.getvalue()
    assert {item.degrading_device for item in planned.planned} == {"cpu"}
    manifest = manifest_of(planned)
    by_torch = dict.fromkeys(("lr", "blur:1"), "1[torch on cpu]")
    assert manifest.degradations == {"blur": "1", "jpeg": "1", **by_torch}
    assert "--degrade-on device" in command(manifest)
    assert manifest.runtime.degrade_on == "device"
    assert manifest.runtime.conditions == "cpu, float32, degraded by torch"
    on_nodes = replace(planned, request=replace(asked, cluster="local:2"), runtime=Runtime("cuda:1"))
    assert on_nodes.degrading_device == "cuda"  # a node sees the card alone that it was given


def test_a_run_of_which_torch_degrades_nothing_is_that_of_the_processor(miniature, tmp_path):
    asked = ProtocolRunner(miniature, tmp_path).request(
        "degradation", detectors=("checkerboard",), degradations="jpeg:65"
    )
    by_device = manifest_of(plan_run(replace(asked, degrade_on="device"), Reporter(Console(file=io.StringIO()))))
    assert by_device.runtime == manifest_of(plan_run(asked, Reporter(Console(file=io.StringIO())))).runtime
    assert by_device.runtime.conditions == "cpu, float32"


def test_which_generator_is_a_task_for_those_who_can_say(make_bench):
    bench = make_bench(recipes=[NearestClassRecipe("small"), Checkerboard("small")])
    train = Subset(("even", "odd"), "train")
    tests = [Subset((name,), "val") for name in ("odd", "faint")]
    cells = [Cell(name, train, test, task="generator") for name in bench.recipes for test in tests]
    run = bench.stored_run(planned=bench.planned(cells))
    by_detector = run.cells.set_index(columns.DETECTOR)
    assert set(by_detector.loc["checkerboard", columns.STATUS]) == {"skipped"}
    assert "does not say which generator made an image" in by_detector.loc["checkerboard", columns.REASON].iloc[0]
    assert set(run.diagnostics[columns.GENERATOR]) == {"", "odd", "faint"}
    table = cells_table(run)
    reached = table[table[columns.DETECTOR] == "nearest_class"].set_index(columns.TEST)[columns.ACCURACY]
    assert reached["odd"] == 1
    assert reached["faint"] <= 0.5  # no detector can name a generator that it has never seen
    told = run.diagnostics.set_index([columns.KEY, columns.NAME]).loc[run.cells[columns.KEY].iloc[1]]
    assert reached["faint"] == pytest.approx((told[columns.GENERATOR] == told[columns.PREDICTED]).mean())


@dataclass(frozen=True)
class Published(Checkerboard):
    card: ClassVar[Card] = replace(Checkerboard.card, name="published")

    def load(self, weights, runtime):
        tensors = read(hashed_file(weights), None)
        return CheckerboardDetector(float(tensors["cut"]), 4.0)


def test_a_checkpoint_stands_in_place_of_a_fit_and_in_the_key_by_its_content(make_bench, tmp_path):
    bench = make_bench(recipes=[Published("small")])
    weights = tmp_path / "cut.safetensors"
    save_file({"cut": np.array(4.0, np.float32)}, weights)
    cell = Cell("published", None, TEST, checkpoint=str(weights))
    (item,) = bench.planned([cell])
    _, outcomes = bench.run([item])
    assert outcomes[item.key].status == "scored"
    save_file({"cut": np.array(9.0, np.float32)}, weights)
    (changed,) = bench.planned([cell])
    assert changed.key != item.key
    bench.run([changed])
    before, after = (bench.scores([one])[cell] for one in (item, changed))
    assert len(before) == len(after) == 2 * SIZES["val"]
    assert all(after[name] < score for name, score in before.items())  # the cut is higher
    (absent,) = bench.planned([replace(cell, checkpoint=str(tmp_path / "none.pth"))])
    _, outcomes = bench.run([absent])
    assert outcomes[absent.key].status == "skipped"
    assert AXES["train"].value(cell) == ""
    with pytest.raises(ValueError, match="a train subset or a checkpoint, and not both"):
        Cell("published", TRAIN, TEST, checkpoint="x")


def test_training_images_are_degraded_too(make_bench):
    bench = make_bench()
    cells = [
        Cell(name, replace(TRAIN, degradation=step), TEST) for name in bench.recipes for step in ("none", "blur:3")
    ]
    planned = bench.planned(cells)
    bench.run(planned)
    scores = bench.scores(planned)
    for clean, blurred in (cells[:2], cells[2:]):
        assert scores[clean] != scores[blurred]


def test_smaller_train_sets_are_parts_of_larger_ones(make_bench):
    bench = make_bench()
    bench.planned([])
    small, large = ({*bench.selections[replace(TRAIN, size=size)].images.names} for size in (2, 5))
    assert len(small) == 4
    assert len(large) == 10
    assert small < large
    assert bench.inspections[""].images.largest_size(TRAIN) == SIZES["train"]
    with pytest.raises(InputError, match=r"has 8 real images in its train split, 9 are asked for"):
        bench.selections[replace(TRAIN, size=9)]


def training_shares(bench):
    images = bench.inspections[""].images
    return TrainingShare().cells(Scope(images, tuple(bench.recipes)))


@pytest.fixture(scope="module")
def undisturbed(miniature, tmp_path_factory):
    """The cells of a plug-in's protocol, and the scores of a run that nothing stopped."""
    recipes = {one.card.name: one for one in (NearestMeanRecipe("small"), Checkerboard("small"))}
    bench = Bench(miniature, tmp_path_factory.mktemp("undisturbed"), recipes)
    bench.planned([])
    planned = bench.planned(training_shares(bench))
    bench.run(planned)
    return planned, bench.scores(planned)


@pytest.mark.parametrize(
    "after",
    [after if after in {1, 4, 7, 11} else pytest.param(after, marks=pytest.mark.slow) for after in range(1, 12)],
)
def test_a_plug_ins_protocol_survives_a_kill(undisturbed, make_bench, monkeypatch, after):
    planned, expected = undisturbed
    killed = make_bench()
    killed.planned([])
    killed.planned(training_shares(killed))
    writes = []

    def dying(path, write, real=bench.platform.files.write_atomically):
        writes.append(path)
        if len(writes) == after:
            signal.raise_signal(signal.SIGINT)
        real(path, write)

    with monkeypatch.context() as patch:
        patch.setattr("bench.platform.seals.write_atomically", dying)
        patch.setattr("bench.platform.checksums.write_atomically", dying)
        with pytest.raises(KeyboardInterrupt):
            killed.run(planned)
    killed.run(planned)
    assert killed.scores(planned) == expected


@dataclass(frozen=True)
class Asking(EvaluationProtocol):
    """A protocol of the tests: one cell for each detector, or what a test says."""

    name: ClassVar[str] = "asking"
    title: ClassVar[str] = "Asking"
    view: ClassVar[MatrixLayout] = MatrixLayout("train", "test")
    said: ClassVar = staticmethod(lambda cells: cells)
    shares: ClassVar = staticmethod(lambda cells: [])

    def cells(self, scope):
        return self.said([Cell(name, TRAIN, TEST) for name in scope.detectors])

    def groups(self, cells, scope):
        return self.shares(cells)


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ({"view": MatrixLayout("train", "weather")}, r"lays its answers out by what is no axis \(weather\)"),
        ({"said": staticmethod(lambda cells: cells * 2)}, "asks the same question twice"),
        (
            {"shares": staticmethod(lambda cells: [grouped("all cells", cells)])},
            r"has several averages of one name \(all cells\)",
        ),
        (
            {"shares": staticmethod(lambda cells: [grouped("a", cells), grouped("a", cells)])},
            r"has several averages of one name \(a\)",
        ),
        (
            {"shares": staticmethod(lambda cells: [grouped("a", cells, "home"), grouped("b", cells, "home")])},
            r"has several averages of one role \(home\)",
        ),
        (
            {"shares": staticmethod(lambda cells: [grouped("a", [replace(cells[0], seed=9)])])},
            r"averages cells that it does not ask for \(a\)",
        ),
        ({"axes": {"score": Axis(lambda cell: 1)}}, ""),
        ({"axes": {"accuracy": Axis(lambda cell: 1)}}, r"has axes of its own under names of columns \(accuracy\)"),
        ({"said": staticmethod(lambda cells: [])}, "leaves nothing to ask"),
        ({"said": staticmethod(lambda cells: cells[0].seed.near)}, "breaks with AttributeError"),
        ({"axes": {"near": Axis(lambda cell: cell.near)}}, "breaks with AttributeError"),
        (
            {"said": staticmethod(lambda cells: [replace(cells[0], detector="colur")])},
            r"asks detectors that it was not given \(colur\)",
        ),
        (
            {"said": staticmethod(lambda cells: [replace(cells[0], test=replace(TEST, data="elsewhere"))])},
            r"reads data sets that it did not ask for \(elsewhere\)",
        ),
        (
            {"shares": staticmethod(lambda cells: [grouped("a", cells, "near")])},
            r"has averages of roles that there are not \(near\)",
        ),
        (
            {"said": staticmethod(lambda cells: [replace(cells[0], options=(("sigmaa", 1),))])},
            "hog_svm cannot have the options",
        ),
    ],
)
def test_a_fault_of_a_protocol_is_one_clear_line(make_bench, quiet, tmp_path, fault, said):
    bench = make_bench()
    protocol = type("Faulty", (Asking,), fault)()
    request = RunRequest(
        protocol, str(bench.folder), ("hog_svm",), "small", "cpu", "float32", tmp_path, None, (0,), 5, 1, tmp_path
    )
    if not said:
        assert plan_run(request, quiet).planned
        return
    with pytest.raises(InputError, match=said) as raised:
        plan_run(request, quiet)
    assert "\n" not in str(raised.value)


def test_the_largest_image_that_is_read_is_what_the_request_says(make_bench, quiet, tmp_path):
    bench = make_bench()
    request = RunRequest(
        Asking(), str(bench.folder), ("hog_svm",), "small", "cpu", "float32", tmp_path, None, (0,), 5, 1, tmp_path
    )
    assert plan_run(request, quiet).planned
    with pytest.raises(InputError, match="pixels are more than the 100 that are read"):
        plan_run(replace(request, max_pixels=100), quiet)


def test_an_axis_of_a_protocols_own_lays_answers_out(make_bench):
    bench = make_bench()
    run = bench.stored_run(planned=bench.planned(Cell("checkerboard", TRAIN, TEST, seed) for seed in (0, 1)))
    record = replace(run.manifest.protocol, rows=replace(run.manifest.protocol.rows, name="parity"), axes=("parity",))
    table = cells_table(replace(run, cells=run.cells.assign(parity=run.cells[columns.SEED] % 2)))
    assert matrix(table, "checkerboard", record).index.tolist() == [0, 1]
