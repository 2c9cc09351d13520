#!/usr/bin/env bash
# torch 2.12.1: `torch.use_deterministic_algorithms(True)` was expected to choose among kernels, and to raise where none is deterministic.
# It also fills every new tensor, on a CPU too: floats of `torch.empty` are NaN, whole numbers the largest of their type. In a training
# step of a small network that is a `fill_` for each map, gradient and moment that an operation is about to write. Without
# `torch.utils.deterministic.fill_uninitialized_memory` there is none, and the weights are the same to the bit.
set -euo pipefail
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT
python3 -m venv "$here/venv"
"$here/venv/bin/pip" install --quiet --disable-pip-version-check 'torch==2.12.1' 'numpy==2.4.6'
cat >"$here/fills.py" <<'PY'
import torch
from torch.profiler import ProfilerActivity, profile

settings = torch.utils.deterministic


def trained(*, algorithms, filled):
    """How often a training step fills a tensor, and the weights after three."""
    torch.use_deterministic_algorithms(algorithms)
    settings.fill_uninitialized_memory = filled
    torch.manual_seed(0)
    torch.set_num_threads(1)
    network = torch.nn.Sequential(
        torch.nn.Conv2d(3, 16, 3), torch.nn.BatchNorm2d(16), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.Linear(3136, 1)
    )
    optimiser = torch.optim.AdamW(network.parameters())
    images, counts = torch.randn(8, 3, 16, 16), []
    for _ in range(3):
        with profile(activities=[ProfilerActivity.CPU]) as watched:
            optimiser.zero_grad()
            network(images).square().mean().backward()
            optimiser.step()
        counts.append(sum(event.count for event in watched.key_averages() if event.key == "aten::fill_"))
    return counts[-1], torch.cat([weights.detach().flatten() for weights in network.parameters()])


print("torch", torch.__version__)
torch.use_deterministic_algorithms(True)
print("empty floats:", torch.empty(2).tolist(), "empty bytes:", torch.empty(2, dtype=torch.uint8).tolist())
assert torch.empty(1000).isnan().all()
assert (torch.empty(1000, dtype=torch.uint8) == 255).all()
plain, plain_weights = trained(algorithms=False, filled=True)
both, weights = trained(algorithms=True, filled=True)
without, other_weights = trained(algorithms=True, filled=False)
print(f"fills in a training step: {plain} without the flag, {both} with it, {without} with it and no filling")
assert both >= plain + 20
assert without == plain
assert torch.equal(weights, other_weights) and torch.equal(weights, plain_weights)
PY
"$here/venv/bin/python" "$here/fills.py" 2>/dev/null
