"""Names and families of generators: data sets spell one generator in many ways; its family is the same in all."""

from __future__ import annotations

import re
from functools import lru_cache

CACHED_NAMES = 2**14  # the same few stand in the paths of all images

# Canonical name (as GenImage's tables print it), family, and a pattern for the folder names in use.
GENIMAGE = (
    ("Midjourney", "undisclosed", r"(imagenet_)?midjourney"),
    ("SDv1.4", "stable diffusion", r"(stable_?diffusion|sd)_?v?_?1_?4|(imagenet_ai_0419_)?sdv4"),
    ("SDv1.5", "stable diffusion", r"(stable_?diffusion|sd)_?v?_?1_?5|(imagenet_ai_0424_)?sdv5"),
    ("ADM", "pixel diffusion", r"(imagenet_ai_0508_)?adm"),
    ("GLIDE", "pixel diffusion", r"(imagenet_)?glide"),
    ("Wukong", "stable diffusion", r"(imagenet_ai_0424_)?wukong"),
    ("VQDM", "codebook diffusion", r"(imagenet_ai_0419_)?vqdm"),
    ("BigGAN", "gan", r"(imagenet_ai_0419_)?biggan"),
)
# Canonical names and spellings of generators of other data sets: those that released checkpoints were trained on.
OTHERS = (
    ("ProGAN", r"pro_?gan|pg_?gan|progressive_?gan"),
    ("StyleGAN", r"style_?gan_?1?"),
    ("StyleGAN2", r"style_?gan_?2"),
    ("LDM", r"(ldm|latent_?diffusion)(_\d+)?(_(cfg|model))?"),
    ("DALL-E mini", r"dall_?e_?mini|craiyon"),
)
# Names of test sets in published tables, and in the folders of the data: small letters and digits alone.
TEST_SETS = {
    "deepfakes": "deepfake",
    "ldm100steps": "ldm100",
    "ldm200steps": "ldm200",
    "ldm200wcfg": "ldm200cfg",
    "sd13": "stablediffusion13",
    "sd2": "stablediffusion2",
    "sdxl": "stablediffusionxl",
    "sitd": "seeingdark",
    "wfir": "whichfaceisreal",
}
# Families of the generators of other data sets, by patterns in their normalised names; the first that fits decides.
FAMILIES = (
    ("codebook diffusion", r"vq_?diff|vqdm"),
    ("codebook transformer", r"taming|vqgan|dall_?e_?mini|(^|_)(parti|muse)(_|$)"),
    (
        "stable diffusion",
        r"stable_?diffusion|(^|_)sd(_|v?\d|xl)|sdxl|latent_?diffusion|(^|_)ldm|wukong|dreambooth|(^|_)lora",
    ),
    ("pixel diffusion", r"(^|_)adm(_|$)|guided|glide|ddpm|deepfloyd|imagen$|palette|denoising_diffusion|dall_?e_?2"),
    ("undisclosed", r"midjourney|dall[_·]?e|firefly|imagen_?\d|gpt|gemini"),
    ("diffusion transformer", r"flux|pixart|kandinsky|hunyuan|auraflow"),
    ("gan", r"gan|whichfaceisreal|^cips|sfhq|^mat$|generative_inpainting|(^|_)lama(_|$)"),
    ("perceptual loss", r"^(crn|imle)$"),
    ("low-level vision", r"^(san|seeing_?dark|sitd)$"),
)


@lru_cache(maxsize=CACHED_NAMES)
def normalised(name: str) -> str:
    """A name in lower case with one kind of separator."""
    return re.sub(r"[\s.\-]+", "_", name.strip().lower())


def genimage_name(folder: str) -> str | None:
    """The generator of GenImage that a folder's name stands for; None for any other name."""
    return next((name for name, _, pattern in GENIMAGE if re.fullmatch(pattern, normalised(folder))), None)


def canonical_name(folder: str) -> str:
    """The generator that a folder's name stands for; an unknown generator keeps its name."""
    return genimage_name(folder) or folder


def same_generator(name: str, other: str) -> bool:
    """Whether two names stand for one generator."""
    return _plain_name(name) == _plain_name(other)


def _plain_name(name: str) -> str:
    """The canonical name in small letters and digits alone."""
    known = next((canonical for canonical, pattern in OTHERS if re.fullmatch(pattern, normalised(name))), "")
    return re.sub(r"[^a-z0-9]", "", (known or canonical_name(name)).lower())


def same_test_set(published: str, folder: str) -> bool:
    """Whether a published table's column is the test set in a folder: variants of a generator are sets of their own."""
    plain = [re.sub(r"[^a-z0-9]", "", canonical_name(name).lower()) for name in (published, folder)]
    return TEST_SETS.get(plain[0], plain[0]) == TEST_SETS.get(plain[1], plain[1])


@lru_cache(maxsize=CACHED_NAMES)
def is_exact_generator(name: str) -> bool:
    """Whether a name is one of a known generator and nothing else."""
    known = any(re.fullmatch(pattern, normalised(name)) for _, pattern in OTHERS)
    return known or name in {canonical for canonical, _, _ in GENIMAGE} or genimage_name(name) is not None


@lru_cache(maxsize=CACHED_NAMES)
def is_known_generator(name: str) -> bool:
    """Whether a name is that of a generator whose family is known."""
    return family_of(canonical_name(name)) != name and not re.search(r"based|benchmark|detection|dataset", name.lower())


def family_of(generator: str) -> str:
    """Family of a generator by its name; an unknown one is a family of its own."""
    for name, family, _ in GENIMAGE:
        if name == generator:
            return family
    return next((family for family, pattern in FAMILIES if re.search(pattern, normalised(generator))), generator)
