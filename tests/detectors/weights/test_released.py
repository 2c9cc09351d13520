"""The registry of released checkpoints, and how their files are found."""

from dataclasses import replace
from hashlib import sha256

import pytest

from detectors import catalogue
from detectors.identity import options_of
from detectors.weights import released
from detectors.weights.files import HubFile
from detectors.weights.released import (
    Checkpoint,
    checkpoint_id,
    checkpoints_of,
    find_checkpoint,
    released_checkpoints,
)

CONTENT = b"\x80\x02 weights of a network"
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
        assert bool(entry.bytes) >= bool(entry.sha256), "without its size, every file would be read to find it"
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


def test_a_damaged_file_in_its_place_hides_no_good_one(registry, tmp_path):
    own, good = ENTRY.path(tmp_path), tmp_path / "elsewhere" / "net.bin"
    for path, content in ((own, b"damaged"), (good, CONTENT)):
        path.parent.mkdir(parents=True)
        path.write_bytes(content)
    assert (
        find_checkpoint("cnnspot", "test", tmp_path).path,
        find_checkpoint("cnnspot", "test", tmp_path).missing,
    ) == (
        good,
        "",
    )


def test_what_the_hubs_cache_holds_is_said_without_reading_it(monkeypatch, tmp_path):
    path = tmp_path / "model.safetensors"
    path.write_bytes(CONTENT)
    monkeypatch.setattr("huggingface_hub.try_to_load_from_cache", lambda repository, _: held.get(repository))
    monkeypatch.setattr("detectors.weight_file._sha256", lambda *_: pytest.fail("read"))
    held = {"owner/name": str(path)}
    assert HubFile("owner/name").availability() == "found"
    assert HubFile("owner/other").availability() == "missing"


def test_a_digest_without_a_size_is_found_too(registry, tmp_path):
    registry(replace(ENTRY, bytes=None))
    (tmp_path / "any.bin").write_bytes(CONTENT)
    assert find_checkpoint("cnnspot", "test", tmp_path).path == tmp_path / "any.bin"


def test_of_two_files_of_its_name_without_a_digest_none_is_chosen_unless_they_are_equal(registry, tmp_path):
    registry(replace(ENTRY, sha256=""))
    paths = [tmp_path / folder / "net.pth" for folder in ("a", "b")]
    for path in paths:
        path.parent.mkdir()
        path.write_bytes(CONTENT)
    assert find_checkpoint("cnnspot", "test", tmp_path).path == paths[0]
    paths[1].write_bytes(b"another")
    said = find_checkpoint("cnnspot", "test", tmp_path).missing
    place = tmp_path / "cnnspot" / "test"
    assert said == f"cnnspot@test may be {paths[0]} or {paths[1]}, which differ: put the right one into {place}"


def test_the_files_below_a_folder_are_listed_once_by_who_asks_for_many(registry, tmp_path, monkeypatch):
    (tmp_path / "net.pth").write_bytes(CONTENT)
    files = released.files_below(tmp_path)
    monkeypatch.setattr(released, "files_below", lambda _: pytest.fail("listed again"))
    assert not find_checkpoint("cnnspot", "test", tmp_path, files).missing


def test_the_files_that_go_with_a_checkpoint_are_needed_beside_it_and_change_its_identity(registry, tmp_path):
    alone = ENTRY.path(tmp_path)
    alone.parent.mkdir(parents=True)
    alone.write_bytes(CONTENT)
    assert checkpoint_id("cnnspot", alone) == ENTRY.sha256[:12]
    registry(replace(ENTRY, companions=("mean", "var"), hub="owner/name/in/net.pth"))
    (tmp_path / "own.pth").write_bytes(b"of the user")
    for text, path in (("test", alone), (str(tmp_path / "own.pth"), tmp_path / "own.pth")):
        path.with_name("var").write_bytes(b"1")
        said = find_checkpoint("cnnspot", text, tmp_path).missing
        assert said.startswith(f"mean missing beside {path}, without which cnnspot cannot be loaded: ")
        assert said.endswith("put it there")
        path.with_name("mean").write_bytes(b"2")
        assert not find_checkpoint("cnnspot", text, tmp_path).missing
        before = checkpoint_id("cnnspot", path)
        path.with_name("mean").write_bytes(b"another")
        assert checkpoint_id("cnnspot", path) != before
    assert "run `lineup weights get cnnspot@test`" not in said


def test_a_companion_may_lie_without_its_suffix_and_not_under_both_names(registry, tmp_path):
    registry(replace(ENTRY, companions=("mean.zip",)))
    path = tmp_path / "own.pth"
    path.write_bytes(CONTENT)
    assert "mean.zip missing beside" in find_checkpoint("cnnspot", str(path), tmp_path).missing
    (tmp_path / "mean").write_bytes(b"1")
    assert not find_checkpoint("cnnspot", str(path), tmp_path).missing
    plain = checkpoint_id("cnnspot", path)
    (tmp_path / "mean.zip").write_bytes(b"1")
    assert not find_checkpoint("cnnspot", str(path), tmp_path).missing
    assert checkpoint_id("cnnspot", path) == plain
    (tmp_path / "mean").write_bytes(b"2")
    said = find_checkpoint("cnnspot", str(path), tmp_path).missing
    assert said.endswith("mean differ, and either may belong to own.pth: remove the wrong one")


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
    registry(replace(ENTRY, url="", hub="owner/name/in/net.pth"))
    said = find_checkpoint("cnnspot", "test", tmp_path).missing
    assert "put net.pth from https://huggingface.co/owner/name/resolve/main/in/net.pth (see https://example" in said


def test_a_path_is_recognised_by_its_content(registry, tmp_path):
    (tmp_path / "a.pth").write_bytes(CONTENT)
    (tmp_path / "b.pth").write_bytes(b"other")
    assert find_checkpoint("cnnspot", str(tmp_path / "a.pth"), tmp_path).entry == ENTRY
    assert find_checkpoint("cnnspot", str(tmp_path / "b.pth"), tmp_path).entry is None
    said = find_checkpoint("cnnspot", "tset", tmp_path).missing
    assert "cnnspot@tset: there is no such file, and the registry has no such checkpoint (test)" in said
