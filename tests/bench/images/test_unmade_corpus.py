"""The embedded corpus before it is made: as many images of everything as there will be."""

import inspect

from bench.embedded.corpus import DESCRIPTION, build
from bench.embedded.scenes.scene import SIDE
from bench.images.unmade_corpus import PER_SPLIT, corpus_families, unmade_corpus, unmade_root


def test_it_has_what_the_corpus_will_have(tmp_path):
    images = unmade_corpus(tmp_path)
    assert inspect.signature(build).parameters["per_split"].default == PER_SPLIT
    counts = images.table.groupby(["split", "label"]).size().to_dict()
    train, val = (count * len(corpus_families()) for count in PER_SPLIT)
    assert counts == {("train", 0): train, ("train", 1): train, ("val", 0): val, ("val", 1): val}
    assert images.generators == tuple(corpus_families())
    assert images.short_side == SIDE


def test_nothing_is_made_of_it_and_what_is_made_is_not_unmade(tmp_path):
    root = unmade_root(tmp_path)
    assert root.is_relative_to(tmp_path)
    unmade_corpus(root)
    assert list(tmp_path.iterdir()) == []
    root.mkdir(parents=True)
    (root / DESCRIPTION).write_text("{}")
    assert unmade_root(tmp_path) is None
