"""Versions of libraries are part of every key."""

import pytest

from bench.engine import versions
from tests.support.miniature import NearestMeanRecipe


@pytest.mark.parametrize("changed", ["numpy", "torch", "pillow"])
def test_another_version_of_a_library_is_another_fit_and_other_embeddings(make_bench, monkeypatch, changed):
    bench = make_bench(recipes=[NearestMeanRecipe("small")])
    bench.run(bench.plan(("none",)))
    known = dict(versions.versions())
    monkeypatch.setattr(versions, "versions", lambda: known | {changed: "99"})
    engine, _ = bench.run(bench.plan(("none",)))
    assert not engine.counts["cells reused"]
    assert engine.counts["fits made"] == 2
    assert engine.counts["embeddings made"] > 0
