"""Weights of open_clip models that recipes name: where they lie, without importing open_clip."""

from __future__ import annotations

from typing import TYPE_CHECKING

from detectors.weights.files import HubFile

if TYPE_CHECKING:
    pass

OPENAI = ("ViT-L-14-quickgelu", "openai")  # plain ViT-L-14 has another GELU than these weights


DATACOMP = ("ViT-L-14", "datacomp_xl_s13b_b90k")


COMMONPOOL = ("ViT-L-14", "commonpool_xl_s13b_b90k")


OPEN_CLIP_FILES = ("open_clip_model.safetensors", "open_clip_pytorch_model.bin")


# where open_clip has them from, so that they can be looked for without importing it
HUBS = {
    OPENAI: HubFile("timm/vit_large_patch14_clip_224.openai", OPEN_CLIP_FILES),
    DATACOMP: HubFile("laion/CLIP-ViT-L-14-DataComp.XL-s13B-b90K", OPEN_CLIP_FILES),
    COMMONPOOL: HubFile("laion/CLIP-ViT-L-14-CommonPool.XL-s13B-b90K", OPEN_CLIP_FILES),
}
