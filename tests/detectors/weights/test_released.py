"""The registry of released checkpoints, and how their files are found."""

from dataclasses import replace
from hashlib import sha256

import pytest

from detectors import catalogue
from detectors.identity import options_of
from detectors.weights import released
from detectors.weights.released import Checkpoint, checkpoints_of, find_checkpoint, released_checkpoints

CONTENT = b"weights of a network"
ENTRY = Checkpoint(
    detector="cnnspot",
    name="test",
    file="net.pth",
    page="https://example.org/code",
    licence="MIT",
    layout="state dict",
    training="ProGAN",
    bytes=len(CONTENT),
    sha256=sha256(CONTENT).hexdigest(),
    url="https://example.org/net.pth",
    trained_on=("ProGAN",),
)


@pytest.fixture
def registry(monkeypatch):
    """A registry of this test's own."""

    def use(*entries):
        monkeypatch.setattr(released, "released_checkpoints", lambda: entries)

    monkeypatch.setattr(released, "cached_hub_file", lambda *_: None)
    use(ENTRY)
    return use


def test_every_entry_is_complete_and_of_a_detector_that_loads_it():
    titles = [entry.title for entry in released_checkpoints()]
    assert len(set(titles)) == len(titles)
    for entry in released_checkpoints():
        recipe = catalogue.recipe(entry.detector)
        assert {"load"} & vars(type(recipe)).keys() or getattr(recipe.variant, "published", False)
        assert all((entry.name, entry.file, entry.licence, entry.layout, entry.training)), entry
        assert entry.page.startswith("https://")
        assert len(entry.sha256) in {0, 64}
        assert set(entry.options) <= {option.name for option in options_of(recipe)}
        assert "@" not in entry.name
        assert ":" not in entry.name


def test_every_detector_with_a_published_file_has_its_entries():
    loaded = {name for name in catalogue.names() if getattr(catalogue.recipe(name).variant, "published", False)}
    without = {name for name in loaded if not checkpoints_of(name)}
    assert without == {"f3net", "f3net_genimage", "spec"}  # their code is published, and no file of weights


@pytest.mark.parametrize("place", ["net.pth", "cnnspot/net.pth", "cnnspot/test/net.pth", "old/renamed.bin"])
def test_a_file_of_a_known_digest_is_found_under_any_name(registry, tmp_path, place):
    path = tmp_path / place
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(CONTENT)
    found = find_checkpoint("cnnspot", "test", tmp_path)
    assert (found.path, found.sha256, found.entry, found.missing) == (path, ENTRY.sha256, ENTRY, "")


def test_a_file_of_another_content_is_not_taken_for_it(registry, tmp_path):
    (tmp_path / "net.pth").write_bytes(CONTENT[::-1])
    assert "is not on this machine" in find_checkpoint("cnnspot", "test", tmp_path).missing
    own = ENTRY.path(tmp_path)
    own.parent.mkdir(parents=True)
    own.write_bytes(b"damaged")
    assert f"its sha256 is {sha256(b'damaged').hexdigest()}, not {ENTRY.sha256}" in (
        find_checkpoint("cnnspot", "test", tmp_path).missing
    )


def test_without_a_digest_the_name_tells_unless_two_have_it(registry, tmp_path):
    unknown = replace(ENTRY, sha256="")
    (tmp_path / "net.pth").write_bytes(CONTENT)
    registry(unknown)
    assert find_checkpoint("cnnspot", "test", tmp_path).path == tmp_path / "net.pth"
    registry(unknown, replace(unknown, name="other"))
    assert find_checkpoint("cnnspot", "test", tmp_path).missing


def test_a_missing_one_says_how_to_get_it_and_where_to_put_it(registry, tmp_path):
    said = find_checkpoint("cnnspot", "test", tmp_path).missing
    assert "run `lineup weights get cnnspot@test`" in said
    place = tmp_path / "cnnspot" / "test"
    assert f"put net.pth from https://example.org/net.pth (see https://example.org/code) into {place}" in said
    registry(replace(ENTRY, url=""))
    said = find_checkpoint("cnnspot", "test", tmp_path).missing
    assert "lineup weights get" not in said
    assert f"put net.pth from https://example.org/code into {place}" in said


def test_a_path_is_recognised_by_its_content(registry, tmp_path):
    (tmp_path / "a.pth").write_bytes(CONTENT)
    (tmp_path / "b.pth").write_bytes(b"other")
    assert find_checkpoint("cnnspot", str(tmp_path / "a.pth"), tmp_path).entry == ENTRY
    assert find_checkpoint("cnnspot", str(tmp_path / "b.pth"), tmp_path).entry is None
    said = find_checkpoint("cnnspot", "tset", tmp_path).missing
    assert "cnnspot@tset: there is no such file, and the registry has no such checkpoint (test)" in said
