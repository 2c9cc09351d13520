"""Deterministic training, and the storage of its result."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import torch
from safetensors.torch import save_file
from torch import nn

from bench.platform.files import write_atomically

Result = TypeVar("Result")


def seeded(seed: int, make: Callable[[], Result]) -> Result:
    """Call `make` with torch's global random state seeded, and restore that state.

    Layers of torch draw their initial weights from the global generator and accept no other.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return make()


def save(network: nn.Module, path: Path) -> None:
    """Write the weights of a network in half precision."""
    tensors = {key: value.half().contiguous() for key, value in network.state_dict().items()}
    write_atomically(path, lambda temporary: save_file(tensors, temporary))


def save_with_card(network: nn.Module, card: dict[str, Any], out: Path) -> None:
    """Write the weights of a network as `<name>.safetensors` and its card, with their hash, as `<name>.json`.

    Args:
        network: The network.
        card: What is known of it; `name` among it.
        out: Folder that receives both files.
    """
    weights = out / f"{card['name']}.safetensors"
    save(network, weights)
    whole = card | {"sha256": hashlib.sha256(weights.read_bytes()).hexdigest()}
    weights.with_suffix(".json").write_text(json.dumps(whole, indent=2) + "\n", encoding="utf-8")
