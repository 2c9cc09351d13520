"""Generators are known by every name in use, and each has its family."""

import pytest

from bench.images.vocabulary.generator_names import canonical_name, family_of, same_generator, same_test_set
from bench.report.sections.reported import _published

# folders of data sets as their makers ship them
TEST_SETS = {
    "ForenSynths": "progan cyclegan biggan stylegan gaugan stargan deepfake seeingdark san crn imle stylegan2"
    " whichfaceisreal",
    "UniversalFakeDetect": "progan cyclegan biggan stylegan gaugan stargan deepfake seeingdark san crn imle guided"
    " ldm_200 ldm_200_cfg ldm_100 glide_100_27 glide_50_27 glide_100_10 dalle",
    "Synthbuster": "dalle2 dalle3 firefly glide midjourney-v5 stable-diffusion-1-3 stable-diffusion-1-4"
    " stable-diffusion-2 stable-diffusion-xl",
    "AIGCDetectBenchmark": "progan stylegan biggan cyclegan stargan gaugan stylegan2 whichfaceisreal ADM Glide"
    " Midjourney stable_diffusion_v_1_4 stable_diffusion_v_1_5 VQDM wukong DALLE2 sd_xl",
    "GenImage": "Midjourney stable_diffusion_v_1_4 stable_diffusion_v_1_5 ADM glide wukong VQDM BigGAN",
}


@pytest.mark.parametrize(
    ("folder", "name"),
    [
        ("stable_diffusion_v_1_4", "SDv1.4"),
        ("Stable Diffusion V1.4", "SDv1.4"),
        ("imagenet_ai_0424_sdv5", "SDv1.5"),
        ("Midjourney", "Midjourney"),
        ("imagenet_midjourney", "Midjourney"),
        ("ADM", "ADM"),
        ("imagenet_ai_0508_adm", "ADM"),
        ("glide", "GLIDE"),
        ("GLIDE", "GLIDE"),
        ("Wukong", "Wukong"),
        ("imagenet_ai_0424_wukong", "Wukong"),
        ("VQDM", "VQDM"),
        ("BigGAN", "BigGAN"),
        ("my_generator", "my_generator"),
    ],
)
def test_folder_names_in_use_stand_for_the_generators(folder, name):
    assert canonical_name(folder) == name


@pytest.mark.parametrize("number", ["4", "5"])
@pytest.mark.parametrize(
    "form", ["stable_diffusion_1_{}", "SDv1{}", "sd1{}", "SD 1.{}", "stable-diffusion-v1-{}", "sd_v_1_{}"]
)
def test_versions_of_stable_diffusion_are_known_however_they_are_written(form, number):
    name = canonical_name(form.format(number))
    assert (name, family_of(name)) == (f"SDv1.{number}", "stable diffusion")


FAMILIES = {
    "gan": "progan stylegan biggan cyclegan stargan gaugan stylegan2 whichfaceisreal big_gan cips diffusion_gan"
    " gansformer gau_gan generative_inpainting lama mat pro_gan projected_gan sfhq star_gan stylegan1 cycle_gan",
    "perceptual loss": "crn imle",
    "low-level vision": "san seeingdark",
    "pixel diffusion": "guided glide_100_27 glide_50_27 glide_100_10 glide imagenet_glide dalle2 ddpm palette"
    " denoising_diffusion_gan ADM imagenet_ai_0508_adm",
    "stable diffusion": "ldm_200 ldm_200_cfg ldm_100 latent_diffusion stable_diffusion stable-diffusion-1-3"
    " stable-diffusion-1-4 stable-diffusion-2 stable-diffusion-xl wukong sdv4 DreamBooth LoRA SDXL",
    "undisclosed": "midjourney-v5 firefly dalle3 Midjourney DALL-E imagen-3",
    "codebook diffusion": "vq_diffusion VQDM imagenet_ai_0419_vqdm",
    "codebook transformer": "taming_transformer dalle-mini parti muse",
    "face_synthetics": "face_synthetics",
    "deepfake": "deepfake",
    "museum": "museum",
    "floral": "floral",
}


@pytest.mark.parametrize(
    ("name", "family"), [(name, family) for family, names in FAMILIES.items() for name in names.split()]
)
def test_generators_of_the_known_data_sets_have_a_family(name, family):
    assert family_of(name) == family
    assert family_of(canonical_name(name)) == family


@pytest.mark.parametrize("data_set", TEST_SETS)
def test_every_published_figure_of_a_test_set_finds_its_folder_and_no_other(data_set):
    table = _published()
    published = table.loc[table["benchmark"].str.partition(" (")[0].eq(data_set), "test_on"].unique()
    for name in published:
        if not name.lower().startswith("avg"):
            assert sum(same_test_set(name, folder) for folder in TEST_SETS[data_set].split()) == 1, name


def test_variants_of_a_generator_are_one_generator_and_several_test_sets():
    assert same_generator("ldm_100", "ldm_200_cfg")
    assert not same_test_set("LDM 100 steps", "ldm_200")
    assert not same_test_set("LDM 200 steps", "ldm_200_cfg")
