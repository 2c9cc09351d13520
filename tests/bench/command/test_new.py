"""`lineup new`: what it writes runs, and nothing is written over."""

from tests.support.command_line import one_line


def test_the_protocol_that_is_written_is_a_protocol_and_is_run_from_anywhere(lineup, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = lineup("new", "protocol", "mine.toml")
    assert done.stdout == "Written: mine.toml. Run it with: lineup run --protocol mine.toml\n"
    asked = ("run", "--protocol", "mine.toml", "--detectors", "hog_svm", "--out", "out", "--dry-run")
    dry = lineup(*asked)
    assert dry.returncode == 0, dry.stderr
    assert "Compression: train on images as they are or compressed" in dry.stderr
    (tmp_path / "settings.toml").write_text('protocol = "mine.toml"\ndetectors = ["hog_svm"]\n')
    (tmp_path / "away").mkdir()
    monkeypatch.chdir(tmp_path / "away")
    from_away = lineup("run", "--settings", "../settings.toml", "--out", "out", "--dry-run")
    assert from_away.returncode == 0, from_away.stderr


def test_nothing_is_written_over_and_the_suffix_is_asked_for(lineup, tmp_path):
    (tmp_path / "mine.toml").write_text("kept")
    assert "is there already; choose another name" in one_line(lineup("new", "protocol", tmp_path / "mine.toml"))
    assert (tmp_path / "mine.toml").read_text() == "kept"
    assert "does not end in .toml; call it mine.txt.toml" in one_line(lineup("new", "protocol", tmp_path / "mine.txt"))


def test_a_file_that_is_no_protocol_is_one_line(lineup, tmp_path):
    (tmp_path / "mine.toml").write_text("title = 1")
    said = one_line(lineup("run", "--protocol", tmp_path / "mine.toml", "--dry-run"))
    assert "title: input should be a valid string, found 1" in said
