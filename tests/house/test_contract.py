"""Every installed detector, ours and the plug-in's, goes through the same checks."""

import subprocess
import sys
from dataclasses import replace
from functools import cache
from importlib import metadata

import numpy as np
import pytest

from bench.engine.cache import Cache
from detectors import catalogue
from detectors.api import Runtime
from detectors.checks import CHECKS, ToyTrainSet, check, importing_is_light, same_state
from detectors.types import read_only

OF_ONE_DETECTOR = [one for one in CHECKS if one is not importing_is_light]


def brief(recipe):
    """The recipe, with one epoch of training where it trains by epochs."""
    variant = recipe.variants[recipe.setting]
    if not hasattr(variant, "plan"):
        return recipe
    short = replace(variant, plan=replace(variant.plan, epochs=1))
    return type("Brief", (type(recipe),), {"variants": {**recipe.variants, recipe.setting: short}})(recipe.setting)


class EmbeddedOnce(ToyTrainSet):
    """Images that are embedded once for all detectors of one embedder, as the harness does."""

    _known = {}  # noqa: RUF012 - of all detectors

    def embed(self, embedder):
        key = embedder.key, tuple(self.names)
        if key not in self._known:
            self._known[key] = read_only(super().embed(embedder))
        return self._known[key]


@cache
def fitted(name):
    """Recipe, detector and train set: as few images as the detector accepts."""
    recipe, train = brief(catalogue.recipe(name, "small")), EmbeddedOnce(40 if name == "coding_cost" else 24)
    return recipe, recipe.fit(train, 0, Runtime()), train


@pytest.mark.parametrize("name", catalogue.names())
@pytest.mark.parametrize("clause", OF_ONE_DETECTOR, ids=lambda clause: clause.__name__)
def test_detector_keeps_the_contract(name, clause):
    clause(*fitted(name))


def test_importing_every_detector_is_light():
    """The check `importing_is_light` for all at once: an interpreter a detector takes seconds."""
    modules = sorted({type(catalogue.recipe(name)).__module__ for name in catalogue.names()})
    code = "import sys\nfor name in sys.argv[1:]:\n    __import__(name)\n    assert 'torch' not in sys.modules, name"
    done = subprocess.run([sys.executable, "-c", code, *modules], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_embedding_repeats():
    """What is embedded once would be the same again, to the last bit, so that a fit of it is one of the images."""
    made = [catalogue.recipe(name, "small").embedder(Runtime()) for name in catalogue.names()]
    found, train = {embedder.key: embedder for embedder in made if embedder is not None}, ToyTrainSet(24)
    assert len(found) >= 4
    for key, embedder in found.items():
        assert np.array_equal(train.embed(embedder), EmbeddedOnce(24).embed(embedder)), key


@pytest.mark.parametrize("name", catalogue.names())
def test_what_fitting_learned_survives_the_cache(tmp_path, name):
    state = fitted(name)[1].state()
    Cache(tmp_path).write_fit("fit", state)
    assert same_state(state, Cache(tmp_path).read_fit("fit"))


@pytest.mark.parametrize("name", catalogue.names())
def test_card_carries_the_name_it_is_installed_under(name):
    for setting in ("paper", "small"):
        recipe = catalogue.recipe(name, setting)
        assert recipe.card.name == name
        assert recipe.setting == setting
    assert catalogue.recipe(name, "paper").key != catalogue.recipe(name, "small").key


def test_the_plugin_is_a_distribution_of_its_own():
    assert "checkerboard" in catalogue.names()
    assert type(catalogue.recipe("checkerboard")).__module__ == "lineup_checkerboard"
    check(catalogue.recipe("checkerboard"))


def test_an_unknown_name_is_answered_with_the_nearest():
    with pytest.raises(catalogue.UnknownName, match=r"no detector is named 'hog_svn'\. Did you mean hog_svm\?"):
        catalogue.recipe("hog_svn")


def test_a_broken_plugin_is_named_with_its_reason(monkeypatch):
    broken = metadata.EntryPoints([metadata.EntryPoint("mine", "no_such_package:Mine", catalogue.GROUP)])
    monkeypatch.setattr(catalogue, "entry_points", lambda group: broken)
    with pytest.raises(catalogue.UnknownName, match=r"detector 'mine' cannot be imported from no_such_package:Mine"):
        catalogue.recipe("mine")
