"""The reference pages that are written from the code: detectors, protocols, degradations, columns, commands.

    .venv/bin/python docs/references.py    # writes docs/reference/*.md anew; `make readme` does it

They are committed, so that they can be read without building anything; a test holds them equal to the code.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from textwrap import wrap
from types import MappingProxyType
from typing import Any

from typer.main import get_command

from bench.command.card_texts import degradation_table, markdown_table
from bench.command.main import app
from bench.command.menu.lazy_group import whole_commands
from bench.explanations.texts import as_markdown
from bench.report.embedded_results import embedded_results, results_as_markdown
from bench.request import protocol_catalogue
from detectors import catalogue
from detectors.api import Recipe, Variant
from detectors.card import SETTINGS, Card
from detectors.differentiable import has_gradient
from detectors.identity import default_of, options_of
from protocols.api import option_help
from protocols.degradations import DegradationKind
from protocols.degradations.catalogue import BUILT_IN
from protocols.profiles import shipped_profiles

WIDTH = 130
FOLDER = Path(__file__).parent / "reference"
OF_THIS_MACHINE = {"workers": "one for each CPU"}  # defaults that differ from machine to machine
OWN_TITLES = {"name", "title", "shortcut"}  # fields of a card that stand elsewhere


def _cell(text: str) -> str:
    """A text as the cell of a table."""
    return " ".join(str(text).split()).replace("|", "&#124;").replace("<", "&lt;")


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _intro(title: str, text: str) -> Iterator[str]:
    """The head of a page: its title, and a paragraph."""
    yield from (f"# {title}", "", *wrap(text, WIDTH, break_long_words=False, break_on_hyphens=False), "")


def _facts(pairs: Iterable[tuple[str, str]]) -> Iterator[str]:
    """A list of labelled texts; empty ones are left out."""
    for label, text in pairs:
        if text:
            yield f"- {label}: {' '.join(text.split()).replace('<', '&lt;')}"


def board_page() -> Iterator[str]:
    """Every detector on the embedded corpus."""
    yield from _intro(
        "Every detector on the embedded corpus",
        "`make bench DETECTORS=all`, one training seed: trained on each generator, tested on each. In the order "
        "of their averages, which is no ranking: it is one seed. [The page of the "
        "example](../../results/example/report.html) tests the pairs. † At chance: the interval of its balanced "
        "accuracy on its own generator holds 50%, which is no evidence against the method. Where one generator is "
        "trained on at a time, two stages are one, and a classifier over generators is a binary one. What the "
        "corpus is: [the embedded corpus](../embedded-corpus.md).",
    )
    yield from results_as_markdown()


def detectors_page() -> Iterator[str]:
    """The table of detectors, and the card of each."""
    yield from _intro(
        "Detectors: table and cards",
        "Every detector that Lineup brings, from its card. `lineup list --long NAME` prints a card with the state "
        "of its weights on your machine; a result on the embedded corpus says nothing of real images.",
    )
    yield from markdown_table()
    for name in catalogue.names():
        recipes = [catalogue.recipe(name, setting) for setting in SETTINGS]
        if not catalogue.distribution(recipes[0]):
            yield from ("", f"## `{name}`", "", recipes[0].card.title + ".", "")
            yield from _facts(_card(recipes))


def _card(recipes: list[Recipe]) -> Iterator[tuple[str, str]]:
    """Label and text of everything that a card says, whatever the machine."""
    card = recipes[0].card
    for field in fields(Card):
        if field.name not in OWN_TITLES:
            yield field.name, str(getattr(card, field.name) or "")
    for field in fields(Variant):
        if field.name != "size":
            texts = [str(getattr(recipe.variant, field.name)) for recipe in recipes]
            yield from _by_setting(field.name.replace("_", " "), recipes, texts)
    yield from _by_setting("network", recipes, [_network(recipe) for recipe in recipes])
    weights = ["; ".join(file.title for file in recipe.weight_files()) or "none" for recipe in recipes]
    yield from _by_setting("starts from weights", recipes, weights)
    able = " and ".join(recipe.setting for recipe in recipes if has_gradient(recipe))
    yield "can be attacked in the settings", able or "none: it has no gradient"
    if result := embedded_results().get(card.name):
        yield "on the embedded corpus", result.text
    options = ", ".join(f"`{field.name}={default_of(field)}`" for field in options_of(recipes[0]))
    yield "options with their defaults", options or "none"


def _by_setting(label: str, recipes: list[Recipe], texts: list[str]) -> Iterator[tuple[str, str]]:
    """One text where the settings are alike, else one of each."""
    if len(set(texts)) == 1:
        yield label, texts[0]
        return
    for recipe, text in zip(recipes, texts, strict=True):
        yield f"{label}, {recipe.setting}", text


def _network(recipe: Recipe) -> str:
    size = recipe.variant.size
    return "" if size is None else f"{size.parameters:,} parameters, {size.gflops:.3g} GFLOPs for one image"


def protocols_page() -> Iterator[str]:
    """The table of protocols, and the options of each."""
    yield from _intro(
        "Protocols: table and options",
        "Every protocol that Lineup brings. [Which question](../questions.md) says in words what each asks. An "
        "option of a protocol stands behind `lineup run --protocol NAME`.",
    )
    yield from ("| protocol | rows and columns | source |", "|---|---|---|")
    kinds = {name: protocol_catalogue.protocol_class(name) for name in protocol_catalogue.names()}
    own = {name: kind for name, kind in kinds.items() if kind.__module__.startswith("protocols.")}
    for name, kind in own.items():
        yield _row(f"[`{name}`](#{name})", _cell(kind.title), _cell(kind.source))
    for name, kind in own.items():
        yield from ("", f"## `{name}`", "", " ".join((kind.__doc__ or "").split()).replace("<", "&lt;"), "")
        types, by_name = protocol_catalogue.option_types(kind), {field.name: field for field in fields(kind)}
        for option, about in option_help(kind).items():
            default = protocol_catalogue.command_line_text(default_of(by_name[option]))
            flag = f"--{option.replace('_', '-')} {protocol_catalogue.type_text(types[option])}"
            yield f"- `{flag}`: {_cell(about)}" + (f" Default: `{default}`." if default else "")
        if not option_help(kind):
            yield "No options."


def degradations_page() -> Iterator[str]:
    """The table of degradations, the exact meaning of each, and the profiles."""
    yield from _intro(
        "Degradations and profiles: table and exact meaning",
        "Numbers stand behind a colon, in their order; `+` joins degradations into a chain, applied from left to "
        "right. See [degrade images](../how-to/degrade.md).",
    )
    yield from degradation_table()
    for name, kind in BUILT_IN.items():
        yield from ("", f"## `{name}`", "")
        yield from _facts(_degradation(kind))
    yield from ("", "## Profiles", "", "| profile | version | about | source | degradations |", "|---|---|---|---|---|")
    for profile in shipped_profiles():
        listed = ", ".join(f"`{one}`" for one in profile.degradations)
        yield _row(f"`{profile.name}`", str(profile.version), _cell(profile.about), _cell(profile.source), listed)


def _degradation(kind: DegradationKind) -> Iterator[tuple[str, str]]:
    yield "written", ", ".join(f"`{one}`" for one in kind.written.split(" or ")) + f" ({kind.meaning})"
    yield "means", (kind.apply.__doc__ or kind.meaning).partition("Args:")[0]
    yield "severities", ", ".join(kind.severities)
    yield "on the device", "by torch, with `--degrade-on device`" if kind.by_torch else "no: on the CPU"
    yield "version", str(kind.version)


def columns_page() -> Iterator[str]:
    """What every column means."""
    yield from _intro(
        "Every column of every table",
        "By table. A name in angle brackets stands for any: `<average> low` for `off-diagonal low`. A column that "
        "stands in several tables is explained in the first of them. `lineup explain COLUMN` prints one.",
    )
    for line in as_markdown():
        yield line.replace("### ", "## ", 1) if line.startswith("### ") else line


def commands_page() -> Iterator[str]:
    """Every command with its arguments and options."""
    yield from _intro(
        "Commands and their options",
        "From the parser of the command line. `lineup COMMAND --help` prints the same; protocols bring [options "
        "of their own](protocols.md) to `lineup run`.",
    )
    root: Any = get_command(app)
    yield from _command_lines("lineup", root, whole_commands())


def _command_lines(path: str, command: Any, commands: Mapping[str, Any]) -> Iterator[str]:  # noqa: ANN401 - as typer has it
    """A command and those below it, by name."""
    yield from ("", f"## `{path}`", "", *_paragraphs(command.help or ""), "")
    shown = [one for one in command.params if one.name != "help" and not getattr(one, "hidden", False)]
    if shown:
        yield from ("| argument or option | what it is | default |", "|---|---|---|")
    for one in shown:
        names = " ".join(f"`{text}`" for text in (*one.opts, *one.secondary_opts))
        if one.param_type_name == "argument":
            names = f"`{one.name.upper()}`"
        yield _row(names, _cell(one.help or ""), _cell(_default(one)))
    for name, below in commands.items():
        yield from _command_lines(f"{path} {name}", below, getattr(below, "commands", {}))


def _paragraphs(text: str) -> Iterator[str]:
    for part in text.replace("\f", "").replace("\b", "").replace("<", "&lt;").split("\n\n"):
        yield from (" ".join(part.split()), "")


def _default(parameter: Any) -> str:  # noqa: ANN401 - as typer has it
    """The default of a parameter in words, the same on every machine; empty where it says nothing."""
    if parameter.name in OF_THIS_MACHINE:
        return OF_THIS_MACHINE[parameter.name]
    if isinstance(parameter.show_default, str):
        return parameter.show_default
    if parameter.required:
        return "required"
    value = parameter.default
    if isinstance(value, bool):
        return f"`{(parameter.opts if value else parameter.secondary_opts)[0]}`" if parameter.secondary_opts else ""
    return "" if value is None or value == "" or callable(value) else f"`{value}`"


PAGES: Mapping[str, Callable[[], Iterator[str]]] = MappingProxyType(
    {
        "board.md": board_page,
        "detectors.md": detectors_page,
        "protocols.md": protocols_page,
        "degradations.md": degradations_page,
        "columns.md": columns_page,
        "commands.md": commands_page,
    }
)


def page_text(name: str) -> str:
    """The whole text of a page."""
    return "<!-- written by `make readme` from the code -->\n" + "\n".join(PAGES[name]()).strip() + "\n"


def main() -> None:
    """Write every page anew."""
    for name in PAGES:
        (FOLDER / name).write_text(page_text(name), encoding="utf-8")


if __name__ == "__main__":
    main()
