"""The one way to get weights: a local file, a file of the hub, or one that ships with the package.

A file is found and hashed when a detector is put together and read when it is first used. Nothing here runs code
from a file or leaves a network partly loaded: what does not fit is an error, what is missing is `Unavailable`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from itertools import chain
from pathlib import Path
from pickle import UnpicklingError
from typing import TYPE_CHECKING, Any

import numpy as np

from detectors.api import State, Unavailable
from detectors.weight_file import HashedFile, hashed_file

if TYPE_CHECKING:
    from torch import Tensor, nn

SHIPPED = Path(__file__).parent / "shipped"
SHOWN = 4  # names of each kind in an error
COUNTER = "num_batches_tracked"  # of batch normalisation: no score depends on it and older files lack it
PATIENCE = 3.0  # seconds for the hub to answer


class WrongWeights(ValueError):
    """A file that does not hold the weights asked for. The message says what it holds."""


def shipped(name: str) -> HashedFile:
    """Weights that ship with the package, checked against the hash on their card.

    Raises:
        Unavailable: The package was installed without them.
        WrongWeights: The file is not the one that the card describes.
    """
    path = SHIPPED / f"{name}.safetensors"
    if not path.is_file():
        msg = f"{path.name} does not lie in {SHIPPED}: install the package with its data files"
        raise Unavailable(msg)
    weights, promised = hashed_file(path), shipped_card(name)["sha256"]
    if weights.sha256 != promised:
        msg = f"{path} has sha256 {weights.sha256}, its card says {promised}: install the package again"
        raise WrongWeights(msg)
    return weights


def shipped_card(name: str) -> dict[str, Any]:
    """What is known of weights that ship with the package. Raises `Unavailable` when the card is not there."""
    path = SHIPPED / f"{name}.json"
    if not path.is_file():
        msg = f"{path.name} does not lie in {SHIPPED}: install the package with its data files"
        raise Unavailable(msg)
    card: dict[str, Any] = json.loads(path.read_text())
    return card


def hub(repository: str, *names: str) -> HashedFile:
    """Weights from the Hugging Face hub: from its local cache, else downloaded.

    Args:
        repository: "owner/name".
        *names: File names, the preferred one first; the first that exists is taken.

    Raises:
        Unavailable: The file is not in the cache, and the hub does not answer at once or does not have it.
    """
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import EntryNotFoundError, HfHubHTTPError

    if there := cached(repository, *names):
        return there
    for name in names:
        if not _hub_answers(repository, name):
            break
        try:
            return hashed_file(Path(hf_hub_download(repository, name)))
        except EntryNotFoundError:
            continue
        except (HfHubHTTPError, OSError):
            break
    msg = (
        f"could not get {' or '.join(names)} of hub repository {repository}: connect to the hub, "
        "or download the file elsewhere and give its path"
    )
    raise Unavailable(msg)


def cached(repository: str, *names: str) -> HashedFile | None:
    """The first of some files in the local cache of the Hugging Face hub."""
    from huggingface_hub import try_to_load_from_cache

    for name in names:
        there = try_to_load_from_cache(repository, name)
        if isinstance(there, str):
            return hashed_file(Path(there))
    return None


def torch_hub_cache(*names: str) -> HashedFile | None:
    """The first of some files in torch's own download cache. The eight hex digits in such a name begin its hash."""
    for name in names:
        path = torch_hub() / "checkpoints" / name
        if path.is_file() and (found := hashed_file(path)).sha256.startswith(path.stem.rpartition("-")[2]):
            return found
    return None


def torch_hub() -> Path:
    """Torch's own download folder, found as torch finds it but without importing torch."""
    cache = os.environ.get("XDG_CACHE_HOME", "~/.cache")
    return Path(os.environ.get("TORCH_HOME", f"{cache}/torch")).expanduser() / "hub"


def read(weights: HashedFile, entry: str | None = None) -> dict[str, Tensor]:
    """Read all tensors of a file onto the CPU, by name.

    Args:
        weights: A `.safetensors` file, or a file of `torch.save` that holds tensors in plain containers.
        entry: Where a `torch.save` file nests its tensors, if it does; one that holds nothing but tensors is read too.

    Raises:
        WrongWeights: The file holds something else, or cannot be read without running code from it.
    """
    return _tensors(_held(weights.path), entry, weights.path)


def read_tensor(weights: HashedFile) -> Tensor:
    """Read the one tensor of a file of `torch.save` onto the CPU. Raises `WrongWeights` for anything else."""
    import torch

    held = _held(weights.path)
    if not isinstance(held, torch.Tensor):
        msg = f"{weights.path} holds a {type(held).__name__}, not one tensor: give the published file"
        raise WrongWeights(msg)
    return held


def unwrapped(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Tensors without the `module.` that data-parallel training puts before the names of all of them."""
    wrapped = all(name.startswith("module.") for name in tensors)
    return {name.removeprefix("module.") if wrapped else name: tensor for name, tensor in tensors.items()}


def load_strict(network: nn.Module, tensors: Mapping[str, Tensor], source: object) -> None:
    """Fill every weight of a network, which may lie on the meta device, from tensors of the same names and shapes.

    Args:
        network: Changed in place; keeps its own dtypes.
        tensors: All of its weights and nothing else; counters of batch normalisation may be absent.
        source: Where the tensors come from, for the message.

    Raises:
        WrongWeights: Names or shapes differ; the network is as it was.
    """
    import torch

    wanted = network.state_dict()
    complete = {name: torch.zeros((), dtype=torch.long) for name in wanted if name.endswith(COUNTER)} | dict(tensors)
    complaints = list(_complaints(wanted, complete))
    if complaints:
        msg = f"{source} does not fit {type(network).__name__}: {'; '.join(complaints)}: give the file made for it"
        raise WrongWeights(msg)
    typed = {name: complete[name].to(wanted[name].dtype) for name in wanted}
    network.load_state_dict(typed, strict=True, assign=True)
    if any(tensor.is_meta for tensor in chain(network.parameters(), network.buffers())):
        msg = f"{type(network).__name__} has buffers that its files do not hold: do not build it on the meta device"
        raise WrongWeights(msg)


def to_state(network: nn.Module) -> State:
    """Every weight of a network as an array on the CPU, by name."""
    return {name: tensor.detach().cpu().numpy().copy() for name, tensor in network.state_dict().items()}


def from_state(network: nn.Module, state: State) -> None:
    """Fill a network strictly from what `to_state` gave. Raises `WrongWeights` for anything else."""
    import torch

    load_strict(network, {name: torch.from_numpy(np.array(array)) for name, array in state.items()}, "the state")


def _hub_answers(repository: str, name: str) -> bool:
    """Whether the hub answers at all: the client alone would retry for half a minute."""
    from huggingface_hub import get_session, hf_hub_url

    try:
        get_session().head(hf_hub_url(repository, name), timeout=PATIENCE)
    except Exception:  # noqa: BLE001 - the client's transport decides what it raises, and every error says "no"
        return False
    return True


def _held(path: Path) -> object:
    """What a file holds, read without running code from it."""
    import torch
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        return torch.load(path, map_location="cpu", weights_only=True)
    except (SafetensorError, UnpicklingError, RuntimeError, EOFError, KeyError, ValueError, TypeError) as error:
        reason = str(error).strip().partition("\n")[0]
        msg = f"{path} cannot be read as plain tensors ({reason}): give a .safetensors file or a state dict"
        raise WrongWeights(msg) from error


def _tensors(held: object, entry: str | None, path: Path) -> dict[str, Tensor]:
    import torch

    if isinstance(held, Mapping):
        inner = held.get(entry, held) if entry else held
        if isinstance(inner, Mapping) and inner and all(isinstance(value, torch.Tensor) for value in inner.values()):
            return {str(name): tensor for name, tensor in inner.items()}
    found = f"a {type(held).__name__}" + (f" of {_some(list(map(str, held)))}" if isinstance(held, Mapping) else "")
    wanted = f"tensors, or tensors under {entry!r}" if entry else "tensors"
    msg = f"{path} holds {found}, not {wanted}: give the published file"
    raise WrongWeights(msg)


def _complaints(wanted: Mapping[str, Tensor], found: Mapping[str, Tensor]) -> Iterator[str]:
    if missing := sorted(wanted.keys() - found.keys()):
        yield f"missing {_some(missing)}"
    if unexpected := sorted(found.keys() - wanted.keys()):
        yield f"unexpected {_some(unexpected)}"
    common = sorted(wanted.keys() & found.keys())
    if misfits := [name for name in common if found[name].shape != wanted[name].shape]:
        yield _some([f"{name} is {tuple(found[name].shape)}, not {tuple(wanted[name].shape)}" for name in misfits])


def _some(names: list[str]) -> str:
    rest = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + rest
