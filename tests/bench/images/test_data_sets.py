"""Which layout is found, what is said where none or several fit, and how splits are drawn."""

import json

import numpy as np
import pandas as pd
import pytest

from bench.images.assembly import draw_splits
from bench.images.data_sets import read
from bench.images.image_set import COLUMNS
from bench.images.vocabulary.generator_names import canonical_name, family_of
from bench.platform.errors import InputError
from tests.support.small_data_sets import read_both_ways, write_images


def genimage(root):
    write_images(root, *(f"ADM/{split}/{kind}/1.png" for split in ("train", "val") for kind in ("ai", "nature")))


def cnnspot(root):
    write_images(root, "stylegan/0_real/1.png", "stylegan/1_fake/1.png")


def test_a_folder_of_two_layouts_names_both(tmp_path):
    genimage(tmp_path)
    cnnspot(tmp_path)
    with pytest.raises(InputError, match=r"only in part laid out as cnnspot or .*genimage; name one, as in DATA="):
        read(str(tmp_path))


def test_a_folder_that_two_layouts_read_whole_names_both(tmp_path):
    genimage(tmp_path)
    (tmp_path / "manifest.csv").write_text("path,label\nADM/train/ai/1.png,1\nADM/train/nature/1.png,0\n")
    with pytest.raises(InputError, match="could be read as genimage or manifest; name one, as in DATA=genimage:"):
        read(str(tmp_path))
    assert len(read(f"genimage:{tmp_path}")) == 4
    assert len(read(f"manifest:{tmp_path}")) == 2


@pytest.mark.parametrize(("layout", "left"), [("genimage", "stylegan/0_real, stylegan/1_fake"), ("cnnspot", "ADM/")])
def test_a_layout_that_is_forced_reads_its_part_and_says_what_it_left_out(tmp_path, layout, left):
    genimage(tmp_path)
    cnnspot(tmp_path)
    images = read(f"{layout}:{tmp_path}")
    assert images.generators == ({"genimage": "ADM", "cnnspot": "stylegan"}[layout],)
    assert "not part of the layout and were left out" in images.notes[-1]
    assert left in images.notes[-1]


@pytest.mark.parametrize(("build", "layout"), [(genimage, "genimage"), (cnnspot, "cnnspot")])
def test_a_layout_that_fits_wins_over_the_general_one(tmp_path, build, layout):
    build(tmp_path)
    assert read(str(tmp_path)).table.equals(read(f"{layout}:{tmp_path}").table)


def test_a_stray_folder_in_a_data_set_is_not_read_as_a_generator(tmp_path):
    genimage(tmp_path)
    write_images(tmp_path, "samples/1.png")
    with pytest.raises(InputError, match=r"only in part laid out as .*genimage"):
        read(str(tmp_path))


def drawing(order):
    """Two generators and a pool of 100 sources each; every source of `a` has three images."""
    rows = [(f"a/{n}/{k}", 1, "a", "", "", f"s{n}", "") for n in range(100) for k in range(3)]
    rows += [(f"b/{n}", 1, "b", "", "", f"s{n}", "") for n in range(100)]
    rows += [(f"r/{n}", 0, "real", "", "", f"s{n}", "") for n in range(100)]
    table = pd.DataFrame([rows[place] for place in order], columns=list(COLUMNS))
    return table.assign(split=draw_splits(table))


def test_drawn_splits_are_exact_and_keep_sources_together():
    table = drawing(range(500))
    counts = table.groupby(["generator", "label"])["split"].value_counts().unstack()[["train", "val", "test"]]
    assert counts.to_numpy().tolist() == [[240, 30, 30], [80, 10, 10], [80, 10, 10]]
    assert (table.groupby("source")["split"].nunique() == 1).all()


def test_drawn_splits_are_the_same_in_every_order():
    table = drawing(range(500))
    again = drawing(np.random.default_rng(0).permutation(500)).sort_values("name", ignore_index=True)
    assert again.equals(table.sort_values("name", ignore_index=True))
    assert set(table.loc[table["name"] == "r/0", "split"]) == {"train"}


def test_too_few_images_to_divide_are_for_training():
    table = pd.DataFrame([("a", 1, "g", "", "", "a", ""), ("b", 1, "g", "", "", "b", "")], columns=list(COLUMNS))
    assert draw_splits(table).tolist() == ["train", "train"]


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


@pytest.mark.parametrize("layout", ["cnnspot", "folders"])
def test_real_images_can_be_given_for_any_layout(tmp_path, layout):
    folder = "1_fake" if layout == "cnnspot" else "x"
    write_images(
        tmp_path / "data", *(f"{name}/{folder}/{index}.png" for name in ("glow", "dim") for index in range(10))
    )
    write_images(tmp_path / "mine", *(f"{index}.jpg" for index in range(20)))
    found = read_both_ways(layout, tmp_path / "data", str(tmp_path / "mine"))
    assert found.generators == ("dim", "glow")
    assert set(found.pools.values()) == {"real"}
    assert found.table.groupby(["label", "split"])["name"].count().to_dict() == {
        (0, "test"): 2, (0, "train"): 16, (0, "val"): 2, (1, "test"): 2, (1, "train"): 16, (1, "val"): 2,
    }  # fmt: skip
    assert found[found.names.index("real/3.jpg")].facts.format == "JPEG"


def test_a_manifest_that_is_of_itself_is_refused(tmp_path):
    (tmp_path / "manifest.csv").write_text("path,label\na.png,1\n")
    (tmp_path / "dataset.json").write_text(json.dumps({"of": str(tmp_path)}))
    with pytest.raises(InputError, match="name data that has images"):
        read(str(tmp_path))


def test_real_images_beside_nothing_that_a_layout_reads_are_one_clear_line(tmp_path):
    write_images(tmp_path / "data", "flux/a.png")
    write_images(tmp_path / "photos", "b.jpg")
    with pytest.raises(InputError, match="holds no image that the layout genimage can read"):
        read(f"genimage:{tmp_path / 'data'}", str(tmp_path / "photos"))
