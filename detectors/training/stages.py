"""The stages in which networks that several recipes share are fine-tuned: `NetworkVariant.stages`."""

from __future__ import annotations

Stages = tuple[tuple[str, ...], ...]  # the top first; of each stage, prefixes of the names of its parameters

RESNET_STAGES: Stages = (("fc",), ("layer4",), ("layer3",), ("layer2",), ("layer1",))
SMALL_RESNET_STAGES: Stages = (("fc",), ("layer3",), ("layer2",), ("layer1",))
CELL_NET_STAGES: Stages = (("fc",), ("features",))
DEIT_STAGES: Stages = (  # of twelve blocks
    ("head",),
    ("norm", "blocks.11", "blocks.10", "blocks.9"),
    ("blocks.8", "blocks.7", "blocks.6"),
    ("blocks.5", "blocks.4", "blocks.3"),
    ("blocks.2", "blocks.1", "blocks.0"),
)
SMALL_DEIT_STAGES: Stages = (("head",), ("norm", "blocks.2"), ("blocks.1",), ("blocks.0",))
