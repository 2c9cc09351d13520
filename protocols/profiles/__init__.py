"""Named profiles: lists of degradations as data files with a version, such as what platforms do to an image.

A profile stands wherever a list of degradations does: by its name, or as the path of a file of one's own that ends in
`.toml`. A relative path begins in the working folder; in a protocol of one's own, in the folder of its file. The files
beside this module are examples of the form:

    version = 1
    about = "One line."
    source = "Where the list is from."
    degradations = ["jpeg:90", "lr:512+jpeg:75"]

    [score]  # optional: one number of it all, as weights of outcomes that the report shows
    clean_auc = 0.5
    pooled_auc = 0.5
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from protocols.toml_files import UnreadableToml, read_toml

SUFFIX = ".toml"
FOLDER = Path(__file__).parent
WORKING_FOLDER = Path()
TEXTS = ("about", "source")
OUTCOMES = frozenset({"clean_auc", "pooled_auc", "mean", "flip_rate"})  # that a score may weigh, each in [0, 1]


class WrongProfile(ValueError):
    """A file that is no profile. The message says what to do."""


@dataclass(frozen=True, slots=True)
class Profile:
    """A named list of degradations.

    Attributes:
        name: As users write it; the path of a file of their own.
        version: Rises when the list changes.
        about: One line.
        source: Where the list is from.
        degradations: Chains as users write them, beside clean images.
        score: Weight by outcome, for one number of it all; empty for none.
    """

    name: str
    version: int
    about: str
    source: str
    degradations: tuple[str, ...]
    score: Mapping[str, float] = field(default_factory=dict)


def profile_names() -> list[str]:
    """Names of the profiles that ship, in alphabetical order."""
    return sorted(path.stem for path in FOLDER.glob(f"*{SUFFIX}"))


def shipped_profiles() -> list[Profile]:
    """The profiles that ship, in alphabetical order of their names."""
    return [_read(FOLDER / f"{name}{SUFFIX}", name) for name in profile_names()]


def find_profile(text: str, folder: Path = WORKING_FOLDER) -> Profile | None:
    """The profile of that name or in that file; None for a text that names none. Raises `WrongProfile`.

    Args:
        text: What may be one.
        folder: Where a relative path begins.
    """
    if text.endswith(SUFFIX):
        return _read(folder / Path(text).expanduser(), text)
    return _read(FOLDER / f"{text}{SUFFIX}", text) if text in profile_names() else None


def expanded(texts: Iterable[str], folder: Path = WORKING_FOLDER) -> list[str]:
    """Degradations with those of a profile in place of its name. Raises `WrongProfile`.

    Args:
        texts: Degradations and profiles.
        folder: Where the relative path of a profile begins.
    """
    found = ((text, find_profile(text, folder)) for text in texts)
    return [chain for text, profile in found for chain in (profile.degradations if profile else (text,))]


def _read(path: Path, name: str) -> Profile:
    try:
        facts = read_toml(path)
    except UnreadableToml as error:
        msg = f"profile {name} cannot be read ({error}); give {', '.join(profile_names())}, or a TOML file"
        raise WrongProfile(msg) from error
    fault = _fault(facts)
    if fault:
        msg = f"profile {name} {fault}; mend it, the shipped ones are examples: {FOLDER}"
        raise WrongProfile(msg)
    chains = tuple(facts["degradations"])
    return Profile(name, facts["version"], facts["about"], facts["source"], chains, facts.get("score", {}))


def _fault(facts: Mapping[str, Any]) -> str:
    """What is wrong with the content of a file; "" for nothing."""
    known = {"version", *TEXTS, "degradations", "score"}
    chains, score = facts.get("degradations"), facts.get("score", {})
    if unknown := sorted(facts.keys() - known):
        return f"has {unknown[0]!r}, and only {', '.join(sorted(known))} are known"
    if type(facts.get("version")) is not int or any(not isinstance(facts.get(name), str) for name in TEXTS):
        return "needs a version that is a whole number, and the texts about and source"
    if not isinstance(chains, list) or not chains or not all(isinstance(chain, str) for chain in chains):
        return "needs degradations, a list of texts"
    if not isinstance(score, dict) or not score.keys() <= OUTCOMES or not all(map(_is_number, score.values())):
        return f"has a score that is no table of weights of {', '.join(sorted(OUTCOMES))}"
    return ""


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
