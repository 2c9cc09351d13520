"""Fits of several members within one fit: their train sets, runtimes and states."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from detectors.api import Runtime, State, TrainSet
from detectors.training.validation_split import hold_out


def split_train_set(train: TrainSet, share: float, seed: int) -> tuple[TrainSet, TrainSet]:
    """A train set to fit on, and one that holds out this share of each class. Raises what `hold_out` raises."""
    fitting, held_out = hold_out(train, share, f"{seed}/aside")
    return train.part(fitting), train.part(held_out)


def member_runtime(runtime: Runtime, name: str) -> Runtime:
    """The runtime of one member's fit: a checkpoint folder of its own, and no callback after its epochs."""
    folder = None if runtime.checkpoint_folder is None else runtime.checkpoint_folder / name
    return replace(runtime, checkpoint_folder=folder, on_epoch=None)


def join_states(states: Mapping[str, State]) -> State:
    """The states of several members, by name, as one."""
    return {f"{name}/{key}": array for name, state in states.items() for key, array in state.items()}


def state_of(state: State, name: str) -> State:
    """The state of one member, from what `join_states` gave."""
    return {key.partition("/")[2]: array for key, array in state.items() if key.partition("/")[0] == name}
