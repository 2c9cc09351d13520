"""Which distribution a detector comes from."""

import os
import random
from dataclasses import dataclass
from importlib import metadata

import pytest
from lineup_checkerboard import Checkerboard

from detectors import catalogue
from detectors.handcrafted.hog_svm import HogSvm
from tests.support.entry_points import install
from tests.support.miniature import NearestMeanRecipe


@pytest.fixture
def installed(monkeypatch, tmp_path):
    """Install distributions that exist for one test: name, version and the detectors of each."""
    real = metadata.entry_points(group=catalogue.GROUP)

    def install(*distributions):
        points = list(real)
        for name, version, values in distributions:
            folder = tmp_path / f"{name}-{version}.dist-info"
            folder.mkdir()
            (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
            lines = [f"{name}_{number} = {value}\n" for number, value in enumerate(values)]
            (folder / "entry_points.txt").write_text("".join([f"[{catalogue.GROUP}]\n", *lines]))
            points += metadata.PathDistribution(folder).entry_points
        monkeypatch.setattr(catalogue, "entry_points", lambda group: metadata.EntryPoints(points))
        catalogue._distributions.cache_clear()

    yield install
    catalogue._distributions.cache_clear()


def class_in(module):
    return type("Mine", (HogSvm,), {"__module__": module})


def test_a_plugin_is_named_with_its_version():
    version = metadata.version("lineup-checkerboard")
    assert catalogue.distribution(Checkerboard) == f"lineup-checkerboard {version}"
    assert catalogue.distribution(Checkerboard("paper")) == f"lineup-checkerboard {version}"
    assert catalogue.distribution(catalogue.recipe("checkerboard")) == f"lineup-checkerboard {version}"


def test_our_own_detectors_and_classes_of_no_distribution_have_none():
    @dataclass(frozen=True)
    class InANotebook(HogSvm):
        pass

    assert catalogue.distribution(HogSvm) == ""
    assert catalogue.distribution(InANotebook) == ""
    assert catalogue.distribution(NearestMeanRecipe) == ""
    assert catalogue.distribution(class_in("__main__")) == ""
    assert catalogue.distribution(class_in("lineup_checkerboard_of_somebody_else")) == ""


def test_what_a_class_derives_from_counts(installed):
    installed(("acme", "2.1", ["acme:Net"]))
    child = type("Child", (Checkerboard,), {"__module__": "acme"})
    assert catalogue.distribution(child) == f"acme 2.1, lineup-checkerboard {metadata.version('lineup-checkerboard')}"


def test_a_detector_is_called_on_its_card_what_its_entry_point_says(installed):
    installed(("acme", "1", ["detectors.handcrafted.hog_svm:HogSvm"]))
    with pytest.raises(catalogue.UnknownName, match="'acme_0' is called 'hog_svm' on its card"):
        catalogue.recipe("acme_0")


def test_every_detector_of_ours_has_none():
    for name in catalogue.names():
        kind = type(catalogue.recipe(name))
        assert (catalogue.distribution(kind) == "") == kind.__module__.startswith("detectors.")


def test_a_module_of_a_package_belongs_to_the_package(installed):
    installed(("acme", "2.1", ["acme.nets.deep:Net"]))
    assert catalogue.distribution(class_in("acme.other")) == "acme 2.1"


def test_another_version_is_another_name(installed):
    installed(("acme", "2.2", ["acme:Net"]))
    assert catalogue.distribution(class_in("acme")) == "acme 2.2"


def test_several_distributions_in_one_namespace_are_named_in_one_order(installed):
    installed(("zeta", "1", ["shared.zeta:Net"]), ("acme", "3", ["shared.acme:Net", "shared.acme:Other"]))
    assert catalogue.distribution(class_in("shared.zeta")) == "acme 3, zeta 1"


def test_a_plugin_that_offers_one_of_ours_under_another_name_changes_nothing(installed):
    installed(("acme", "1", ["detectors.handcrafted.hog_svm:HogSvm"]))
    assert catalogue.distribution(HogSvm) == ""


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("import sys; sys.exit(0)", r"cannot be imported from \w+:Mine \(DetectorMisbehaved: it calls sys\.exit\(0\)"),
        ("raise KeyboardInterrupt", "cannot be imported .* it raises KeyboardInterrupt"),
        ("class Mine:\n    def __init__(self, **_): raise SystemExit(0)", r"cannot be made \(it calls sys\.exit\(0\)"),
    ],
)
def test_a_plugin_that_would_end_the_command_is_one_line(monkeypatch, tmp_path, body, said):
    module = f"plugin_{abs(hash(body))}"
    (tmp_path / f"{module}.py").write_text(body)
    monkeypatch.syspath_prepend(tmp_path)
    install(monkeypatch, catalogue.GROUP, mine=f"{module}:Mine")
    with pytest.raises(catalogue.UnknownName, match=said):
        catalogue.recipe("mine")


def test_importing_a_plugin_changes_nothing_of_the_process_and_prints_nothing(monkeypatch, tmp_path, capsys):
    lines = ["import os, random", "print('{')", "os.environ['PLUGIN'] = 'x'", "random.seed(1)", "class Mine: pass"]
    (tmp_path / "plugin_that_changes.py").write_text("\n".join(lines))
    monkeypatch.syspath_prepend(tmp_path)
    install(monkeypatch, catalogue.GROUP, mine="plugin_that_changes:Mine")
    before = random.getstate(), dict(os.environ)
    catalogue.find(catalogue.GROUP, "detector", "mine")
    assert before == (random.getstate(), dict(os.environ))
    assert capsys.readouterr().out == ""
