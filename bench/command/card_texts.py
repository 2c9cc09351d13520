"""Cards of detectors and protocols as text, JSON and Markdown. Torch is not imported."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, fields
from textwrap import wrap
from typing import Any

from bench.report.embedded_results import EmbeddedResult, embedded_results
from bench.request import protocol_catalogue
from detectors import catalogue
from detectors.api import Recipe, Variant
from detectors.card import SETTINGS
from detectors.differentiable import has_gradient
from detectors.identity import default_of, options_of
from protocols.api import EvaluationProtocol, option_help
from protocols.degradations import DegradationKind, UnknownDegradation
from protocols.degradations import catalogue as degradation_catalogue
from protocols.profiles import Profile, profile_names, shipped_profiles

WIDTH = 100
INDENT = "    "
SHIPPED, FOUND, MISSING = "shipped", "found", "missing"
NONE = "-"
FAMILIES = (
    "gradients",
    "frequency",
    "noise residual",
    "network",
    "foundation",
    "zero-shot",
    "composite",
    "baseline",
)
SHORT_HEADER = ("family", "detector", "year", "what it is")
HEADER = ("detector", "family", "year", "parameters", "GFLOPs", "weights")
LEGEND = (
    "Parameters, GFLOPs (multiply-adds) and weights: paper setting / small setting; - where there is no network."
    " Weights: shipped with the package, found on this machine, or missing, in which case `lineup list --long NAME`"
    " says how to get them."
)


def short_list() -> Iterator[str]:
    """One line for each detector, by family; then the protocols, the degradations and the layouts of data."""
    cards = [catalogue.recipe(name).card for name in _by_family(catalogue.names())]
    rows = [(card.family, card.name, str(card.year or NONE), card.title) for card in cards]
    yield from _table(SHORT_HEADER, [(row[0] if row[0] != before else "", *row[1:]) for row, before in _pairs(rows)])
    yield ""
    yield from _labelled_lines("protocols", ", ".join(protocol_catalogue.names()), "")
    yield from _labelled_lines("degradations", ", ".join(degradation_catalogue.names()), "")
    yield from _labelled_lines("profiles", ", ".join(profile_names()), "")
    yield from _labelled_lines("layouts", ", ".join(catalogue.installed("lineup.layouts")), "")
    yield "`lineup list --long` says more of each, `lineup list --long NAME` all of one, --json is for programs."


def _by_family(names: Iterable[str]) -> list[str]:
    """Names of detectors in the order of their families, then of their names; unknown families come last."""

    def place(name: str) -> tuple[int, str, str]:
        family = catalogue.recipe(name).card.family
        return FAMILIES.index(family) if family in FAMILIES else len(FAMILIES), family, name

    return sorted(names, key=place)


def markdown_table() -> Iterator[str]:
    """The detectors that Lineup brings, by family, as a table in Markdown."""
    yield "| detector | family | what it is | after |"
    yield "|---|---|---|---|"
    for name in _by_family(catalogue.names()):
        recipe = catalogue.recipe(name)
        if not catalogue.distribution(recipe):
            card = recipe.card
            yield f"| `{name}` | {card.family} | {card.title} | {card.paper} |"


def as_json() -> str:
    """All that is installed, as JSON: cards with settings and options, protocols, degradations, profiles, layouts."""
    whole = {
        "detectors": [_card_as_values(name) for name in _by_family(catalogue.names())],
        "protocols": {name: protocol_catalogue.protocol_class(name).title for name in protocol_catalogue.names()},
        "degradations": {name: _degradation_as_values(kind) for name, kind in degradation_catalogue.kinds().items()},
        "profiles": {profile.name: _profile_as_values(profile) for profile in shipped_profiles()},
        "layouts": catalogue.installed("lineup.layouts"),
    }
    return json.dumps(whole, indent=1, ensure_ascii=False)


def _card_as_values(name: str) -> dict[str, Any]:
    recipes = [catalogue.recipe(name, setting) for setting in SETTINGS]
    settings = {
        recipe.setting: {
            **recipe.variant.to_dict(),
            "weights": {file.title: file.availability() for file in recipe.weight_files()},
            "gradient": has_gradient(recipe),
        }
        for recipe in recipes
    }
    options = {option.name: repr(default_of(option)) for option in options_of(recipes[0])}
    return {**asdict(recipes[0].card), "settings": settings, "options": options}


def _degradation_as_values(kind: DegradationKind | str) -> dict[str, Any]:
    if isinstance(kind, str):
        return {"missing": kind}
    return {"written": kind.written, "meaning": kind.meaning, "severities": kind.severities, "version": kind.version}


def _profile_as_values(profile: Profile) -> dict[str, Any]:
    return {name: value for name, value in asdict(profile).items() if name != "name"}


def degradation_table() -> Iterator[str]:
    """The degradations that Lineup brings, as a table in Markdown."""
    yield "| degradation | what it is | severities |"
    yield "|---|---|---|"
    for kind in degradation_catalogue.BUILT_IN.values():
        written = " or ".join(f"`{one}`" for one in kind.written.split(" or "))
        yield f"| {written} | {kind.meaning} | {', '.join(kind.severities)} |"


def long_list() -> Iterator[str]:
    """Lines of the list of detectors: one row each, with its input policy and what it was trained on beneath."""
    recipes = [[catalogue.recipe(name, setting) for setting in SETTINGS] for name in _by_family(catalogue.names())]
    rows = [_row(both) for both in recipes]
    widths, results = _widths([HEADER, *rows]), embedded_results()
    yield _aligned(HEADER, widths)
    for both, row in zip(recipes, rows, strict=True):
        yield _aligned(row, widths)
        yield from _variant_lines("input", "input_policy", both)
        yield from _variant_lines("trained on", "trained_on", both)
        yield from _result_lines(results.get(both[0].card.name))
    yield from ["", *wrap(LEGEND, WIDTH), ""]
    yield from protocol_titles()
    yield from ["", "degradations"]
    for name, kind in degradation_catalogue.kinds().items():
        yield from _degradation_lines(name, kind)
    yield from ["", "profiles"]
    for profile in shipped_profiles():
        yield from _labelled_lines(profile.name, f"{profile.about} {profile.source}.")
    yield from ["", *_labelled_lines("layouts", ", ".join(catalogue.installed("lineup.layouts")), "")]


def _result_lines(result: EmbeddedResult | None, indent: str = INDENT) -> Iterator[str]:
    """What the committed table of the embedded corpus says of a detector; nothing where it has no row."""
    if result is not None:
        yield from _labelled_lines("on the embedded corpus", result.text, indent)


def protocol_titles() -> Iterator[str]:
    """Lines of each protocol: its name and what it asks; beneath, its cells and its source where they are stated."""
    names = protocol_catalogue.names()
    width = max(map(len, names), default=0)
    yield "protocols"
    for name in names:
        kind = protocol_catalogue.protocol_class(name)
        yield f"{INDENT}{name.ljust(width)}  {kind.title}"
        yield from _further_lines(kind, INDENT + " " * (width + 2))


def _further_lines(kind: type[EvaluationProtocol], indent: str) -> Iterator[str]:
    """The cells of a protocol, which the first line of its docstring says, and its source."""
    cells = (kind.__doc__ or "").strip().splitlines()[:1]
    for label, text in (("cells", "".join(cells)), ("source", kind.source)):
        if text:
            yield from _labelled_lines(label, text, indent)


def _degradation_lines(name: str, kind: DegradationKind | str) -> list[str]:
    """What one degradation is, in a line or two."""
    if isinstance(kind, str):
        return _labelled_lines(name, kind)
    severities = f"; severities {', '.join(kind.severities)}" if kind.severities else ""
    return _labelled_lines(kind.written, kind.meaning + severities)


def _whole_degradation(name: str) -> Iterator[str]:
    """Lines of one kind of degradation: how it is written, its exact meaning, its severities and its version."""
    kind = degradation_catalogue.kinds()[name]
    if isinstance(kind, str):
        yield from _labelled_lines(name, kind, "")
        return
    yield from _labelled_lines("degradation", name, "")
    yield from _labelled_lines("written", f"{kind.written} ({kind.meaning})", "")
    means = (kind.apply.__doc__ or kind.meaning).partition("Args:")[0]  # what follows is for callers of the function
    yield from _labelled_lines("means", " ".join(means.split()), "")
    yield from _labelled_lines("severities", ", ".join(kind.severities) or "none", "")
    yield from _labelled_lines("on device", "by torch, within one level" if kind.by_torch else "no: on the CPU", "")
    yield from _labelled_lines("version", _degradation_version(kind), "")


def _degradation_version(kind: DegradationKind) -> str:
    """The version of a kind with the libraries that fix its pixels, or the sentence that says what is missing."""
    parameters = kind.parse(kind.severities[0]) if kind.severities else None
    try:
        return str(kind.version) if parameters is None else kind.identity(parameters)
    except UnknownDegradation as error:
        return f"{kind.version}; {error}"


def _whole_profile(name: str) -> Iterator[str]:
    """Lines of one profile: what it is, where it is from, its degradations and its score."""
    (profile,) = (one for one in shipped_profiles() if one.name == name)
    yield from _labelled_lines("profile", name, "")
    yield from _labelled_lines("version", str(profile.version), "")
    yield from _labelled_lines("about", profile.about, "")
    yield from _labelled_lines("source", profile.source, "")
    yield from _labelled_lines("degradations", ", ".join(profile.degradations), "")
    score = " + ".join(f"{weight:g} {outcome}" for outcome, weight in profile.score.items())
    yield from _labelled_lines("score", score or "none", "")


def in_full(name: str) -> Iterator[str]:
    """Lines of a detector's card, else of the protocol of that name, else of the degradation, else of the profile.

    Raises:
        UnknownName: Neither is installed under that name.
    """
    if name in catalogue.names():
        return whole_card(name)
    if name in protocol_catalogue.names():
        return _whole_protocol(name)
    if name in degradation_catalogue.names():
        return _whole_degradation(name)
    if name in profile_names():
        return _whole_profile(name)
    known = sorted({*catalogue.names(), *protocol_catalogue.names(), *degradation_catalogue.names(), *profile_names()})
    kinds = "detector, protocol, degradation or profile"
    raise catalogue.UnknownName(catalogue.unknown_name_message(kinds, name, known))


def _whole_protocol(name: str) -> Iterator[str]:
    """Lines of one protocol: what it asks, how answers are laid out, and its options with defaults and help.

    Raises:
        UnknownName: No such protocol is installed.
    """
    kind = protocol_catalogue.protocol_class(name)
    yield from _labelled_lines("protocol", name, "")
    yield from _labelled_lines("title", kind.title, "")
    if kind.__doc__:
        yield from _labelled_lines("asks", " ".join(kind.__doc__.split()), "")
    if kind.source:
        yield from _labelled_lines("source", kind.source, "")
    yield from _labelled_lines("matrix", f"rows {kind.view.rows}, columns {kind.view.columns}", "")
    yield "options, as in `lineup run --protocol NAME --option VALUE`:" if option_help(kind) else "options: none"
    types, by_name = protocol_catalogue.option_types(kind), {field.name: field for field in fields(kind)}
    for option, about in option_help(kind).items():
        default = protocol_catalogue.command_line_text(default_of(by_name[option]))
        text = f"{about} [default: {default}]" if default else about
        yield from _labelled_lines(f"--{option.replace('_', '-')} {protocol_catalogue.type_text(types[option])}", text)


def whole_card(name: str) -> Iterator[str]:
    """Lines of one card: every field, for each setting its size, its weights and how to get them, then options.

    Raises:
        UnknownName: No such detector is installed.
    """
    recipes = [catalogue.recipe(name, setting) for setting in SETTINGS]
    card = recipes[0].card
    for field in fields(card):
        if value := getattr(card, field.name):
            yield from _labelled_lines(field.name, str(value), "")
    for field in fields(Variant):
        if field.name != "size":
            yield from _variant_lines(field.name.replace("_", " "), field.name, recipes, "")
    for recipe in recipes:
        yield from _labelled_lines(f"{recipe.setting} setting", "; ".join([_size(recipe), *_weights(recipe)]), "")
    able = [recipe.setting for recipe in recipes if has_gradient(recipe)]
    yield from _labelled_lines("gradient", " and ".join(able) or "none: it can be no target of an attack", "")
    yield from _result_lines(embedded_results().get(name), "")
    defaults = [f"{field.name} = {field.default!r}" for field in options_of(recipes[0])]
    yield from _labelled_lines("options", ", ".join(defaults) or "none", "")


def _row(recipes: Sequence[Recipe]) -> tuple[str, ...]:
    card = recipes[0].card
    sizes = [recipe.variant.size for recipe in recipes]
    return (
        card.name,
        card.family,
        str(card.year or NONE),
        _joined_settings([NONE if size is None else _count(size.parameters) for size in sizes]),
        _joined_settings([NONE if size is None else f"{size.gflops:.3g}" for size in sizes]),
        _joined_settings([_weights_state(recipe) for recipe in recipes]),
    )


def _joined_settings(texts: Sequence[str]) -> str:
    return NONE if all(text == NONE for text in texts) else " / ".join(texts)


def _weights_state(recipe: Recipe) -> str:
    """The worst state of the weights that a recipe starts from."""
    states = {source.availability() for source in recipe.weight_files()}
    return next((state for state in (MISSING, FOUND, SHIPPED) if state in states), NONE)


def _weights(recipe: Recipe) -> list[str]:
    """What each source of weights is, and how to get what is missing."""
    lines = []
    for source in recipe.weight_files():
        state = source.availability()
        lines.append(f"weights {source.title}: {state}" + (f" ({source.advice})" if state == MISSING else ""))
    return lines or ["starts from no weights"]


def _size(recipe: Recipe) -> str:
    size = recipe.variant.size
    if size is None:
        return "no network of its own"
    return f"{size.parameters:,} parameters, {size.gflops:.3g} GFLOPs for one image"


def _count(parameters: int) -> str:
    """Such as 23.5M or 310k."""
    return f"{parameters / 1e6:.1f}M" if parameters >= 1e6 else f"{parameters / 1e3:.0f}k"


def _variant_lines(label: str, name: str, recipes: Sequence[Recipe], indent: str = INDENT) -> Iterator[str]:
    """One text of the variants: of both settings together where they are alike, else of each that has one."""
    texts = {f"{label}, {recipe.setting}": getattr(recipe.variant, name) for recipe in recipes}
    different = set(texts.values())
    for full, text in ({label: different.pop()} if len(different) == 1 else texts).items():
        if text:
            yield from _labelled_lines(full, text, indent)


def _pairs(rows: Sequence[tuple[str, ...]]) -> Iterator[tuple[tuple[str, ...], str]]:
    """Each row with the first text of the row before."""
    yield from zip(rows, ["", *(row[0] for row in rows[:-1])], strict=True)


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """A header and rows, every column as wide as its longest text."""
    widths = _widths([header, *rows])
    for row in (header, *rows):
        yield _aligned(row, widths)


def _widths(rows: Sequence[Sequence[str]]) -> list[int]:
    return [max(map(len, column)) for column in zip(*rows, strict=True)]


def _aligned(texts: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(text.ljust(width) for text, width in zip(texts, widths, strict=True)).rstrip()


def _labelled_lines(label: str, text: str, indent: str = INDENT) -> list[str]:
    """A labelled text within the width, its further lines under its first."""
    further = indent + INDENT
    return wrap(f"{label}: {text}", WIDTH, initial_indent=indent, subsequent_indent=further, break_on_hyphens=False)
