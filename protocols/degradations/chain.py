"""Degradations as they are written: one kind with its parameters, or several joined with "+"."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import takewhile

from detectors.api import Sample
from protocols.degradations import catalogue
from protocols.degradations.kind import NONE, DegradationKind, Parameters, UnknownDegradation, facts_in_memory
from protocols.profiles import WrongProfile, expanded, profile_names


@dataclass(frozen=True, slots=True)
class Degradation:
    """A chain of degradations. Both classes are degraded alike, but where a subset says otherwise.

    Attributes:
        name: Canonical spelling, such as "jpeg:65" or "none".
        key: The name with the identity of the kind of each step: what changes the pixels.
        steps: Kinds and their parameters, in the order in which they are applied.
    """

    name: str
    key: str
    steps: tuple[tuple[DegradationKind, Parameters], ...]

    def __call__(self, sample: Sample) -> Sample:
        """Apply the chain to one sample; the sample is left alone.

        Whatever went through a step has facts that a step stated. A step that states none, as one that has nothing to
        do to a small image, leaves pixels in memory: else the facts of the file would tell which images it changed.
        """
        for kind, parameters in self.steps:
            degraded = kind.apply(sample, *parameters)
            states_facts = degraded.facts is not sample.facts
            facts = degraded.facts if states_facts else facts_in_memory(sample.facts, degraded.pixels)
            sample = Sample(degraded.pixels, facts)
        return sample

    def without_idle_steps(self, sizes: Collection[tuple[int, int]]) -> str:
        """The name of what is left without the first steps that change no pixel of images of these sizes.

        Args:
            sizes: Widths and heights in pixels.
        """
        steps = list(zip(self.name.split("+"), self.steps, strict=True)) if self.steps else []
        done = takewhile(lambda step: _is_idle(*step[1], sizes), steps)
        return "+".join(name for name, _ in steps[len(list(done)) :]) or NONE

    def on(self, device: str) -> Degradation:
        """The chain of the same name whose steps are computed by torch where their kinds have a way, under another key.

        Args:
            device: As torch names it; empty for a chain that the processor computes as it is.
        """
        if not (device and self.steps):
            return self
        names = self.name.split("+")
        return _of_steps(
            [(name, kind.on(device), found) for name, (kind, found) in zip(names, self.steps, strict=True)]
        )

    def apart(self) -> tuple[Degradation, ...]:
        """Its steps, each as a degradation of its own; applied one after the other they are the chain."""
        names = self.name.split("+") if self.steps else ()
        return tuple(_of_steps([(name, *step)]) for name, step in zip(names, self.steps, strict=True))


def _is_idle(kind: DegradationKind, parameters: Parameters, sizes: Collection[tuple[int, int]]) -> bool:
    return kind.idle is not None and all(kind.idle(*size, *parameters) for size in sizes)


def parse_degradation(text: str) -> Degradation:
    """Parse "none", "jpeg:65" or a chain such as "lr:112+jpeg:65". Raises `UnknownDegradation`."""
    if text == NONE:
        return Degradation(NONE, NONE, ())
    return _of_steps([_parse_step(part) for part in text.split("+")])


def _of_steps(steps: Sequence[tuple[str, DegradationKind, Parameters]]) -> Degradation:
    """The chain of some steps, each with its canonical spelling."""
    return Degradation(
        "+".join(name for name, _, _ in steps),
        "+".join(f"{name}@{kind.identity(parameters)}" for name, kind, parameters in steps),
        tuple((kind, parameters) for _, kind, parameters in steps),
    )


def canonical_steps(texts: Iterable[str]) -> tuple[str, ...]:
    """The canonical names of some degradations without `NONE`, each once; a profile stands for those that it lists.

    Raises:
        UnknownDegradation: One is not known, or a file is no profile.
    """
    try:
        chains = expanded(texts)
    except WrongProfile as error:
        raise UnknownDegradation(str(error)) from error
    return tuple(dict.fromkeys(name for text in chains if (name := parse_degradation(text).name) != NONE))


def _parse_step(text: str) -> tuple[str, DegradationKind, Parameters]:
    """The canonical spelling of one step of a chain, its kind and its parameters."""
    name, colon, written = text.partition(":")
    kind = catalogue.find(name)
    if kind is None:
        profiles = profile_names()
        near = get_close_matches(name, [*catalogue.names(), *profiles], n=1)
        hint = f"did you mean {near[0]}{colon}{written}? There" if near else "there"
        known = ", ".join([NONE, *catalogue.names()])
        further = f"chains joined with '+', and the profiles {', '.join(profiles)}"
        msg = f"degradation {text!r} is not known; {hint} is {known}, {further}"
        raise UnknownDegradation(f"{msg}; `lineup list --long` says how each is written")
    parameters = kind.parse(written)
    if parameters is None:
        msg = f"degradation {text!r} is not known; {name} is written {kind.usage}"
        raise UnknownDegradation(msg)
    spelling = kind.spell(written, parameters)
    return f"{name}:{spelling}" if spelling else name, kind, parameters
