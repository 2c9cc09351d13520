"""A CLIP that is small enough for tests, and images of every size beside its own."""

from detectors.checks import texture

WIDTH, BLOCKS, SIDE = 32, 3, 56
CONFIG = {
    "embed_dim": 24,
    "quick_gelu": True,
    "vision_cfg": {"image_size": SIDE, "layers": BLOCKS, "width": WIDTH, "head_width": 16, "patch_size": 14},
    "text_cfg": {"context_length": 8, "vocab_size": 64, "width": 16, "heads": 2, "layers": 1},
}
IMAGES = [texture("large", 90, 100), texture("small", 40, 64), texture("exact", SIDE, SIDE)]
