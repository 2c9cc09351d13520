"""Weights of open_clip models that recipes name: model, tag and file, without importing open_clip."""

from __future__ import annotations

from detectors.weights.files import HubFile

OPENAI = ("ViT-L-14-quickgelu", "openai")  # plain ViT-L-14 has another GELU than these weights
DATACOMP = ("ViT-L-14", "datacomp_xl_s13b_b90k")
COMMONPOOL = ("ViT-L-14", "commonpool_xl_s13b_b90k")

OPEN_CLIP_FILES = ("open_clip_model.safetensors", "open_clip_pytorch_model.bin")

# the files that open_clip downloads for them, so that they are found without importing it
HUB_FILES = {
    OPENAI: HubFile("timm/vit_large_patch14_clip_224.openai", OPEN_CLIP_FILES),
    DATACOMP: HubFile("laion/CLIP-ViT-L-14-DataComp.XL-s13B-b90K", OPEN_CLIP_FILES),
    COMMONPOOL: HubFile("laion/CLIP-ViT-L-14-CommonPool.XL-s13B-b90K", OPEN_CLIP_FILES),
}
