"""A copy and its store are brought into step; whoever reads the store finds a whole run at every moment."""

import json

import pytest

from bench.platform.checksums import CHECKSUMS, ChecksumList
from bench.storage.object_store import ObjectStore, StoreFault
from bench.storage.result_copy import LAST, ResultCopy

STORE = ObjectStore("flaky://bucket/run")


def write(folder, **files):
    """Files of a result folder with their checksums; "__" in a name is a slash, and none has a suffix."""
    for name, text in files.items():
        path = name.replace("__", "/")
        ChecksumList.of(folder).write(
            LAST if path == "manifest" else path, lambda file, text=text: file.write_text(text)
        )


def contents(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_text()
        for path in folder.rglob("*")
        if path.is_file() and path.name != CHECKSUMS
    }


def copies(tmp_path):
    folders = tmp_path / "a", tmp_path / "b"
    for folder in folders:
        folder.mkdir()
    return [ResultCopy(folder, STORE) for folder in folders]


def test_what_one_machine_publishes_another_goes_on_with(flaky, tmp_path):
    one, other = copies(tmp_path)
    write(one.folder, scores__x="1", table="old", manifest="m")
    (one.folder / "live").mkdir()
    (one.folder / "live" / "progress.json").write_text("of this moment")
    (one.folder / ".lock").write_text("of this machine")
    one.publish(ended=True)
    assert other.fetch() == 3
    assert contents(other.folder) == {"scores/x": "1", "table": "old", LAST: "m"}
    write(other.folder, scores__y="2", table="new")
    ChecksumList.of(other.folder).remove("scores/x")
    other.publish(ended=True)
    one.fetch()
    assert {name: text for name, text in contents(one.folder).items() if name[0] not in ".l"} == {
        "scores/y": "2",
        "table": "new",
        LAST: "m",
    }
    assert not [name for name in ChecksumList.of(one.folder).present() if ChecksumList.of(one.folder).fault(name)]
    assert one.fetch() == 0


def test_what_is_here_alone_is_kept_and_published(flaky, tmp_path):
    one, other = copies(tmp_path)
    write(one.folder, table="theirs", manifest="theirs")
    one.publish(ended=True)
    write(other.folder, scores__mine="1", table="mine")
    other.fetch()
    assert contents(other.folder) == {"scores/mine": "1", "table": "theirs", LAST: "theirs"}
    other.publish()
    one.fetch()
    assert contents(one.folder)["scores/mine"] == "1"


def test_a_copy_for_reading_has_what_the_store_has_and_nothing_else(flaky, tmp_path):
    one, other = copies(tmp_path)
    write(one.folder, table="right", manifest="m")
    one.publish(ended=True)
    write(other.folder, table="wrong", gone="x")
    other.fetch(exact=True)
    assert contents(other.folder) == {"table": "right", LAST: "m"}


def test_at_every_moment_a_list_goes_before_its_files_and_the_manifest_is_last(flaky, tmp_path):
    one, _ = copies(tmp_path)
    write(one.folder, manifest="m", scores__x="1", deeper__table="2")
    write(one.folder / "deeper", table="3")
    one.publish()
    assert f"/bucket/run/{LAST}" not in flaky.called("pipe_file")
    write(one.folder, scores__y="2", scores__x="other")
    write(one.folder / "deeper", manifest="of a part")
    one.publish(ended=True)
    order = [path.removeprefix("/bucket/run/") for path in flaky.called("pipe_file")]
    assert order[-1] in {LAST, f"deeper/{LAST}"}
    assert {*order[-2:]} == {LAST, f"deeper/{LAST}"}
    seen = {}
    for name in order:  # what a reader would find after each object
        if name.endswith(CHECKSUMS):
            continue
        seen[name] = order.index(name)
        above = [f"{folder}{CHECKSUMS}" for folder in ("", "deeper/") if name.startswith(folder)]
        assert all(order.index(one) < seen[name] for one in above)


def test_a_file_on_the_store_is_always_as_some_line_of_the_list_there_says(flaky, tmp_path, monkeypatch):
    one, _ = copies(tmp_path)
    put, checked = type(flaky).pipe_file, []

    def put_and_check(system, path, value, **options):
        put(system, path, value, **options)
        lists = json_lines(system.store.get(f"/bucket/run/{CHECKSUMS}"))
        for name in ("a", "b"):
            if found := system.store.get(f"/bucket/run/{name}"):
                from hashlib import sha256

                assert sha256(found.getvalue()).hexdigest() in lists.get(name, ())
                checked.append(name)

    monkeypatch.setattr(type(flaky), "pipe_file", put_and_check)
    for content in ("first", "second", "third"):
        write(one.folder, a=content, b=content)
        one.publish()
    assert len(checked) > 6


def json_lines(file):
    found = {}
    for line in filter(None, file.getvalue().split(b"\n") if file else ()):
        entry = json.loads(line)
        found.setdefault(entry["file"], []).append(entry["sha256"])
    return found


def test_what_could_not_be_published_is_published_later(flaky, tmp_path):
    one, other = copies(tmp_path)
    write(one.folder, scores__x="1", scores__y="2")
    one.store = ObjectStore(STORE.url, pauses=())
    flaky.faults["pipe_file"] = [None, OSError("500")]
    with pytest.raises(StoreFault):
        one.publish()
    one.publish()
    other.fetch()
    assert contents(other.folder) == {"scores/x": "1", "scores/y": "2"}


def test_half_a_file_is_fetched_again(flaky, tmp_path):
    one, other = copies(tmp_path)
    write(one.folder, table="the whole")
    one.publish()
    lists = STORE.read(CHECKSUMS)
    flaky.faults["cat_file"] = [lists, b"the", OSError("500"), b"the wrong"]
    other.fetch()
    assert contents(other.folder) == {"table": "the whole"}


@pytest.mark.parametrize("name", ["../outside", "/outside", "a/../../outside", ".hidden"])
def test_a_store_cannot_reach_out_of_the_copy(flaky, tmp_path, name):
    one, _ = copies(tmp_path)
    outside = [tmp_path / "outside", one.folder / ".hidden"]
    for path in outside:
        path.write_text("mine")
    STORE.write(CHECKSUMS, b"\n" + json.dumps({"file": name, "sha256": ""}).encode())
    STORE.write(name, b"theirs")
    one.fetch()
    one.fetch(exact=True)
    assert [path.read_text() for path in outside] == ["mine", "mine"]
