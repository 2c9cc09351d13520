"""CLIP probes: strict towers, published embeddings and heads, one embedder for both recipes."""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import open_clip
import pytest
import torch
from PIL import Image as PillowImage
from safetensors.torch import save_file
from torch import nn
from torchvision import transforms

from detectors.api import Runtime, Unavailable
from detectors.checks import ToyTrainSet, sample, texture
from detectors.embedders import clip_tower
from detectors.foundation.clip_probe import ClipLayers, ClipProbe
from detectors.preprocessing.augmentation import CLIP_MEAN, CLIP_STD
from detectors.weight_file import WrongWeights, content_id
from detectors.weights import files, locations, reading
from detectors.weights.open_clip import HUB_FILES
from tests.support.clip_tower import BLOCKS, CONFIG, IMAGES, SIDE, WIDTH


def tiny(**changes):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return open_clip.CLIP(**(CONFIG | changes)).eval()


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
def saved(model, tmp_path, known):
    path = tmp_path / "tiny.safetensors"
    save_file(model.state_dict(), path)
    return str(path)


def embedded(embedder, images=IMAGES):
    return embedder.embed([embedder.prepare(sample(image)) for image in images])


def test_embedding_is_the_models_own(model, saved):
    embedder = ClipLayers("paper", "tiny", saved).embedder(Runtime())
    shown = transforms.Compose(
        [transforms.CenterCrop(SIDE), transforms.ToTensor(), transforms.Normalize(CLIP_MEAN, CLIP_STD)]
    )
    batch = torch.stack([shown(PillowImage.fromarray(image)) for image in IMAGES])
    tokens = []
    hooks = [
        block.register_forward_hook(lambda _, __, output: tokens.append(output[:, 0]))
        for block in model.visual.transformer.resblocks
    ]
    with torch.inference_mode():
        expected = torch.cat([model.encode_image(batch), *tokens], dim=1).numpy()
    for hook in hooks:
        hook.remove()
    found = embedded(embedder)
    assert found.dtype == np.float32
    assert found.shape == (3, 24 + BLOCKS * WIDTH) == (3, embedder.dim)
    assert found == pytest.approx(expected, abs=1e-4)
    assert np.abs(np.linalg.norm(found[:, :24], axis=1) - 1).min() > 0.01  # not normalised to unit length
    assert embedder.embed([]).shape == (0, embedder.dim)
    final = embedded(ClipProbe("paper", "tiny", saved).embedder(Runtime()))
    assert final.shape == (3, 24)
    assert final == pytest.approx(expected[:, :24], abs=1e-4)


def test_a_file_of_the_image_tower_alone_is_the_same(model, saved, tmp_path):
    path = tmp_path / "visual.pth"
    torch.save({"state_dict": model.visual.state_dict(), "epoch": 3}, path)
    whole, tower = (ClipProbe("paper", "tiny", name).embedder(Runtime()) for name in (saved, str(path)))
    assert np.array_equal(embedded(whole), embedded(tower))
    assert whole.key != tower.key


def test_activation_follows_the_configuration(saved, known):
    quick = embedded(ClipProbe("paper", "tiny", saved).embedder(Runtime()))
    known["tiny"] = CONFIG | {"quick_gelu": False}
    plain = embedded(ClipProbe("paper", "tiny", saved).embedder(Runtime()))
    assert np.abs(quick - plain).max() > 1e-3


def test_small_setting_reads_mean_and_deviation_of_tokens(model, saved):
    embedder = ClipLayers("small", "tiny", saved).embedder(Runtime())
    found = embedded(embedder, [IMAGES[2]])
    tokens = []
    hook = model.visual.transformer.resblocks[1].register_forward_hook(lambda _, __, output: tokens.append(output))
    unit = torch.from_numpy(IMAGES[2]).permute(2, 0, 1)[None].float() / 255
    with torch.inference_mode():
        model.encode_image((unit - torch.tensor(CLIP_MEAN).view(3, 1, 1)) / torch.tensor(CLIP_STD).view(3, 1, 1))
    hook.remove()
    second = slice(24 + 2 * WIDTH, 24 + 4 * WIDTH)
    expected = torch.cat([tokens[0][0, 1:].mean(0), tokens[0][0, 1:].std(0)]).numpy()
    assert embedder.dim == 24 + BLOCKS * 2 * WIDTH
    assert found[0, second] == pytest.approx(expected, abs=1e-4)


def test_one_embedder_serves_both_recipes_in_the_small_setting(saved):
    probe, layers = ClipProbe("small", "tiny", saved), ClipLayers("small", "tiny", saved)
    one, other = probe.embedder(Runtime()), layers.embedder(Runtime())
    assert one.key == other.key
    read = list(range(one.dim))
    assert read[probe.columns(one)] + read[layers.columns(one)] == read
    assert one.key != probe.embedder(Runtime(precision="bfloat16")).key
    assert one.key != ClipLayers("paper", "tiny", saved).embedder(Runtime()).key


def test_the_probe_stores_no_blocks_in_the_paper_setting(saved):
    probe, layers = ClipProbe("paper", "tiny", saved), ClipLayers("paper", "tiny", saved)
    one, other = probe.embedder(Runtime()), layers.embedder(Runtime())
    assert one.key != other.key
    assert probe.columns(one) == slice(0, one.dim)
    assert layers.columns(other) == slice(one.dim, None)


def test_recipe_keys_name_model_and_weights(saved):
    recipes = [ClipProbe("paper"), ClipProbe("small"), ClipProbe("paper", "ViT-B-32-quickgelu")]
    recipes += [ClipProbe("paper", "tiny", saved), ClipProbe("paper", "tiny"), ClipLayers("paper")]
    assert len({recipe.key for recipe in recipes}) == len(recipes)
    assert ClipProbe("paper").weight_files()[0].title in ClipProbe("paper").key
    assert content_id(Path(saved)) in ClipProbe("paper", "tiny", saved).key


def test_a_batch_is_its_images(saved):
    embedder = ClipProbe("paper", "tiny", saved).embedder(Runtime())
    images = [texture(f"{index}", 60, 60) for index in range(34)]
    alone = np.concatenate([embedded(embedder, [image]) for image in images])
    assert embedded(embedder, images) == pytest.approx(alone, abs=1e-5)


def test_weights_are_read_once_and_only_when_needed(saved, monkeypatch):
    reads = []
    monkeypatch.setattr(clip_tower, "read", lambda *arguments: reads.append(1) or reading.read(*arguments))
    embedder = ClipProbe("paper", "tiny", saved).embedder(Runtime())
    batch = [embedder.prepare(sample(image)) for image in IMAGES]
    assert not reads
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: embedder.embed(batch), range(4)))
    assert len(reads) == 1
    assert all(np.array_equal(answer, answers[0]) for answer in answers)


def test_a_tower_that_does_not_fit_is_refused(model, saved, known, tmp_path):
    known["tiny"] = CONFIG | {"vision_cfg": CONFIG["vision_cfg"] | {"layers": 4}}
    with pytest.raises(WrongWeights, match=r"missing transformer\.resblocks\.3\."):
        embedded(ClipProbe("paper", "tiny", saved).embedder(Runtime()))
    known["tiny"] = CONFIG | {"embed_dim": 25}
    with pytest.raises(WrongWeights, match=r"proj is \(32, 24\), not \(32, 25\)"):
        embedded(ClipProbe("paper", "tiny", saved).embedder(Runtime()))
    text = {name: tensor for name, tensor in model.state_dict().items() if not name.startswith("visual.")}
    save_file(text, tmp_path / "text.safetensors")
    known["tiny"] = CONFIG
    with pytest.raises(WrongWeights, match="missing class_embedding"):
        embedded(ClipProbe("paper", "tiny", str(tmp_path / "text.safetensors")).embedder(Runtime()))


def test_published_weights_need_quick_gelu():
    with pytest.raises(Unavailable, match="name the model 'ViT-L-14-quickgelu'"):
        ClipProbe("paper", "ViT-L-14").embedder(Runtime())


def test_what_cannot_be_had_says_how_to_get_it(monkeypatch, tmp_path):
    def no_hub(repository, *names):
        msg = f"could not get {names[0]} of {repository}: download the file elsewhere and give its path"
        raise Unavailable(msg)

    monkeypatch.setattr(files, "hub_file", no_hub)
    for recipe in (ClipProbe("paper"), ClipLayers("paper")):
        with pytest.raises(Unavailable, match=r"open_clip_model\.safetensors of timm/vit_large_.*give its path"):
            recipe.embedder(Runtime())
    with pytest.raises(Unavailable, match=r"no model 'ViT-L-14-quickglu': did you mean ViT-L-14-quickgelu"):
        ClipProbe("paper", "ViT-L-14-quickglu").embedder(Runtime())
    with pytest.raises(Unavailable, match=r"'nowhere' is neither a file nor a tag of ViT-B-32, which has .*openai"):
        ClipProbe("paper", "ViT-B-32", "nowhere").embedder(Runtime())
    monkeypatch.setattr(locations, "SHIPPED_FOLDER", tmp_path)
    with pytest.raises(Unavailable, match="small_clip"):
        ClipProbe("small").embedder(Runtime())


def test_a_tower_without_blocks_has_a_final_embedding_only(known, tmp_path):
    vision = {"image_size": 64, "layers": [1, 1, 1, 1], "width": 16, "head_width": 16, "patch_size": None}
    known["tiny"] = CONFIG | {"vision_cfg": vision}
    path = str(tmp_path / "resnet.safetensors")
    save_file(tiny(vision_cfg=vision).state_dict(), path)
    embedder = ClipProbe("paper", "tiny", path).embedder(Runtime())
    assert embedded(embedder).shape == (3, 24) == (3, embedder.dim)
    with pytest.raises(Unavailable, match="clip_layers reads transformer blocks and tiny has none"):
        ClipLayers("paper", "tiny", path).embedder(Runtime())


@pytest.mark.parametrize(
    ("model", "asked", "mean"),
    [
        ("ViT-B-32", None, (0.48145466, 0.4578275, 0.40821073)),
        ("ViT-B-16-SigLIP", None, (0.5, 0.5, 0.5)),
        ("ViT-L-14", "inception", (0.5, 0.5, 0.5)),
        ("ViT-L-14", "openai", (0.48145466, 0.4578275, 0.40821073)),
    ],
)
def test_a_file_is_normalised_as_all_published_weights_of_its_model(tmp_path, model, asked, mean):
    (tmp_path / "own.safetensors").write_bytes(b"weights")
    assert clip_tower.find_tower(model, str(tmp_path / "own.safetensors"), asked).mean == mean


def test_a_file_of_a_model_whose_weights_differ_is_refused_unless_the_user_says(tmp_path):
    (tmp_path / "own.safetensors").write_bytes(b"weights")
    recipe = ClipProbe("paper", "ViT-L-14", str(tmp_path / "own.safetensors"))
    with pytest.raises(Unavailable, match=r"in 2 ways, and a file does not say in which: say statistics=openai\|"):
        recipe.embedder(Runtime())
    asked = replace(recipe, statistics="openai")
    assert asked.embedder(Runtime()).key != replace(recipe, statistics="inception").embedder(Runtime()).key


@pytest.mark.parametrize(
    ("model", "own", "other"),
    [
        ("ViT-L-14", "GELU", "ViT-L-14-quickgelu"),
        ("ViT-L-14-quickgelu", "QuickGELU", "ViT-L-14"),
        ("ViT-B-16-SigLIP", "", ""),
    ],
)
def test_which_activation_a_file_gets_is_said_where_there_are_two(tmp_path, model, own, other):
    (tmp_path / "own.safetensors").write_bytes(b"weights")
    hint = f"for weights that were trained with the other kind name the model {other}"
    note = f"clip_probe: {model} computes with {own}; {hint}"
    assert ClipProbe("paper", model, str(tmp_path / "own.safetensors")).notes() == ((note,) if own else ())
    assert ClipProbe("paper", model, "openai").notes() == ()


@pytest.fixture
def large(known, tmp_path):
    """A recipe whose fake tower embeds in 768 dimensions, as ViT-L/14 does."""
    known["tiny"] = CONFIG | {"embed_dim": 768}
    save_file(tiny(embed_dim=768).state_dict(), tmp_path / "large.safetensors")
    return ClipProbe("paper", "tiny", str(tmp_path / "large.safetensors"))


def published_head(path, **changes):
    rng = torch.Generator().manual_seed(0)
    state = {"weight": torch.randn(1, 768, generator=rng) / 28, "bias": torch.randn(1, generator=rng)} | changes
    torch.save({name: tensor for name, tensor in state.items() if tensor is not None}, path)
    return path


def test_published_head_is_a_linear_layer_on_the_final_embedding(large, tmp_path):
    path = published_head(tmp_path / "fc_weights.pth")
    detector = large.load(path, Runtime())
    layer = nn.Linear(768, 1)
    layer.load_state_dict(torch.load(path, weights_only=True))
    final = torch.from_numpy(embedded(detector.embedder)[:, :768])
    expected = torch.sigmoid(layer(final))[:, 0].detach().numpy()
    scores = detector.score([detector.prepare(sample(image)) for image in IMAGES])
    assert scores == pytest.approx(expected, abs=1e-6)
    assert np.ptp(scores) > 1e-4
    restored = large.restore(detector.state(), Runtime())
    assert np.array_equal(restored.score([detector.prepare(sample(image)) for image in IMAGES]), scores)


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"bias": None}, "missing bias"),
        (
            {"bias": None, "weight": None, "fc.weight": torch.zeros(1, 768)},
            r"missing bias, weight; unexpected fc\.weight",
        ),
        ({"weight": torch.zeros(1, 512)}, r"weight is \(1, 512\), not \(1, 768\)"),
    ],
    ids=["missing", "prefixed", "shape"],
)
def test_other_heads_are_refused(large, tmp_path, changes, complaint):
    with pytest.raises(WrongWeights, match=complaint):
        large.load(published_head(tmp_path / "other.pth", **changes), Runtime())


def test_layers_have_no_published_head(saved, tmp_path):
    with pytest.raises(Unavailable, match="no published checkpoint"):
        ClipLayers("paper", "tiny", saved).load(tmp_path / "any.pth", Runtime())


def test_probes_fit_on_their_own_columns(saved):
    for recipe, width in (
        (ClipProbe("paper", "tiny", saved), 24),
        (ClipLayers("paper", "tiny", saved), BLOCKS * WIDTH),
    ):
        detector = recipe.fit(ToyTrainSet(16), 0, Runtime())
        assert detector.state()["coef"].shape == (width,)


def test_the_projects_own_tower_takes_other_weights(saved, monkeypatch, tmp_path):
    monkeypatch.setattr(locations, "SHIPPED_FOLDER", tmp_path)
    (tmp_path / "small_clip.json").write_text(json.dumps(CONFIG))
    assert embedded(ClipProbe("small", None, saved).embedder(Runtime())).shape == (3, 24 + BLOCKS * 2 * WIDTH)


def test_sources_are_those_that_open_clip_names():
    for (model, tag), hub in HUB_FILES.items():
        assert hub == clip_tower.pretrained_file(model, tag)
    assert [file.availability() for file in ClipProbe("small").weight_files()] == ["shipped"]
    assert ClipProbe("paper").weight_files()[0].title == "timm/vit_large_patch14_clip_224.openai"


def test_weights_of_a_mistyped_model_or_tag_are_missing_and_say_why():
    for recipe, reason in (
        (ClipProbe("paper", "ViT-L-14-quickglu"), "no model 'ViT-L-14-quickglu': did you mean ViT-L-14-quickgelu"),
        (ClipProbe("paper", "ViT-B-32", "nowhere"), "'nowhere' is neither a file nor a tag of ViT-B-32"),
    ):
        (file,) = recipe.weight_files()
        assert file.availability() == "missing"
        assert reason in file.advice
        with pytest.raises(Unavailable, match=reason):
            file.get()
        assert recipe.key.startswith("clip_probe.1.paper.model=")
