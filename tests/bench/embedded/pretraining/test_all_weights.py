import json

import numpy as np
import open_clip
import pytest
import torch
from safetensors.torch import load_file

from bench.embedded.generators.generator import GENERATORS, find_generator, restore_network
from bench.embedded.pretraining import small_clip
from bench.embedded.pretraining.all_weights import names, train_all
from bench.embedded.pretraining.captions import PHRASES, attributes, caption
from bench.embedded.pretraining.determinism import seeded, threads
from bench.embedded.pretraining.small_clip import CONFIG
from bench.embedded.scenes.scene import render

EFFORT = 0.004


def silent(*_):
    pass


@pytest.fixture(scope="module")
def twice(tmp_path_factory):
    """Two folders of weights from the same short training."""
    folders = [tmp_path_factory.mktemp("weights") for _ in range(2)]
    before, count = torch.get_rng_state(), torch.get_num_threads()
    torch.set_num_threads(2)  # a training takes one, and has to put two back
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(small_clip, "BATCH", 16)  # a whole step takes seconds
        for folder in folders:
            train_all(folder, ["vq", "ldm_b", "cascade", "small_clip"], silent, EFFORT)
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.get_num_threads() == 2
    torch.set_num_threads(count)
    return folders


@pytest.mark.parametrize("name", ["vq", "ldm_b", "cascade", "small_clip"])
def test_training_repeats_itself(twice, name):
    first, second = (load_file(folder / f"{name}.safetensors") for folder in twice)
    assert first.keys() == second.keys()
    assert all(torch.equal(first[key], second[key]) for key in first)
    assert all(value.dtype == torch.float16 and value.isfinite().all() for value in first.values())


def test_only_what_was_asked_for_is_trained(twice):
    assert sorted(path.name for path in twice[0].iterdir()) == [
        "cascade.safetensors",
        "ldm_b.safetensors",
        "small_clip.json",
        "small_clip.safetensors",
        "vq.safetensors",
    ]


def test_trained_weights_can_be_asked(twice):
    network = restore_network(find_generator("vq"), twice[0])
    made = find_generator("vq").imitate(network, torch.zeros(1, 3, 32, 32), torch.Generator())
    assert made.shape == (1, 3, 32, 32)


def test_the_image_tower_loads_strictly_from_its_card(twice):
    card = json.loads((twice[0] / "small_clip.json").read_text())
    model = open_clip.CLIP(embed_dim=card["embed_dim"], vision_cfg=card["vision_cfg"], text_cfg=card["text_cfg"])
    model.visual.load_state_dict(load_file(twice[0] / "small_clip.safetensors"), strict=True)
    assert set(card["zero_shot_on_held_out_scenes"]) == set(attributes(render(0), render(0).pixels))


def test_progress_and_unknown_names(tmp_path):
    seen = []
    train_all(tmp_path, ["ldm_b"], lambda *step: seen.append(step), EFFORT)
    assert seen[0] == ("scenes", 1, 12)
    assert seen[-1] == ("ldm_b", 1, 1)
    with pytest.raises(ValueError, match=r"'biggan' cannot be trained; there are ldm_a, .*small_clip"):
        train_all(tmp_path, ["biggan"], silent)
    assert names() == (*(one.name for one in GENERATORS), "small_clip", "small_resnet", "small_dino")


def test_seeding_and_threads_are_put_back():
    before = torch.get_rng_state()
    assert torch.equal(seeded(3, lambda: torch.rand(2)), seeded(3, lambda: torch.rand(2)))
    assert torch.equal(torch.get_rng_state(), before)
    count = torch.get_num_threads()
    with threads(count + 1):
        assert torch.get_num_threads() == count + 1
    assert torch.get_num_threads() == count


def test_captions_tell_what_the_scene_is():
    rng = np.random.default_rng(0)
    for seed in range(40):
        scene = render(seed)
        words = attributes(scene, scene.pixels)
        text = caption(words, rng)
        assert text.startswith(f"a photo of {PHRASES[scene.kind]}, ")
        parts = text.split(", ")[1:]
        assert 3 <= len(parts) <= len(words) - 1
        assert set(parts) <= set(words.values())
        assert (words["scale"] == "full size") == (scene.resampling == "none")


def test_the_longest_caption_fits_into_the_text_tower():
    longest = "a photo of a landscape with hills and sky, medium light, magenta, normal contrast, slightly grainy, "
    longest += "sharpened, shallow focus, scaled down"
    length = CONFIG["text_cfg"]["context_length"]
    tokens = open_clip.SimpleTokenizer(context_length=2 * length)([longest])
    assert int((tokens != 0).sum()) <= length
