"""Texts of the lists and of the whole card of one detector or protocol."""

import json

import pytest

from bench.command.card_texts import (
    WIDTH,
    as_json,
    degradation_table,
    in_full,
    long_list,
    markdown_table,
    protocol_titles,
    short_list,
    whole_card,
)
from bench.request import protocol_catalogue
from detectors import catalogue
from detectors.networks.cnnspot import CnnSpot
from detectors.weights.files import HubFile
from protocols.api import option_help
from protocols.degradations import catalogue as degradation_catalogue
from protocols.degradations.catalogue import BUILT_IN


@pytest.fixture
def nothing_downloaded(monkeypatch):
    """As on a machine that never asked the hub for anything."""
    monkeypatch.setattr(HubFile, "availability", lambda hub: "missing")


def test_the_short_list_has_one_line_for_each_detector_by_family():
    header, *lines = short_list()
    rows = lines[: lines.index("")]
    families = [row[: header.index("detector")].strip() for row in rows]
    names = [row[header.index("detector") :].split()[0] for row in rows]
    assert sorted(names) == catalogue.names()
    for name, family in zip(names, families, strict=True):
        assert family in {"", catalogue.recipe(name).card.family}
    assert len([family for family in families if family]) == len({catalogue.recipe(name).card.family for name in names})
    assert max(map(len, (header, *lines))) <= WIDTH + 10
    assert any(line.startswith("protocols: adversarial, attribution, ") for line in lines)
    assert any(line.startswith("degradations: jpeg, ") for line in lines)
    assert any(line.startswith("layouts: artifact, ") for line in lines)


def test_everything_is_there_for_programs(nothing_downloaded):
    whole = json.loads(as_json())
    assert whole["profiles"]["genimage"]["degradations"][0] == "lr:112"
    assert whole["profiles"]["techjam-2026"]["score"] == {"clean_auc": 0.5, "pooled_auc": 0.5}
    cards = {card["name"]: card for card in whole["detectors"]}
    assert sorted(cards) == catalogue.names()
    assert cards["cnnspot"]["settings"]["paper"]["size"]["parameters"] == 23_510_081
    assert cards["cnnspot"]["settings"]["small"]["weights"] == {"small_resnet": "shipped"}
    assert cards["cnnspot"]["options"]["tune"] == "'all'"
    assert set(whole["protocols"]) == set(protocol_catalogue.names())
    assert "genimage" in whole["layouts"]
    assert whole["degradations"]["webp"] == {
        "written": "webp:N",
        "meaning": BUILT_IN["webp"].meaning,
        "severities": list(BUILT_IN["webp"].severities),
        "version": BUILT_IN["webp"].version,
    }


def test_the_table_of_the_readme_has_what_lineup_brings_and_no_plug_in():
    rows = [line.split("|")[1].strip(" `") for line in list(markdown_table())[2:]]
    assert sorted(rows) == [name for name in catalogue.names() if name != "checkerboard"]


def test_the_list_has_a_row_for_every_detector(nothing_downloaded):
    lines = list(long_list())
    lines = lines[: lines.index("protocols")]
    rows = {line.split()[0]: line for line in lines if line and not line.startswith(" ")}
    assert rows.keys() >= set(catalogue.names())
    assert max(map(len, lines)) <= WIDTH
    assert " ".join(rows["cnnspot"].split()) == "cnnspot network 2020 23.5M / 303k 4.09 / 0.183 missing / shipped"
    assert rows["hog_svm"].split()[-3:] == ["-", "-", "-"]
    policy = next(line for place, line in enumerate(lines) if lines[place - 1] == rows["npr"])
    assert policy.strip().startswith("input, paper: whole image resized")


def test_weights_that_are_found_are_said_to_be(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    folder = tmp_path / "hub" / "checkpoints"
    folder.mkdir(parents=True)
    (folder / "resnet50-0676ba61.pth").write_bytes(b"not what its name says")
    monkeypatch.setattr("detectors.weights.files.cached_hub_file", lambda *names: None)
    assert any(line.startswith("cnnspot") and "missing / shipped" in line for line in long_list())
    monkeypatch.setattr("detectors.weights.files.cached_torch_file", lambda *names: names or None)
    assert any(line.startswith("cnnspot") and "found / shipped" in line for line in long_list())


def test_a_card_is_shown_whole(nothing_downloaded):
    text = " ".join(" ".join(whole_card("cnnspot")).split())
    card, variants = CnnSpot.card, CnnSpot.variants
    for value in (card.title, card.paper, card.licence, card.upstream):
        assert value in text
    for setting in ("paper", "small"):
        assert f"trained on, {setting}: {variants[setting].trained_on}" in text
        assert f"input policy, {setting}: {variants[setting].input_policy}" in text
    assert "paper setting: 23,510,081 parameters, 4.09 GFLOPs for one image; weights timm/resnet50" in text
    assert "connect to the Hugging Face hub once" in text
    assert "small setting: 302,993 parameters, 0.183 GFLOPs for one image; weights small_resnet: shipped" in text
    assert "tune = 'all'" in text


@pytest.mark.parametrize("name", catalogue.names())
def test_every_card_can_be_shown(name):
    assert f"name: {name}" in list(whole_card(name))


def test_every_protocol_has_a_line_with_its_title():
    first, *lines = protocol_titles()
    assert first == "protocols"
    titles = [line.split() for line in lines if not line.startswith(8 * " ")]
    assert [line[0] for line in titles] == protocol_catalogue.names()
    assert all(" ".join(line[1:]) == protocol_catalogue.protocol_class(line[0]).title for line in titles)
    assert "training_share" in protocol_catalogue.names()  # the plug-in's


@pytest.mark.parametrize("name", sorted({*protocol_catalogue.names()} - {"training_share"}))
def test_every_protocol_of_ours_says_its_cells_and_its_source(name):
    kind, text = protocol_catalogue.protocol_class(name), " ".join(" ".join(protocol_titles()).split())
    assert f"cells: {kind.__doc__.splitlines()[0]} source: {kind.source}" in text
    assert kind.source


@pytest.mark.parametrize("name", protocol_catalogue.names())
def test_every_protocol_can_be_shown_with_its_options(name):
    kind = protocol_catalogue.protocol_class(name)
    text = " ".join(" ".join(in_full(name)).split())
    assert kind.title in text
    for option, about in option_help(kind).items():
        assert f"--{option.replace('_', '-')} <" in text
        assert about in text


def test_a_protocol_is_shown_with_types_and_defaults():
    text = " ".join(" ".join(in_full("degradation")).split())
    assert "matrix: rows train, columns degradation" in text
    assert "--degradations <str,...>: As jpeg:65" in text
    assert "not the trained one alone. [default: false]" in text


def test_every_degradation_has_a_line_in_the_long_list(nothing_downloaded):
    text = " ".join(" ".join(long_list()).split())
    for name in degradation_catalogue.names():
        kind = degradation_catalogue.find(name)
        assert f" {kind.written}: {kind.meaning}" in text
        assert not kind.severities or f"; severities {', '.join(kind.severities)}" in text


@pytest.mark.parametrize("name", degradation_catalogue.names())
def test_every_degradation_can_be_shown_with_its_exact_meaning(name):
    kind = degradation_catalogue.find(name)
    text = " ".join(" ".join(in_full(name)).split())
    assert f"degradation: {name} written: {kind.usage} means: " in text
    assert kind.apply.__doc__.splitlines()[0] in text
    assert f"version: {kind.version}" in text


def test_a_degradation_that_cannot_be_loaded_is_listed_with_its_reason(monkeypatch):
    kinds = {**BUILT_IN, "fog": "degradation 'fog' cannot be loaded from weather:FOG (ImportError: none)"}
    monkeypatch.setattr(degradation_catalogue, "kinds", lambda: kinds)
    monkeypatch.setattr(degradation_catalogue, "names", lambda: list(kinds))
    for lines in (in_full("fog"), long_list()):
        assert "fog: degradation 'fog' cannot be loaded from weather:FOG" in " ".join(" ".join(lines).split())
    assert json.loads(as_json())["degradations"]["fog"] == {"missing": kinds["fog"]}


def test_the_table_of_degradations_has_what_is_built_in():
    rows = list(degradation_table())[2:]
    assert len(rows) == len(BUILT_IN)
    assert rows[0].startswith("| `jpeg:N` | JPEG at quality 1 to 100")
    assert rows[0].endswith(f" | {', '.join(BUILT_IN['jpeg'].severities)} |")


def test_a_detector_wins_where_a_protocol_has_its_name(monkeypatch):
    monkeypatch.setattr(protocol_catalogue, "names", lambda: ["hog_svm"])
    assert list(in_full("hog_svm")) == list(whole_card("hog_svm"))
