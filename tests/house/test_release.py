"""The version stands in one way in every place, and a tag is that version."""

import re
import shutil
import subprocess
import tomllib
from datetime import date
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
VERSION = PROJECT["version"]
KINDS = {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}  # of Keep a Changelog


def faults_of_tags(tags, version, changelog):
    """What is wrong with the tags of a commit, one line each."""
    for tag in tags:
        if tag != f"v{version}":
            yield f"the tag {tag} is not v{version}, the version in pyproject.toml; move the tag or raise the version"
        elif not re.search(rf"^## \[{re.escape(version)}\] - \d{{4}}-\d\d-\d\d$", changelog, re.MULTILINE):
            yield f"CHANGELOG.md says no day behind {version}; write it before the tag"


def test_a_tag_of_this_commit_is_the_version():
    asked = [shutil.which("git") or "git", "tag", "--points-at", "HEAD"]
    tags = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=False).stdout.split()
    assert list(faults_of_tags(tags, VERSION, (ROOT / "CHANGELOG.md").read_text())) == []


@pytest.mark.parametrize(
    ("tags", "changelog", "words"),
    [
        ([], "", []),
        (["v1.2.0"], "## [1.2.0] - 2027-01-31\n", []),
        (["v1.2.1"], "## [1.2.0] - 2027-01-31\n", ["is not v1.2.0"]),
        (["1.2.0"], "## [1.2.0] - 2027-01-31\n", ["is not v1.2.0"]),
        (["v1.2.0"], "## [1.2.0] - Unreleased\n", ["no day"]),
    ],
)
def test_a_wrong_tag_is_refused(tags, changelog, words):
    found = list(faults_of_tags(tags, "1.2.0", changelog))
    assert len(found) == len(words)
    assert all(word in fault for word, fault in zip(words, found, strict=True))


def test_the_citation_is_whole_and_of_this_version():
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert {"cff-version", "message", "title", "authors", "version", "license"} <= set(cited)
    assert cited["cff-version"] == "1.2.0"
    assert cited["type"] == "software"
    assert str(cited["version"]) == VERSION
    assert cited["license"] == PROJECT["license"]
    assert cited["authors"] == [{"name": "The Lineup authors"}]
    assert PROJECT["description"].removeprefix("A ") in cited["title"]


def test_the_changelog_has_this_version_and_versions_descend():
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    headings = re.findall(r"^## \[([^\]]+)\](?: - (.+))?$", text, re.MULTILINE)
    versions = [name for name, _ in headings if name != "Unreleased"]
    assert versions[0] == VERSION
    numbers = [tuple(map(int, name.split("."))) for name in versions]
    assert numbers == sorted(set(numbers), reverse=True)
    days = [date.fromisoformat(day) for name, day in headings if name != "Unreleased" and day != "Unreleased"]
    assert days == sorted(days, reverse=True)
    assert set(re.findall(r"^### (.+)$", text, re.MULTILINE)) <= KINDS
