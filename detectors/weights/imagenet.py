"""Networks as they were trained on ImageNet: where their weights come from, and in which parts they are opened."""

from __future__ import annotations

from detectors.weights.files import HubFile

# names in torch's own cache: first torchvision's today, then that of its first years
CACHED = {
    "resnet18": ("resnet18-f37072fd.pth", "resnet18-5c106cde.pth"),
    "resnet34": ("resnet34-b627a593.pth", "resnet34-333f7ec4.pth"),
    "resnet50": ("resnet50-0676ba61.pth", "resnet50-19c8e357.pth"),
}
# of a DeiT of twelve blocks, the top first, as `NetworkRecipe.stages` has them
DEIT_STAGES = (
    ("head",),
    ("norm", "blocks.11", "blocks.10", "blocks.9"),
    ("blocks.8", "blocks.7", "blocks.6"),
    ("blocks.5", "blocks.4", "blocks.3"),
    ("blocks.2", "blocks.1", "blocks.0"),
)


def imagenet(name: str) -> HubFile:
    """Torchvision's first weights of a residual network: from torch's own cache, or from the hub."""
    return HubFile(f"timm/{name}.tv_in1k", in_torch=CACHED[name])
