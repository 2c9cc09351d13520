"""The options of a protocol on the command line and in a settings file, ours and a plug-in's alike."""

import subprocess
import sys
import tomllib
from dataclasses import dataclass, field, replace
from importlib import metadata
from pathlib import Path
from types import SimpleNamespace
from typing import Annotated, ClassVar, Literal

import pandas as pd
import pytest
from pydantic import Field
from typer.testing import CliRunner

import bench.command.main
import bench.command.run
from bench.interface.answers import write_settings
from bench.platform.errors import InputError
from bench.records import columns
from bench.request import protocol_catalogue
from bench.request.early_checks import base_chains
from detectors import catalogue
from protocols.api import EvaluationProtocol, MatrixLayout, option
from protocols.cross_generator import CrossGenerator
from protocols.degradation import DegradationMatrix
from tests.support.command_line import one_line


@dataclass(frozen=True)
class EveryType(EvaluationProtocol):
    """Options of every type."""

    sizes: tuple[int, ...] = option((1, 2), "Several numbers.")
    share: float = option(0.5, "A share.")
    count: int = option(3, "A count.")
    title_line: str = option("plain", "A text.")
    shuffled: bool = option(default=True, about="Whether to shuffle.")
    level: Literal["low", "high"] = option("low", "One of two.")
    side: Literal[224, 384] = option(224, "One of two numbers.")
    most: int | None = option(None, "A number or nothing.")
    least: int | None = option(7, "A number, or nothing where it is empty.")
    steps: tuple[float, ...] | None = option(None, "Several, or nothing.")
    names: list[str] = field(default_factory=lambda: ["a"])
    bounded: Annotated[int, Field(ge=1)] = option(1, "From 1.")

    name: ClassVar[str] = "every_type"
    title: ClassVar[str] = "Every type: none is special"
    view: ClassVar[MatrixLayout] = MatrixLayout(rows="train", columns="test")

    def cells(self, scope):
        return []


@dataclass(frozen=True)
class Clashing(EveryType):
    data: str = option("", "Called as an option of the command is.")


@dataclass(frozen=True)
class ClashingNegation(EveryType):
    no_shuffled: int = option(1, "Spelled as the negation of a flag of its own.")


@dataclass(frozen=True)
class Helping(EveryType):
    help: str = option("", "Spelled like --help.")


@dataclass(frozen=True)
class Demanding(EvaluationProtocol):
    must: int
    name: ClassVar[str] = "demanding"
    title: ClassVar[str] = "Demanding: one option has no default"
    view: ClassVar[MatrixLayout] = MatrixLayout(rows="train", columns="test")

    def __post_init__(self):
        if self.must == 13:
            raise ValueError("13 brings bad luck; give 12")

    def cells(self, scope):
        return []


class Undecorated(EveryType):
    further: int = option(1, "Would be no option, without a word.")


INSTALLED = {
    "undecorated": "Undecorated",
    "every_type": "EveryType",
    "clashing": "Clashing",
    "clashing_negation": "ClashingNegation",
    "helping": "Helping",
    "demanding": "Demanding",
    "no_protocol": "one_line",
}


@pytest.fixture
def run(monkeypatch):
    """Run the command line up to the request. The value is the request, or the error."""
    real, requests = metadata.entry_points, []
    mine = [
        metadata.EntryPoint(name, f"{__name__}:{value}", protocol_catalogue.GROUP) for name, value in INSTALLED.items()
    ]
    monkeypatch.setattr(
        catalogue,
        "entry_points",
        lambda group: metadata.EntryPoints([*real(group=group), *(mine if group == protocol_catalogue.GROUP else [])]),
    )
    monkeypatch.setattr("bench.request.early_checks.check_request", lambda request: None)  # names here are made up
    monkeypatch.setattr(bench.command.run, "answer", lambda checked, *_, **__: requests.extend(checked.requests) or [])

    def invoke(*arguments):
        requests.clear()  # else a command that stops before its request would give that of the one before
        done = CliRunner().invoke(bench.command.main.app, ["run", *map(str, arguments)])
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            return done.exception
        return requests[0] if done.exit_code == 0 and requests else done

    return invoke


def test_options_reach_the_protocol(run):
    request = run("--protocol", "degradation", "--degradations", "jpeg:65, lr:112+blur:1", "--train-on", "a,b")
    assert request.protocol == DegradationMatrix(degradations=("jpeg:65", "lr:112+blur:1"), train_on=("a", "b"))
    assert request.out == Path("results/runs/degradation-train_on=a,b-degradations=jpeg_65,lr_112+blur_1")
    assert run("--protocol", "degradation").out == Path("results/runs/degradation")
    assert run("--test-all", "--protocol=degradation").protocol == DegradationMatrix(test_all=True)


def test_without_options_every_default_holds(run):
    assert run().protocol == CrossGenerator()
    assert run("--protocol", "every_type").protocol == EveryType()


def test_every_type_is_read_from_the_command_line(run):
    request = run(
        "--protocol", "every_type", "--sizes", "5,-6", "--share", "0.25", "--count", "-4", "--title-line", "--x,y",
        "--no-shuffled", "--level", "high", "--side", "384", "--most", "9", "--least", "", "--steps", "1,2.5",
        "--names", "b,c", "--bounded", "2",
    )  # fmt: skip
    assert request.protocol == EveryType(
        sizes=(5, -6), share=0.25, count=-4, title_line="--x,y", shuffled=False, level="high", side=384, most=9,
        least=None, steps=(1.0, 2.5), names=["b", "c"], bounded=2,
    )  # fmt: skip
    assert run("--protocol", "every_type", "--sizes", "").protocol.sizes == ()


def test_every_type_is_read_from_a_settings_file_and_the_command_line_wins(run, settings_file):
    path = settings_file(
        'protocol = "every_type"\nsizes = [5, 6]\nshare = 1\ntitle-line = "x"\nshuffled = false\nlevel = "high"\n'
        'side = 384\nleast = ""\nsteps = [1, 2.5]\nnames = ["a,b"]\ncount = 8\nseeds = 2\ndetectors = ["a", "b"]\n'
    )
    request = run("--settings", path, "--count", "9", "--no-baselines")
    assert request.protocol == EveryType(
        sizes=(5, 6), share=1.0, count=9, title_line="x", shuffled=False, level="high", side=384, least=None,
        steps=(1.0, 2.5), names=["a,b"],
    )  # fmt: skip
    assert request.seeds == (0, 1)
    assert request.detectors == ("a", "b")
    assert run("--settings", path, "--shuffled").protocol.shuffled is True


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("every_type", "--sizes", "1,x"), "option sizes cannot be ('1', 'x') ('x': Input should be a valid integer"),
        (("every_type", "--share", "half"), "protocol every_type: option share cannot be 'half' (Input should be"),
        (("every_type", "--count", "1.5"), "option count cannot be '1.5' ("),
        (("every_type", "--level", "middle"), "option level cannot be 'middle' (Input should be 'low' or 'high')"),
        (("every_type", "--side", "225"), "option side cannot be '225' (Input should be 224 or 384)"),
        (("every_type", "--bounded", "0"), "option bounded cannot be '0' (Input should be greater than or equal to 1)"),
        (
            ("cross_generator", "--degradations", "jpeg:65"),
            "option '--degradations' is one of the protocol bias and of degradation and of released; cross_generator",
        ),
        (
            ("cross_generator", "--degradations=jpeg:65"),
            "option '--degradations' is one of the protocol bias and of degradation",
        ),
        (
            ("degradation", "--train-onn", "a"),
            "did you mean --train-on? (of its own, the protocol degradation takes --train-on, --degradations, --test",
        ),
        (("cross_generator", "--detector", "a"), "option '--detector' is not known; did you mean --detectors?"),
        (("degradatio",), "no protocol is named 'degradatio'. Did you mean degradation? Installed:"),
        (("degradatio", "--help"), "no protocol is named 'degradatio'. Did you mean degradation? Installed:"),
        (
            ("clashing",),
            "its option data and data of lineup run are both spelled --data; rename the field of Clashing",
        ),
        (("helping",), "its option help and help of lineup run are both spelled --help"),
        (("clashing_negation",), "its option no_shuffled and shuffled of its own are both spelled --no-shuffled"),
        (("demanding",), "protocol demanding has no default for must; give --must"),
        (("demanding", "--must", "13"), "protocol demanding: 13 brings bad luck; give 12"),
        (("undecorated",), "a protocol is a frozen dataclass below protocols.api.EvaluationProtocol"),
        (("no_protocol",), "a protocol is a frozen dataclass below protocols.api.EvaluationProtocol"),
    ],
)
def test_what_a_protocol_does_not_take_is_one_clear_line(run, arguments, words):
    error = run("--protocol", *arguments)
    assert isinstance(error, InputError | catalogue.UnknownName)
    assert words in str(error)
    assert "\n" not in str(error)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("train_onn = []", "run.toml: option 'train_onn' is not known; did you mean train_on?"),
        ('protocol = "every_type"\nsizes = [1, "x"]', "option sizes cannot be [1, 'x'] ('x': Input should be a valid"),
        ('protocol = "every_type"\nsizes = 5', "option sizes cannot be 5 (Input should be a valid tuple)"),
        ('protocol = "every_type"\ncount = true', "option count cannot be True (Input should be a valid integer)"),
        (
            'degradations = ["blur:1"]',
            "option 'degradations' is one of the protocol bias and of degradation and of released; cross_generator",
        ),
        ('protocol = "cros"', "no protocol is named 'cros'"),
        ('settings = "other.toml"', "option 'settings' is not known"),
    ],
)
def test_what_a_settings_file_cannot_say_is_one_clear_line(run, settings_file, text, words):
    error = run("--settings", settings_file(text))
    assert isinstance(error, InputError | catalogue.UnknownName)
    assert words in str(error)
    assert "\n" not in str(error)


def test_the_command_line_chooses_the_protocol_before_the_file(run, settings_file):
    path = settings_file('protocol = "degradation"\ntest_all = true\n')
    assert run("--settings", path).protocol == DegradationMatrix(test_all=True)
    assert "cross_generator takes train_on" in str(run("--settings", path, "--protocol", "cross_generator"))


def test_the_help_shows_the_options_of_the_protocol_in_a_group_of_their_own(run, settings_file, monkeypatch):
    monkeypatch.setenv("COLUMNS", "140")
    path = settings_file('protocol = "every_type"\n')
    for arguments in (("--protocol", "every_type", "--help"), ("--settings", path, "--help")):
        shown = " ".join(run(*arguments).output.split())
        before, _, group = shown.partition("Options of the protocol every_type")
        assert "--detectors" in before
        assert "--sizes" not in before
        for words in (
            "--sizes <int,...>", "Several numbers. [default: 1,2]", "--share <float>", "[default: 0.5]",
            "--shuffled --no-shuffled", "[default: shuffled]", "--level <low|high>", "[default: low]",
            "--side <224|384>", "--most <int>", "A number, or nothing where it is empty. [default: 7]",
        ):  # fmt: skip
            assert words in group
    assert "Options of the protocol cross_generator" in run("--help").output


@pytest.fixture
def folder(monkeypatch, tmp_path):
    """Answers nothing, and writes the files of a result folder into one."""
    out = tmp_path / "out"
    out.mkdir()
    store = SimpleNamespace(write=lambda name, data: (out / name).write_bytes(data))
    monkeypatch.setitem(sys.modules, "bench.records.store", SimpleNamespace(Store=SimpleNamespace(at=lambda _: store)))
    return out


@pytest.mark.parametrize(
    "arguments",
    [
        ("--protocol", "degradation", "--degradations", "jpeg:65,blur:1", "--test-all", "--train-on", "a,b"),
        (
            "--protocol",
            "cross_generator",
            "--detectors",
            "a,b",
            "--seed",
            "0,2",
            "--limit",
            "3",
            "--data",
            'ü "😀"\\\x7f',
        ),
        (
            "--protocol",
            "every_type",
            "--share",
            "inf",
            "--least",
            "",
            "--no-shuffled",
            "--side",
            "384",
            "--steps",
            "1e99",
        ),
        ("--protocol", "every_type", "--names", "a,b", "--title-line", 'a "quoted" \\ text', "--sizes", ""),
    ],
)
def test_the_written_settings_give_the_same_again(run, folder, monkeypatch, arguments):
    requests = []

    def answered(checked, *_, **__):
        requests.extend(checked.requests)
        write_settings(checked)
        return []

    monkeypatch.setattr(bench.command.run, "answer", answered)
    run(*arguments)
    written = (folder / "settings.toml").read_bytes()
    run("--settings", folder / "settings.toml")
    first, again = requests
    out, data = (str(Path(one).absolute()) for one in (first.out, first.data))  # paths hold in any folder
    data = first.data if first.data == "embedded" else data
    assert again == replace(first, out=Path(out), data=data)
    assert (folder / "settings.toml").read_bytes() == written
    assert set(tomllib.loads(written.decode())) >= {
        "protocol",
        "data",
        *protocol_catalogue.option_types(type(first.protocol)),
    }


def test_a_failed_cell_is_exit_code_1(run, folder, monkeypatch):
    for status, code in (("scored", 0), ("skipped", 0), ("failed", 1)):
        cells = pd.DataFrame({columns.STATUS: ["scored", status]})
        monkeypatch.setattr(bench.command.run, "answer", lambda *_, cells=cells, **__: [SimpleNamespace(cells=cells)])
        assert CliRunner().invoke(bench.command.main.app, ["run"]).exit_code == code


def test_several_base_degradations_go_into_folders_of_their_own(run, tmp_path):
    request = run("--out", tmp_path, "--base-degradation", "canonical:jpeg96")
    assert request.base_degradation == "canonical:jpeg96"
    assert request.out == tmp_path
    assert [one.out.name for one in request.under(["none", "canonical:jpeg96"])] == ["none", "canonical-jpeg96"]
    for chains, words in ((["fog:3"], "is not known"), ([], "no base degradation was named")):
        with pytest.raises(InputError, match=words):
            base_chains(chains)


def test_a_refused_option_is_exit_code_2(lineup, lineup_process):
    assert "is one of the protocol bias and of degradation" in one_line(
        lineup_process("run", "--degradations", "jpeg:65")
    )
    assert "option shares cannot be" in one_line(lineup("run", "--protocol", "training_share", "--shares", "many"))


@pytest.mark.parametrize("arguments", [["run", "--protocol", "degradation", "--help"], ["show", "degradation"]])
def test_neither_help_nor_show_imports_torch(arguments):
    code = f"""
import sys
sys.argv = ["lineup", *{arguments!r}]
from bench.command.main import main
try:
    main()
except SystemExit as stopped:
    assert not stopped.code
sys.exit("torch" in sys.modules or "pandas" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "--test-all" in done.stdout


def test_a_plugin_protocol_runs_with_its_options(lineup, data, tmp_path):
    out = tmp_path / "out"
    done = lineup(
        "run", "--protocol", "training_share", "--shares", "0.25,0.5", "--train-on", "even", "--data", data,
        "--detectors", "checkerboard", "--out", out,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    cells = pd.read_parquet(out / "cells.parquet")
    assert cells[columns.TRAIN].tolist() == ["even", "even"]
    assert cells["train_size"].astype(int).tolist() == [2, 4]
    asked = ("run", "--protocol", "training_share", "--data", data, "--detectors", "checkerboard", "--out", out)
    assert "training shares 2.0 are not all above 0" in one_line(lineup(*asked, "--shares", "2"))
