"""Degradations of other packages: one module and one entry point each."""

from importlib import metadata
from itertools import count

import numpy as np
import pytest

from detectors.checks import sample, texture
from protocols.degradations import UnknownDegradation, catalogue, parse_degradation

PICTURE = texture("plugin", 20, 30)
MODULE = """
from detectors.api import Sample
from protocols.degradations import DegradationKind, NumberRange


def darken(sample, levels):
    return Sample(sample.pixels - sample.pixels.clip(max=int(levels)), sample.facts)


def invert(sample):
    return Sample(255 - sample.pixels, sample.facts)


DARKEN = DegradationKind(darken, 3, NumberRange(1, 255, whole=True), "dark:N (darkened by N grey levels)")


def inverted():
    return DegradationKind(invert, 1, lambda text: None if text else (), "inverted (a negative)")


TEXT = "nothing"
"""
NAMES = count()


@pytest.fixture
def installed(monkeypatch, tmp_path):
    """Install packages that exist for one test: name, version and what each entry point of theirs names."""
    monkeypatch.syspath_prepend(tmp_path)
    module = f"night_{next(NAMES)}"
    (tmp_path / f"{module}.py").write_text(MODULE)

    def install(*packages):
        points = []
        for name, version, values in packages:
            folder = tmp_path / f"{name}-{version}.dist-info"
            folder.mkdir()
            (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
            lines = [f"{kind} = {module}:{value}\n" for kind, value in values.items()]
            (folder / "entry_points.txt").write_text("".join([f"[{catalogue.GROUP}]\n", *lines]))
            points += metadata.PathDistribution(folder).entry_points
        monkeypatch.setattr(catalogue, "entry_points", lambda group: metadata.EntryPoints(points).select(group=group))
        forget()

    yield install
    forget()


def forget():
    catalogue._plugins.cache_clear()
    catalogue._plugin_kind.cache_clear()


def test_an_entry_point_may_name_a_kind_or_what_makes_one(installed):
    installed(("night", "1.2", {"dark": "DARKEN", "inverted": "inverted"}))
    darker = parse_degradation("dark:9")(sample(PICTURE)).pixels
    assert (darker == PICTURE - np.minimum(PICTURE, 9)).all()
    chained = parse_degradation("dark:9.0+inverted+jpeg:65")
    assert chained.name == "dark:9+inverted+jpeg:65"
    assert (chained(sample(PICTURE)).pixels == parse_degradation("jpeg:65")(sample(255 - darker)).pixels).all()


def test_the_key_names_the_package_and_its_version(installed):
    installed(("night", "1.2", {"dark": "DARKEN"}))
    assert parse_degradation("jpeg:65+dark:9").key == "jpeg:65@1+dark:9@3[night 1.2]"
    first = parse_degradation("dark:9").key
    installed(("night", "1.3", {"dark": "DARKEN"}))
    assert parse_degradation("dark:9").key != first


def test_a_kind_of_a_package_is_listed_and_its_numbers_are_checked(installed):
    installed(("night", "1.2", {"dark": "DARKEN"}))
    with pytest.raises(UnknownDegradation, match=r"'dark:0' is not known; dark is written dark:N \(darkened"):
        parse_degradation("dark:0")
    with pytest.raises(UnknownDegradation, match=r"'fog' is not known; there is none, jpeg, .*, dark, chains joined"):
        parse_degradation("fog")
    assert catalogue.kinds()["dark"].meaning == "darkened by N grey levels"


def test_it_is_loaded_when_it_is_asked_for_and_not_before(installed):
    installed(("night", "1.2", {"dark": "NO_SUCH_NAME"}))
    assert parse_degradation("jpeg:65").key == "jpeg:65@1"
    with pytest.raises(UnknownDegradation, match=r"'dark' cannot be loaded from night_.*NO_SUCH_NAME \(Attr"):
        parse_degradation("dark:9")
    assert catalogue.kinds()["dark"].startswith("degradation 'dark' cannot be loaded from night_")


@pytest.mark.parametrize("name", ["jpeg", "none"])
def test_a_built_in_kind_is_not_shadowed(installed, name):
    installed(("night", "1.2", {name: "DARKEN"}))
    with pytest.raises(UnknownDegradation) as caught:
        parse_degradation("jpeg:65")
    assert str(caught.value) == (
        f"degradation '{name}' of night 1.2 has the name of a built-in one: rename it, or uninstall night 1.2"
    )


def test_two_packages_do_not_share_a_name(installed):
    installed(("night", "1.2", {"dark": "DARKEN"}), ("dusk", "2.0", {"dark": "DARKEN"}))
    with pytest.raises(UnknownDegradation, match=r"'dark' of night 1.2 has the name of one of dusk 2.0: rename it"):
        parse_degradation("dark:9")


def test_what_is_no_kind_is_refused(installed):
    installed(("night", "1.2", {"dark": "TEXT"}))
    with pytest.raises(UnknownDegradation, match=r"'dark' cannot be loaded from .* \(TypeError"):
        parse_degradation("dark:9")
