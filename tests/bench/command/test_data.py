"""What `lineup data` prints, as one JSON document."""

import json

from tests.support.command_line import one_line


def test_a_census_is_printed_as_json(lineup, data):
    done = lineup("data", data, "--json", "--limit", 4, "--audit")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert (found["title"], found["data"], found["images"]) == ("data", str(data), 48)
    assert {one["class"] for one in found["groups"]} == {"real", "generated"}
    assert {one["generator"] for one in found["audit"]} == {"even", "faint", "odd"}


def test_a_document_has_all_rows_and_writes_no_manifest(lineup, data, tmp_path):
    for further in (("--all",), ("--match", tmp_path / "new")):
        assert "leave --all and --match out" in one_line(lineup("data", data, "--json", *further))
