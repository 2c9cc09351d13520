"""The stages of every network recipe, in both settings."""

from dataclasses import replace

import pytest

from detectors import catalogue
from detectors.architectures.support.initial_weights import on_meta_device
from detectors.card import SETTINGS
from detectors.networks.npr import Npr
from detectors.training.network_recipe import NetworkRecipe

NETWORKS = [name for name in catalogue.names() if isinstance(catalogue.recipe(name), NetworkRecipe)]


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("setting", SETTINGS)
def test_every_part_names_parameters_of_its_setting_and_none_are_named_twice(name, setting):
    recipe = catalogue.recipe(name, setting)
    names = [parameter for parameter, _ in on_meta_device(recipe.network).named_parameters()]
    parts = [part for stage in recipe.variant.stages for part in stage]
    of_parts = {part: [parameter for parameter in names if f"{parameter}.".startswith(f"{part}.")] for part in parts}
    assert [part for part, parameters in of_parts.items() if not parameters] == []
    staged = [parameter for parameters in of_parts.values() for parameter in parameters]
    assert len(staged) == len(set(staged))
    assert all(recipe.variant.stages)


def test_stages_are_in_the_key_of_a_staged_training_alone(monkeypatch):
    keys = {tune: catalogue.recipe("npr", "small", tune=tune).key for tune in ("all", "staged")}
    variant = Npr.variants["small"]
    changed = replace(variant, stages=variant.stages[:1])
    monkeypatch.setattr(Npr, "variants", {**Npr.variants, "small": changed})
    assert catalogue.recipe("npr", "small").key == keys["all"]
    assert catalogue.recipe("npr", "small", tune="staged").key != keys["staged"]
