import hashlib
import json
import re
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from PIL import Image

from bench.embedded import corpus
from bench.embedded.corpus import build, encode_jpeg, identity, is_built, jpeg_round_trip, make_fake, scene_number
from bench.embedded.generators.generator import GENERATORS
from bench.embedded.scenes.scene import render
from bench.embedded.shortcut_probes import PROBES, accuracies
from bench.images.data_sets import read

pytestmark = pytest.mark.slow  # and a part of .ci/run


def files(root):
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*.jpg")}


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A build of two workers."""
    seen = []
    folder = tmp_path_factory.mktemp("built") / "deep" / "corpus"
    root = build(folder, 2, lambda *step: seen.append(step), (2, 1))
    assert seen[-1] == ("embedded corpus", 48, 48)
    return root


@pytest.fixture
def as_a_worker():
    """Sums over several threads may differ in their last bits, so workers have one."""
    threads = torch.get_num_threads(), cv2.getNumThreads()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    yield
    torch.set_num_threads(threads[0])
    cv2.setNumThreads(threads[1])


def made_alone(name):
    """The bytes of one image of the corpus, made from its name and nothing else."""
    generator, split, folder, _ = name.split("/")
    position = [one.name for one in GENERATORS].index(generator)
    number = int(re.search(r"_(\d{7})", name)[1])
    assert number in {scene_number(position, split, folder, index) for index in range(2)}
    scene = render(number).pixels
    return encode_jpeg(make_fake(generator, scene, number) if folder == "ai" else scene, number)


@pytest.mark.usefixtures("as_a_worker")
def test_neither_workers_nor_size_nor_order_change_a_byte(built):
    images = files(built)
    assert len(images) == 8 * 2 * 3
    assert [name for name, data in images.items() if data != made_alone(name)] == []


def test_names_tell_content_scene_and_generator(built):
    numbers = []
    for name in files(built):
        generator, _, label, file = name.split("/")
        kind, number, *rest = re.fullmatch(r"([a-z]+)_(\d{7})(?:_(\w+))?\.jpg", file).groups()
        assert rest == [generator if label == "ai" else None]
        assert kind == render(int(number)).kind
        numbers.append(number)
    assert len(set(numbers)) == len(numbers)


def test_the_real_class_is_the_scene_itself(built):
    path = next((built / "vq" / "val" / "nature").iterdir())
    number = int(path.stem.split("_")[1])
    assert path.read_bytes() == encode_jpeg(render(number).pixels, number)


def test_the_manifest_describes_the_files(built):
    described = json.loads((built / "dataset.json").read_text())
    lines = "".join(f"{name} {hashlib.sha256(data).hexdigest()}\n" for name, data in sorted(files(built).items()))
    assert described["digest"] == hashlib.sha256(lines.encode()).hexdigest()
    assert described["images"] == 48
    assert described["kind"] == "embedded"
    assert described["version"] == corpus.VERSION
    assert described["families"]["gan_ps"] == "gan"


def test_the_reader_takes_it_for_what_it_is(built):
    images = read(str(built))
    assert images.kind == "embedded"
    assert list(images.generators) == ["ldm_a", "ldm_b", "ldm_c", "vq", "pixdiff", "cascade", "gan_tconv", "gan_ps"]


def test_an_interrupted_build_leaves_nothing(tmp_path):
    def interrupt(*_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build(tmp_path / "corpus", 1, interrupt, (1, 1))
    assert list(tmp_path.iterdir()) == []


def test_a_folder_in_use_is_left_alone(built):
    before = files(built)
    with pytest.raises(FileExistsError, match="is there already: remove it"):
        build(built, 1)
    assert files(built) == before
    assert is_built(built)
    assert not is_built(built / "vq")


@pytest.mark.parametrize(("workers", "per_split"), [(0, (1, 1)), (1, (0, 1)), (1, (1, 10_001))])
def test_wrong_sizes_are_refused(tmp_path, workers, per_split):
    with pytest.raises(ValueError, match="give 1 to 10000 images and at least 1 worker"):
        build(tmp_path / "corpus", workers, None, per_split)


def test_identity_covers_every_module_that_makes_the_corpus():
    code = "import sys, bench.embedded.corpus, bench.embedded.generators.generator; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    here = Path(corpus.__file__).parent
    covered = {
        path.relative_to(here).with_suffix("") for pattern in corpus.SOURCE_PATTERNS for path in here.glob(pattern)
    }
    makers = {Path(*name.split(".")[2:]) for name in loaded if name.startswith("bench.embedded.")}
    packages = {Path("scenes"), Path("generators")}
    modules = {path for path in covered if path.name != "__init__" and path.parent.name != "weights"}
    assert makers - packages == modules
    assert re.fullmatch(rf"{corpus.VERSION}-[0-9a-f]{{12}}", identity())


def test_planning_a_build_does_not_import_torch():
    code = "import sys, bench.embedded.corpus as c; c.identity(); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_scene_numbers_never_meet():
    taken = {
        scene_number(position, split, label, index)
        for position in range(8)
        for split in corpus.SPLITS
        for label in corpus.CLASS_FOLDERS
        for index in (0, corpus.SCENES_PER_FOLDER - 1)
    }
    assert len(taken) == 64
    assert max(taken) < 10_000_000


def test_jpeg_settings_come_from_the_scene_number_alone(tmp_path):
    pixels = render(3).pixels
    assert encode_jpeg(pixels, 8) == encode_jpeg(pixels, 8)
    assert len({len(encode_jpeg(pixels, number)) for number in range(200)}) == 19  # as many as there are qualities
    path = tmp_path / "image.jpg"
    path.write_bytes(encode_jpeg(pixels, 8))
    with Image.open(path) as image:
        assert [layer[1:3] for layer in image.layer] == [(2, 2), (1, 1), (1, 1)]  # 4:2:0
        assert np.abs(np.asarray(image).astype(int) - jpeg_round_trip(pixels, 8)).max() <= 4
    assert np.abs(jpeg_round_trip(pixels, 8).astype(int) - pixels).mean() < 10


def test_probes_find_a_planted_shortcut(tmp_path):
    rng = np.random.default_rng(0)
    for split in ("train", "val"):
        for label, level in (("nature", 100), ("ai", 120)):
            folder = tmp_path / "planted" / split / label
            folder.mkdir(parents=True)
            for index in range(40):
                noise = rng.normal(level, 30, (64, 64, 3)).clip(0, 255).astype(np.uint8)
                Image.fromarray(noise).save(folder / f"{index}.jpg", quality=90)
    found = accuracies(tmp_path)
    assert found["colour"]["planted"] > 0.9
    assert found["thumbnail"]["planted"] > 0.9


def test_the_corpus_offers_no_shortcut(embedded_corpus):
    found = accuracies(embedded_corpus)
    for name, probe in PROBES.items():
        assert len(found[name]) == 8
        assert np.mean(list(found[name].values())) < probe.bound, name
