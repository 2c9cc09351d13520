import re
import subprocess
from pathlib import Path

from bench.engine import versions


def git(folder, *arguments):
    name = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    subprocess.run(["git", "-C", str(folder), *name, *arguments], check=True, capture_output=True)  # noqa: S607 - whichever git there is


def test_the_commit_is_that_of_the_checkout_that_the_code_is_in(tmp_path, monkeypatch):
    package = tmp_path / "bench" / "engine"
    package.mkdir(parents=True)
    monkeypatch.setattr(versions, "__file__", str(package / "versions.py"))
    assert versions.commit() == "unknown"
    git(tmp_path, "init")
    git(tmp_path, "commit", "--allow-empty", "-m", "one")
    assert re.fullmatch(r"[0-9a-f]{40}", versions.commit())


def test_a_checkout_that_the_code_is_only_installed_in_is_not_its_own(tmp_path, monkeypatch):
    git(tmp_path, "init")
    git(tmp_path, "commit", "--allow-empty", "-m", "one")
    site = tmp_path / ".venv" / "site-packages" / "bench" / "engine"
    site.mkdir(parents=True)
    monkeypatch.setattr(versions, "__file__", str(site / "versions.py"))
    assert versions.commit() == "unknown"


def test_every_library_has_a_version():
    assert Path(versions.__file__).is_file()
    assert set(versions.versions()) == set(versions.LIBRARIES)
    assert versions.ABSENT not in versions.versions().values()
