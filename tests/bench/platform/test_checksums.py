"""Checksums in a list beside the files: what changes is noticed, whatever a kill leaves."""

import pytest

from bench.platform.checksums import CHANGED, CHECKSUMS, EMPTY, ChecksumList


def write(checksums, name, text):
    checksums.write(name, lambda path: path.write_text(text))


@pytest.fixture
def checksums(tmp_path):
    checksums = ChecksumList.of(tmp_path)
    write(checksums, "a.csv", "old")
    write(checksums, "scores/b.csv", "text")
    return checksums


def test_what_changes_is_noticed(checksums):
    assert [checksums.fault(name) for name in ("a.csv", "scores/b.csv")] == ["", ""]
    (checksums.root / "a.csv").write_text("olf")
    (checksums.root / "scores" / "b.csv").write_text("")
    assert [checksums.fault(name) for name in ("a.csv", "scores/b.csv")] == [CHANGED, EMPTY]


def test_a_file_that_is_not_listed_has_no_fault(checksums):
    (checksums.root / "of others").write_text("text")
    assert checksums.fault("of others") == ""
    assert checksums.present() == ["a.csv", "scores/b.csv"]


def test_what_is_removed_need_not_be_there(checksums):
    checksums.remove("a.csv")
    checksums.remove("never there")
    assert checksums.present() == ["scores/b.csv"]
    write(checksums, "a.csv", "new")
    assert sorted(checksums.present()) == ["a.csv", "scores/b.csv"]


def test_a_kill_before_the_file_takes_its_place_leaves_the_old_one_whole(checksums):
    def die(path):
        path.write_text("new")
        checksums.add({"a.csv": "0" * 64})
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        checksums.write("a.csv", die)
    assert checksums.fault("a.csv") == ""
    assert sorted(path.name for path in checksums.root.iterdir()) == ["a.csv", CHECKSUMS, "scores"]


def test_a_line_that_is_cut_hides_no_other(checksums):
    with checksums.path.open("ab") as file:
        file.write(b'\n{"file": "c.csv", "sha2')
    write(checksums, "d.csv", "text")
    assert checksums.present() == ["a.csv", "scores/b.csv", "d.csv"]
    assert checksums.fault("d.csv") == ""


def test_a_folder_without_a_list_has_no_faults(tmp_path):
    (tmp_path / "a.csv").write_text("text")
    assert ChecksumList.of(tmp_path).fault("a.csv") == ""
    assert ChecksumList.of(tmp_path).present() == []
