"""A result folder is whole, or what is not is named."""

import shutil
from pathlib import Path

import pytest

from bench.platform.checksums import CHECKSUMS
from bench.platform.errors import InputError
from bench.records.folder_check import check_folder
from bench.records.store import THROUGHPUT, TRAINING, Store
from bench.records.timings import TIMINGS, RunTimings
from tests.bench.records.test_store import stored
from tests.support.synthetic_runs import make_run

EPOCHS = b"fit,detector,train,seed,epoch,train_loss\n0ac5bf97991c,alpha,fog,0,0,0.5\n"


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    run = make_run(detectors=["alpha"], n=3)
    store = stored(tmp_path_factory.mktemp("whole"), run)
    store.write(THROUGHPUT, run.throughput.to_csv(index=False).encode())
    store.write(TRAINING, EPOCHS)
    store.write(TIMINGS, RunTimings(3.0, 2, 5).to_json())
    store.write("leaderboard.md", b"text")
    return store.root


@pytest.fixture
def folder(written, tmp_path):
    return shutil.copytree(written, tmp_path / "run")


def flip(path, place):
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)


def test_a_whole_folder_says_how_many_files_it_holds(folder):
    found = check_folder(folder)
    assert (found.faults, list(found.notices())) == ((), [])
    files = [path for path in folder.rglob("*") if path.is_file() and path.name != CHECKSUMS]
    assert found.verdict() == f"{folder}: all {len(files)} files with a checksum are whole"


def test_every_file_that_changed_is_named(folder):
    scores = next((folder / "scores").iterdir())
    for path in [scores, *(path for path in folder.iterdir() if path.is_file() and path.name != CHECKSUMS)]:
        before = path.read_bytes()
        flip(path, len(before) // 2)
        (line,) = check_folder(folder).faults
        assert line.startswith(f"{path} is damaged")
        path.write_bytes(before)


def test_what_is_gone_is_named(folder):
    (folder / "leaderboard.md").unlink()
    assert check_folder(folder).faults == (f"{folder / 'leaderboard.md'} is gone",)


def test_files_of_others_are_named_and_no_fault(folder):
    (folder / "notes.txt").write_text("mine")
    (folder / "live").mkdir()
    (folder / "live" / "plan.json").write_text("{}")
    found = check_folder(folder)
    assert found.faults == ()
    assert list(found.notices()) == [
        f"1 files have no checksum and are left alone: {folder / 'notes.txt'}",
    ]


def test_a_folder_of_before_checksums_is_read_and_told(folder):
    (folder / CHECKSUMS).unlink()
    found = check_folder(folder)
    assert found.faults == ()
    assert list(found.notices()) == [
        f"{folder} was written before checksums: {len(found.older)} files cannot be checked"
    ]
    (folder / TIMINGS).write_text("{")
    assert "timings.json is damaged" in check_folder(folder).faults[0]


def test_runs_below_a_folder_are_checked_together(folder):
    shutil.copytree(folder, folder.parent / "other")
    flip(folder.parent / "other" / "leaderboard.md", 0)
    (line,) = check_folder(folder.parent).faults
    assert "other" in line


def test_what_holds_no_run_is_refused(tmp_path):
    with pytest.raises(InputError, match="holds no run"):
        check_folder(tmp_path)


SHIPPED = Path(__file__).parents[3] / "results" / "example"


@pytest.mark.parametrize("run", ["cross_generator", "degradation"])
def test_the_examples_that_ship_are_read(run):
    found = check_folder(SHIPPED / run)
    assert found.faults == ()
    assert found.older


CUT = {THROUGHPUT: "throughput", TRAINING: "training"}


@pytest.mark.parametrize("name", CUT)
@pytest.mark.parametrize(
    "content", [b"", b"detector\n", b"\xff\xfe", b'detector,"', b"fit,detector,epoch,seed,train\na"]
)
@pytest.mark.parametrize("listed", [True, False])
def test_a_damaged_table_is_one_line(folder, name, content, listed):
    (folder / name).write_bytes(content)
    if not listed:
        (folder / CHECKSUMS).unlink()
    with pytest.raises(InputError, match=f"{name} is damaged .*; run the same command again"):
        getattr(Store(folder), CUT[name])()


def test_a_run_sets_aside_what_is_damaged_and_keeps_what_is_whole(folder):
    (scores, *_), keys = sorted((folder / "scores").iterdir()), Store(folder).recorded()
    flip(scores, 40)
    flip(folder / THROUGHPUT, 3)
    lines = list(Store(folder).set_aside_damaged())
    assert [line.split(" is damaged")[0] for line in lines] == [str(folder / THROUGHPUT), str(scores)]
    assert scores.with_name(f"{scores.name}.damaged").is_file()
    assert 0 < len(keys - Store(folder).recorded()) < len(keys)
    assert Store(folder).throughput().empty
    assert not [line for line in check_folder(folder).faults if THROUGHPUT in line or str(scores) in line]


def test_the_remedy_is_a_command_where_the_settings_are_there(folder):
    Store(folder).write("settings.toml", b"limit = 3\n")
    flip(folder / "manifest.json", 100)
    with pytest.raises(InputError) as told:
        Store(folder).read()
    command = f"lineup run --settings {folder / 'settings.toml'} --out {folder}"
    assert (
        str(told.value) == f"{folder / 'manifest.json'} is damaged (its checksum is another); make it anew: {command}"
    )
