"""A file of the embedded corpus that is not as it was made is noticed, whichever it is."""

import hashlib
import json
from types import SimpleNamespace

import numpy as np
import pytest

from bench.embedded.corpus import DESCRIPTION, encode_jpeg
from bench.images.corpus_files import corpus_list, is_as_made, list_corpus, require_as_made
from bench.platform.errors import InputError

NAMES = [
    f"fog/{split}/{kind}/{index}.jpg" for split in ("train", "val") for kind in ("ai", "nature") for index in (0, 1)
]


@pytest.fixture
def root(tmp_path):
    root, digest = tmp_path / "corpus" / "1", hashlib.sha256()
    for number, name in enumerate(NAMES):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        data = encode_jpeg(np.full((8, 8, 3), 20 * number, np.uint8), number)
        (root / name).write_bytes(data)
        digest.update(f"{name} {hashlib.sha256(data).hexdigest()}\n".encode())
    facts = {"title": "scenes", "images": len(NAMES), "digest": digest.hexdigest()}
    (root / DESCRIPTION).write_text(json.dumps(facts))
    return root


def inspected(root):
    """The corpus as an inspection has it."""
    files, hashes = SimpleNamespace(where=str(root)), [hashlib.sha256((root / name).read_bytes()) for name in NAMES]
    images = SimpleNamespace(kind="embedded", files=files, names=NAMES, where=lambda name: f"{root}/{name}")
    return SimpleNamespace(images=images, hashes=np.array([list(one.digest()) for one in hashes], np.uint8))


def flip(path):
    content = bytearray(path.read_bytes())
    content[-3] ^= 1
    path.write_bytes(content)


def test_the_files_are_listed_when_the_corpus_is_opened_first(root):
    listed = list_corpus(root)
    assert set(listed) == {*NAMES, DESCRIPTION}
    assert list_corpus(root) == corpus_list(root).digests() == listed
    assert is_as_made(root)
    require_as_made(inspected(root))


def test_a_changed_image_is_named_by_a_run_that_reads_it(root):
    list_corpus(root)
    flip(root / NAMES[3])
    with pytest.raises(InputError, match=rf"{NAMES[3]} is damaged; `lineup corpus` makes it anew"):
        require_as_made(inspected(root))
    assert not is_as_made(root)


@pytest.mark.parametrize("name", [NAMES[0], DESCRIPTION])
def test_what_changed_before_it_was_listed_is_not_taken_for_whole(root, name):
    flip(root / name) if name != DESCRIPTION else (root / name).write_text('{"images": 8}')
    with pytest.raises(InputError, match="is damaged; `lineup corpus` makes it anew"):
        list_corpus(root)
    assert not is_as_made(root)


def test_a_changed_description_is_named(root):
    list_corpus(root)
    (root / DESCRIPTION).write_text((root / DESCRIPTION).read_text().replace("scenes", "sCenes"))
    with pytest.raises(InputError, match=r"dataset.json is damaged"):
        list_corpus(root)


def test_a_list_that_lacks_lines_is_made_anew(root):
    listed = list_corpus(root)
    path = corpus_list(root).path
    path.write_bytes(path.read_bytes().replace(NAMES[2].encode(), b'"', 1))
    assert list_corpus(root) == listed


def test_an_image_that_is_gone_is_noticed(root):
    list_corpus(root)
    (root / NAMES[5]).unlink()
    assert not is_as_made(root)
