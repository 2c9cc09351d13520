"""GRIP's detector: what comes before the projection, to unit length, and heads as they were published."""

import numpy as np
import open_clip
import pytest
import torch
from PIL import Image as PillowImage
from safetensors.torch import save_file
from torchvision import transforms
from torchvision.transforms import InterpolationMode

from detectors.api import Runtime, Unavailable
from detectors.architectures.support.initial_weights import on_meta_device
from detectors.checks import ToyTrainSet, same_state, sample, texture
from detectors.embedders.clip import ClipEmbedder
from detectors.embedders.clip_tower import ClipTower, find_tower
from detectors.foundation.clip_grip import COMMONPOOL, ClipGrip
from detectors.foundation.clip_probe import ClipLayers, ClipProbe
from detectors.preprocessing.augmentation import CLIP_MEAN, CLIP_STD
from detectors.weight_file import WrongWeights

WIDTH, SIDE = 32, 56
CONFIG = {
    "embed_dim": 24,
    "vision_cfg": {"image_size": SIDE, "layers": 2, "width": WIDTH, "head_width": 16, "patch_size": 14},
    "text_cfg": {"context_length": 8, "vocab_size": 64, "width": 16, "heads": 2, "layers": 1},
}
IMAGES = [texture("wide", 90, 150), texture("small", 40, 33), texture("exact", SIDE, SIDE), texture("tall", 75, SIDE)]


def tiny(**changes):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = open_clip.CLIP(**(CONFIG | changes)).eval()
        torch.nn.init.normal_(model.visual.ln_post.weight)  # else every token has one length
    return model


@pytest.fixture(scope="module")
def model():
    return tiny()


@pytest.fixture
def known(monkeypatch):
    """open_clip knows one more model, whose configuration is the value of "tiny"."""
    configs = {"tiny": CONFIG}
    monkeypatch.setattr(open_clip, "get_model_config", configs.get)
    return configs


@pytest.fixture
def recipe(model, tmp_path, known):
    save_file(model.state_dict(), tmp_path / "tiny.safetensors")
    return ClipGrip("paper", "tiny", str(tmp_path / "tiny.safetensors"))


def expected(model):
    """Unit vectors as upstream computes them: by open_clip itself, with its projection taken away."""
    shown = transforms.Compose(
        [
            transforms.Resize(SIDE, interpolation=InterpolationMode.BICUBIC),
            transforms.CenterCrop((SIDE, SIDE)),
            transforms.ToTensor(),
            transforms.Normalize(CLIP_MEAN, CLIP_STD),
        ]
    )
    batch = torch.stack([shown(PillowImage.fromarray(image)) for image in IMAGES])
    projection, model.visual.proj = model.visual.proj, None
    with torch.inference_mode():
        features = model.encode_image(batch, normalize=True)
    model.visual.proj = projection
    return features


def scores_of(detector, images=IMAGES):
    return detector.score([detector.prepare(sample(image)) for image in images])


def paper_weights(path, entry="model", prefix="", **changes):
    rng = torch.Generator().manual_seed(0)
    head = {"fc.weight": torch.randn(1, WIDTH, generator=rng), "fc.bias": torch.randn(1, generator=rng)} | changes
    held = {prefix + name: tensor for name, tensor in head.items() if tensor is not None}
    torch.save({entry: held} if entry else held, path)
    return path


def test_embedding_comes_before_the_projection(model, recipe):
    embedder = recipe.embedder(Runtime())
    found = embedder.embed([embedder.prepare(sample(image)) for image in IMAGES])
    assert found.dtype == np.float32
    assert found.shape == (len(IMAGES), WIDTH) == (len(IMAGES), embedder.dim)
    lengths = np.linalg.norm(found, axis=1, keepdims=True)
    assert np.abs(lengths - 1).min() > 0.1
    assert found / lengths == pytest.approx(expected(model).numpy(), abs=1e-5)


def test_published_tower_has_1024_features():
    assert COMMONPOOL[1] in open_clip.list_pretrained_tags_by_model(COMMONPOOL[0])
    where = open_clip.get_pretrained_cfg(*COMMONPOOL)
    assert where["hf_hub"].strip("/") == "laion/CLIP-ViT-L-14-CommonPool.XL-s13B-b90K"
    assert (tuple(where["mean"]), tuple(where["std"])) == (CLIP_MEAN, CLIP_STD)
    config = open_clip.get_model_config(COMMONPOOL[0])
    tower = ClipTower("ViT-L-14", config, None)
    assert (tower.width, tower.projected, tower.side, tower.tokens("unprojected")) == (1024, 768, 224, 0)
    visual = on_meta_device(lambda: open_clip.CLIP(**config)).visual
    assert visual.proj.shape == (1024, 768)


@pytest.mark.parametrize(("entry", "prefix"), [("model", ""), ("model", "module."), (None, "")])
def test_a_published_head_scores_as_upstream_does(model, recipe, tmp_path, entry, prefix):
    path = paper_weights(tmp_path / "weights.pth", entry, prefix)
    detector = recipe.load(path, Runtime())
    head = torch.load(paper_weights(tmp_path / "bare.pth"), weights_only=True)["model"]
    ratios = expected(model) @ head["fc.weight"].T + head["fc.bias"]
    scores = scores_of(detector)
    assert scores == pytest.approx(torch.sigmoid(ratios)[:, 0].numpy(), abs=1e-5)
    assert np.ptp(scores) > 1e-3
    assert np.array_equal(scores_of(recipe.restore(detector.state(), Runtime())), scores)


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"fc.bias": None}, r"missing fc\.bias"),
        ({"fc.more": torch.zeros(1)}, r"unexpected fc\.more"),
        ({"fc.weight": torch.zeros(1, 24)}, r"fc\.weight is \(1, 24\), not \(1, 32\)"),
    ],
)
def test_other_heads_are_refused(recipe, tmp_path, changes, complaint):
    with pytest.raises(WrongWeights, match=complaint):
        recipe.load(paper_weights(tmp_path / "weights.pth", **changes), Runtime())


def test_heads_belong_to_the_paper_setting(tmp_path):
    with pytest.raises(Unavailable, match="paper setting"):
        ClipGrip("small").load(paper_weights(tmp_path / "weights.pth"), Runtime())


def test_a_fitted_head_reads_directions_alone(recipe):
    train = ToyTrainSet(24)
    detector = recipe.fit(train, 0, Runtime())
    embeddings = train.embed(detector.embedder)
    assert np.array_equal(detector.decide(embeddings * np.float32(4)), detector.decide(embeddings))
    assert ((detector.decide(embeddings) > 0.5) == train.labels).mean() > 0.9
    assert same_state(detector.state(), recipe.fit(train, 0, Runtime()).state())


def test_other_embedders_keep_their_keys(recipe):
    tower = find_tower("tiny", recipe.weights)
    stem = f"clip.1.tiny.{tower.weights.sha256[:16]}"
    for pooling in ("none", "class", "spread"):
        embedder = ClipEmbedder(tower, Runtime(), pooling=pooling, pad=True)
        assert embedder.key == f"{stem}.{pooling}.pad.float32"
        assert embedder.projected == 24
    assert recipe.embedder(Runtime()).key == f"{stem}.unprojected.pad.float32.shortened"
    keys = {kind("paper", "tiny", recipe.weights).embedder(Runtime()).key for kind in (ClipGrip, ClipProbe, ClipLayers)}
    assert len(keys) == 3


def test_small_setting_shares_an_embedder_and_reads_blocks():
    grip, layers = ClipGrip("small"), ClipLayers("small")
    one = grip.embedder(Runtime())
    assert one.key == layers.embedder(Runtime()).key
    assert grip.columns(one) == layers.columns(one)


def test_a_tower_without_a_projection_is_refused(known, tmp_path):
    vision = {"image_size": 64, "layers": [1, 1, 1, 1], "width": 16, "head_width": 16, "patch_size": None}
    known["tiny"] = CONFIG | {"vision_cfg": vision}
    path = str(tmp_path / "resnet.safetensors")
    save_file({"any": torch.zeros(1)}, path)
    with pytest.raises(Unavailable, match=r"clip_grip reads what comes before the projection .* tiny is none"):
        ClipGrip("paper", "tiny", path).embedder(Runtime())
