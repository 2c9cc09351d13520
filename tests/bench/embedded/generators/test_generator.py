import numpy as np
import pytest
import torch

from bench.embedded.corpus import keep_low_frequencies, make_fake
from bench.embedded.generators.autoencoders import band_energies
from bench.embedded.generators.diffusion import coarse_version, edit, refine
from bench.embedded.generators.generator import GENERATORS, WEIGHTS, find_generator, imitate
from bench.embedded.scenes.filters import blur
from bench.embedded.scenes.scene import render
from detectors.architectures.support.torch_contexts import torch_threads

NAMES = [one.name for one in GENERATORS]


@pytest.fixture(scope="module")
def source():
    return render(1).pixels


@pytest.fixture(autouse=True)
def one_thread():
    with torch_threads(1):
        yield


def test_the_table_is_that_of_the_corpus():
    families = {one.name: one.family for one in GENERATORS}
    assert families == {
        "ldm_a": "autoencoder",
        "ldm_b": "autoencoder",
        "ldm_c": "autoencoder",
        "vq": "autoencoder",
        "pixdiff": "diffusion",
        "cascade": "diffusion",
        "gan_tconv": "gan",
        "gan_ps": "gan",
    }
    with pytest.raises(KeyError, match="'sdxl' is not known; there are ldm_a"):
        find_generator("sdxl")


def test_weights_are_small_and_all_there():
    files = sorted(WEIGHTS.glob("*"))
    assert [path.stem for path in files] == sorted(NAMES)
    assert sum(path.stat().st_size for path in files) < 3e6


@pytest.mark.parametrize("name", NAMES)
def test_an_imitation_resembles_its_source(name, source):
    made = imitate(name, source, 9)
    assert made.shape == source.shape
    assert made.dtype == np.uint8
    assert 0.9 < np.corrcoef(made.ravel(), source.ravel())[0, 1] < 0.9999


@pytest.mark.parametrize("name", NAMES)
def test_an_imitation_depends_on_image_and_seed_alone(name, source):
    first = imitate(name, source, 9)
    torch.rand(3)
    imitate(name, source[::-1], 4)
    assert np.array_equal(imitate(name, source, 9), first)


@pytest.mark.parametrize("name", ["ldm_a", "pixdiff", "cascade"])
def test_noise_comes_from_the_seed(name, source):
    assert not np.array_equal(imitate(name, source, 1), imitate(name, source, 2))


def test_fakes_keep_the_low_frequencies_of_their_source(source):
    shifted = np.clip(source.astype(int) + np.array([25, -15, 5]), 30, 225).astype(np.uint8)
    target = blur(source.astype(np.float32), 8)
    before = np.abs(blur(shifted.astype(np.float32), 8) - target).mean()
    after = np.abs(blur(keep_low_frequencies(shifted, source).astype(np.float32), 8) - target).mean()
    assert before > 10
    assert after < 2
    assert np.array_equal(keep_low_frequencies(source, source), source)
    assert np.abs(make_fake("gan_tconv", source, 5).mean((0, 1)) - source.mean((0, 1))).max() < 2


class Oracle(torch.nn.Module):
    """A denoiser that knows the image: the right v for whatever noise there is."""

    def __init__(self, image):
        super().__init__()
        self.image = image

    def forward(self, noisy, time, condition):
        del condition
        angle = time.view(-1, 1, 1, 1) * torch.pi / 2
        noise = (noisy - angle.cos() * self.image) / angle.sin()
        return angle.cos() * noise - angle.sin() * self.image


@pytest.mark.parametrize("sample", [edit, refine])
def test_sampling_with_a_perfect_denoiser_gives_the_image(sample):
    image = torch.rand(2, 3, 16, 16, generator=torch.Generator().manual_seed(0)) * 2 - 1
    made = sample(Oracle(image), image, torch.Generator().manual_seed(1))
    assert torch.allclose(made, image, atol=1e-4)


def test_coarse_images_have_lost_their_detail():
    chequered = (torch.arange(64)[:, None] + torch.arange(64)[None]).remainder(2).float().expand(1, 3, 64, 64)
    assert float(coarse_version(chequered).std()) < 0.1 * float(chequered.std())
    assert coarse_version(chequered).shape == chequered.shape


def test_band_energies_rise_with_noise():
    rng = torch.Generator().manual_seed(0)
    flat = torch.zeros(1, 3, 32, 32)
    noisy = flat + 0.1 * torch.randn(flat.shape, generator=rng)
    assert band_energies(flat).shape == (1, 64)
    assert bool((band_energies(noisy) > band_energies(flat)).all())
