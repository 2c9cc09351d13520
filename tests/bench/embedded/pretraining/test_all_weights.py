import json
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import open_clip
import pytest
import torch
from safetensors.torch import load_file

from bench.embedded.generators.generator import GENERATORS, find_generator, restore_network
from bench.embedded.pretraining import all_weights, small_clip
from bench.embedded.pretraining.all_weights import names, train_all
from bench.embedded.pretraining.captions import PHRASES, attributes, caption, vocabulary
from bench.embedded.pretraining.determinism import seeded
from bench.embedded.pretraining.labelled_scenes import TASKS, labelled_scene
from bench.embedded.pretraining.small_clip import CONFIG, TOKENIZE, VOCABULARY, new_model
from bench.platform.errors import InputError
from bench.platform.processes.worker_processes import ProcessDied, WorkerProcesses
from detectors.foundation.clip_probe import ClipProbe
from detectors.weights.loading import load_strict
from detectors.weights.locations import shipped_card, shipped_file
from detectors.weights.reading import read

EFFORT, LEAST = 0.001, 1e-6  # of the scenes and steps: a few, and as few as a training makes


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


def test_both_towers_load_strictly_from_their_card(twice):
    card = json.loads((twice[0] / "small_clip.json").read_text())
    model = open_clip.CLIP(embed_dim=card["embed_dim"], vision_cfg=card["vision_cfg"], text_cfg=card["text_cfg"])
    model.load_state_dict(load_file(twice[0] / "small_clip.safetensors"), strict=True)
    assert set(card["zero_shot_on_held_out_scenes"]) == {*TASKS, "light", "hue", "contrast", "focus"}


def test_the_shipped_clip_comes_from_this_training_and_is_as_small_as_its_cards_say():
    card = shipped_card("small_clip")
    assert card["vocabulary"] == list(VOCABULARY)
    model = new_model()
    load_strict(model, read(shipped_file("small_clip")), "small_clip")
    for attribute in ("kind", "noise", "sharpening", "quality", "contrast", "focus"):
        assert (
            card["zero_shot_on_held_out_scenes"][attribute]["accuracy"]
            > 0.05 + (card["zero_shot_on_held_out_scenes"][attribute]["majority"])
        )
    variant = ClipProbe("small").variant
    parameters = sum(tensor.numel() for tensor in model.visual.parameters())
    assert parameters == variant.size.parameters
    share = 100 * parameters / ClipProbe("paper").variant.size.parameters
    assert f"{share:.2f} % of ViT-L/14's weights" in variant.trained_on


@pytest.mark.slow
def test_trainings_in_a_process_give_the_same_and_a_failure_of_one_is_told(tmp_path, monkeypatch):
    # one process takes turns for two: each imports torch, for seconds
    monkeypatch.setattr(all_weights, "WorkerProcesses", lambda _, initializer: WorkerProcesses(1, initializer))
    seen = []
    one, two = tmp_path / "one", tmp_path / "two"
    trained = ["small_resnet", "small_deit", "ldm_b"]
    train_all(one, trained, silent, LEAST)
    (two / "small_swin.safetensors").mkdir(parents=True)  # cannot be written
    with pytest.raises(IsADirectoryError, match="small_swin"):
        train_all(two, [*trained, "small_swin"], lambda *step: seen.append(step), LEAST, workers=2)
    for path in one.iterdir():
        assert path.read_bytes() == (two / path.name).read_bytes()
    assert {"scenes", "labelled scenes", *trained} <= {name for name, _, _ in seen}


def test_after_a_failure_nothing_is_begun(tmp_path, monkeypatch):
    begun, failed = [], threading.Event()

    def training(name, *, fails=False):
        def run(*_):
            begun.append(name)
            if fails:
                failed.set()
                raise FloatingPointError(name)
            assert failed.wait(60)

        return all_weights.Training((name,), (), run)

    trainings = (training("slow"), training("broken", fails=True), training("third"), training("fourth"))
    monkeypatch.setattr(all_weights, "TRAININGS", trainings)
    in_threads = lambda count, initializer: ThreadPoolExecutor(count, initializer=initializer)  # noqa: E731
    monkeypatch.setattr(all_weights, "WorkerProcesses", in_threads)  # processes would not see these
    with pytest.raises(FloatingPointError, match="broken"):
        train_all(tmp_path, None, silent, workers=2)
    assert sorted(begun) == ["broken", "slow"]  # at the same time: one waits for the other


def test_a_training_whose_process_dies_is_one_line(tmp_path, monkeypatch):
    def dies(*_):
        raise ProcessDied("its process was killed by SIGKILL")

    monkeypatch.setattr(all_weights, "TRAININGS", tuple(all_weights.Training((name,), (), dies) for name in "ab"))
    in_threads = lambda count, initializer: ThreadPoolExecutor(count, initializer=initializer)  # noqa: E731
    monkeypatch.setattr(all_weights, "WorkerProcesses", in_threads)
    with pytest.raises(InputError, match=r"training weights: its process was killed by SIGKILL; run again with fewer"):
        train_all(tmp_path, None, silent, workers=2)


def test_progress_and_unknown_names(tmp_path):
    seen = []
    train_all(tmp_path, ["ldm_b"], lambda *step: seen.append(step), EFFORT)
    assert seen[0] == ("scenes", 1, 3)
    assert seen[-1] == ("ldm_b", 1, 1)
    with pytest.raises(ValueError, match=r"'biggan' cannot be trained; there are .*ldm_a, .*small_clip"):
        train_all(tmp_path, ["biggan"], silent)
    networks = ("small_resnet", "small_deit", "small_swin", "small_clip", "small_dino")
    assert sorted(names()) == sorted((*(one.name for one in GENERATORS), *networks))


def test_seeding_is_put_back():
    before = torch.get_rng_state()
    assert torch.equal(seeded(3, lambda: torch.rand(2)), seeded(3, lambda: torch.rand(2)))
    assert torch.equal(torch.get_rng_state(), before)


def test_captions_tell_what_the_scene_is():
    rng = np.random.default_rng(0)
    for seed in range(40):
        scene, pixels, labels = labelled_scene(seed)
        texts = attributes(labels, pixels, shallow_focus=scene.shallow_focus)
        text = caption(texts, rng)
        assert text.startswith(f"a photo of {PHRASES['kind'][labels[0]]}, ")
        parts = text.split(", ")[1:]
        assert 5 <= len(parts) <= len(texts) - 1
        assert set(parts) <= set(texts.values())
        assert (texts["resampling"] == "full size") == (scene.resampling == "none")
        assert (texts["focus"] == "shallow focus") == scene.shallow_focus


def test_every_class_has_a_text_of_its_own():
    assert {task: len(texts) for task, texts in PHRASES.items()} == TASKS
    assert all(len(set(texts)) == len(texts) for texts in PHRASES.values())


def test_the_longest_caption_fits_into_the_text_tower():
    longest = [max(texts, key=lambda text: len(text.split())) for texts in PHRASES.values()]
    others = ("medium light", "magenta", "normal contrast", "shallow focus")
    tokens = TOKENIZE([", ".join([f"a photo of {longest[0]}", *longest[1:], *others])])
    assert tokens.shape == (1, CONFIG["text_cfg"]["context_length"])
    assert int(tokens.max()) == TOKENIZE.size - 1 == len(vocabulary()) + 2
