"""A run is removed with all that Lineup wrote, and nothing that it did not."""

import pytest

from bench.platform.checksums import CHECKSUMS, ChecksumList
from bench.platform.errors import InputError
from bench.platform.locks import held
from bench.records.store import LOCK, SCORES, Store
from bench.records.sudden_ends import add_sudden_end
from bench.request.run_folders.labels import RunLabels, write_labels
from bench.request.run_folders.removal import removable_files, remove_runs
from tests.bench.records.test_store import stored
from tests.support.live_runs import begun_run
from tests.support.synthetic_runs import make_run

RUN = make_run(detectors=["alpha"], n=3)


@pytest.fixture
def folder(tmp_path):
    """A run with all that is in no list of checksums."""
    root = stored(tmp_path, RUN).root
    begun_run(RUN, root)
    write_labels(root, RunLabels("a"))
    add_sudden_end(root, ["a call"], "ended")
    scores = next((root / SCORES).iterdir())
    scores.rename(scores.with_name(scores.name + ".damaged"))
    ChecksumList.of(root).remove(f"{SCORES}/{scores.name}")
    (root / SCORES / ".a.parquet.0123abcd.partial").touch()
    (root / "tensorboard" / "a").mkdir(parents=True)
    (root / "tensorboard" / "a" / "events.out.tfevents.1").touch()
    return root


def test_all_that_was_written_goes_with_its_folder(folder):
    found = removable_files(folder)
    assert (found.foreign, found.runs) == ((), (folder,))
    assert found.own[-1].name in {"manifest.json", CHECKSUMS}
    assert found.bytes == sum(path.stat().st_size for path in found.own)
    remove_runs(found)
    assert not folder.exists()


def test_what_others_put_there_is_named_and_stays(folder, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "precious").write_text("mine")
    (folder / "linked").symlink_to(outside)
    ChecksumList.of(folder).add({"../outside/precious": "0" * 64, "linked/precious": "0" * 64})
    for name in ("notes.txt", "scores/mine.parquet", "live/mine.json", "tensorboard/notes.md"):
        (folder / name).write_text("mine")
    found = removable_files(folder)
    names = {path.relative_to(folder).as_posix() for path in found.foreign}
    assert names == {"notes.txt", "scores/mine.parquet", "live/mine.json", "tensorboard/notes.md"}
    remove_runs(found)
    left = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert left == names
    assert (outside / "precious").read_text() == "mine"


def test_a_run_that_goes_on_is_refused_whole(tmp_path):
    for name in ("a", "b"):
        stored(tmp_path / "many" / name, RUN)
    found = removable_files(tmp_path / "many")
    assert len(found.runs) == 2
    with held(found.runs[1] / LOCK), pytest.raises(InputError, match=r"a run goes on in .*many/b/run \(process"):
        remove_runs(found)
    assert all(Store(run).read() for run in found.runs)
    remove_runs(removable_files(tmp_path / "many"))
    assert not (tmp_path / "many").exists()


def test_what_is_no_result_folder_is_refused(tmp_path):
    (tmp_path / "a.txt").touch()
    with pytest.raises(InputError, match="holds no run, and nothing of it was removed"):
        removable_files(tmp_path)
    root = stored(tmp_path, RUN).root
    (root / CHECKSUMS).unlink()
    with pytest.raises(InputError, match="was written before checksums"):
        removable_files(root)
