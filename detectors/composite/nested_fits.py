"""Fits within a fit: train sets divided, runtimes and states of members."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from detectors.api import Runtime, State, TrainSet
from detectors.training.validation_split import hold_out


def divided(train: TrainSet, share: float, seed: int) -> tuple[TrainSet, TrainSet]:
    """A train set in two, the second with this share of each class. Raises what `hold_out` raises."""
    kept, aside = hold_out(train, share, f"{seed}/aside")
    return train.part(kept), train.part(aside)


def within(runtime: Runtime, name: str) -> Runtime:
    """The same runtime for one of several fits inside of a fit: a folder of its own, and nobody watches."""
    folder = None if runtime.checkpoint_folder is None else runtime.checkpoint_folder / name
    return replace(runtime, checkpoint_folder=folder, on_epoch=None)


def joined(states: Mapping[str, State]) -> State:
    """Several states as one."""
    return {f"{name}/{key}": array for name, state in states.items() for key, array in state.items()}


def parted(state: State, name: str) -> State:
    """One of the states that were joined."""
    return {key.partition("/")[2]: array for key, array in state.items() if key.partition("/")[0] == name}
