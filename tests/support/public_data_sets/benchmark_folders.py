"""Benchmarks of generated images whose makers ship folders of images."""

from __future__ import annotations

from collections.abc import Mapping

from tests.support.public_data_sets.shapes import Images, Other, Part, PublicDataSet

GENIMAGE = {
    "ADM": ("imagenet_ai_0508_adm", "{n}_adm_31.PNG"),
    "BigGAN": ("imagenet_ai_0419_biggan", "{n:03d}_biggan_00031.png"),
    "glide": ("imagenet_glide", "GLIDE_1000_200_00_{n:03d}_glide_00031.png"),
    "Midjourney": ("imagenet_midjourney", "{n}_midjourney_31.png"),
    "stable_diffusion_v_1_4": ("imagenet_ai_0419_sdv4", "{n:03d}_sdv4_00031.png"),
    "VQDM": ("imagenet_ai_0419_vqdm", "VQDM_1000_200_00_{n:03d}_vqdm_00031.png"),
}
GENIMAGE_README = ("Midjourney", "VQDM", "Wukong", "Stable Diffusion V1.4", "GLIDE")
CNN_FLAT = ("biggan", "crn", "deepfake", "gaugan", "imle", "san", "seeingdark", "stargan", "whichfaceisreal")
CNN_CLASSES = {"progan": ("airplane", "cat"), "cyclegan": ("horse", "winter"), "stylegan2": ("car", "church")}
DIFFUSION = ("dalle", "glide_100_10", "glide_100_27", "guided", "ldm_100", "ldm_200_cfg")
AIGC_FLAT = ("ADM", "DALLE2", "Glide", "Midjourney", "VQDM", "stable_diffusion_v_1_4", "whichfaceisreal", "wukong")
GAN_GEN = ("AttGAN", "BEGAN", "InfoMaxGAN", "STGAN")
DRCT = ("ldm-text2im-large-256", "sdxl-turbo", "lcm-lora-sdv1-5", "stable-diffusion-xl-1.0-inpainting-0.1")
SYNTHBUSTER = ("dalle2", "dalle3", "firefly", "glide", "midjourney-v5", "stable-diffusion-1-3", "stable-diffusion-xl")
RAISE = ("r05839451t.png", "r006b0e4bt.png")
AIGI_TRAINED = {"car": None, "horse": None, "sdv1.4": "sdv1.4"}
AIGI_TESTED = ("ProGAN", "R3GAN", "BlendFace", "FLUX1-dev", "Midjourney-V6", "Infinite-ID", "CommunityAI", "SocialRF")
FORENSICS = {"lsun_bedroom": ("adm", "ddpm", "sdv1"), "imagenet": ("adm", "sdv1"), "celebahq": ("sdv2",)}
DDMD = ("ProGAN", "StyleGAN", "Diff-StyleGAN2", "Diff-ProjectedGAN", "DDPM", "ADM", "PNDM", "LDM")
SUSY = ("dalle-3-images", "diffusiondb", "midjourney-images", "midjourney_tti", "realisticSDXL")
SYNTHWILDX = ("dalle3", "firefly", "midjourney_v5")
IMAGINET = {
    "photos/synthetic/gan": ("gan", "0,0,1"),
    "photos/synthetic/sd": ("sd", "0,1,4"),
    "paintings/synthetic/sd": ("sd", "1,1,5"),
    "faces/synthetic/gan": ("gan", "2,0,1"),
    "uncategorized/synthetic/midjourney": ("midjourney", "3,2,6"),
    "uncategorized/synthetic/dalle3": ("dalle3", "3,3,7"),
}
IMAGINET_REAL = {
    "photos/real": "0,4,8",
    "paintings/real": "1,4,8",
    "faces/real": "2,4,8",
    "uncategorized/real": "3,4,8",
}


def both(
    folder: str, name: str, generator: str | None = "", split: str = "", classes: tuple[str, str] = ("0_real", "1_fake")
) -> tuple[Part, ...]:
    """Images of two folders of classes, the first of them real."""
    real, generated = classes
    return (
        Images(f"{folder}/{real}/{name}", 0, "", split),
        Images(f"{folder}/{generated}/{name}", 1, generator, split),
    )


def genimage() -> tuple[Part, ...]:
    """Both folders of every generator: the one on the drive and the one inside its archive."""
    parts: list[Part] = []
    for generator, (inner, name) in GENIMAGE.items():
        for split, photograph in (("train", "n01440764_{n}.JPEG"), ("val", "ILSVRC2012_val_{n:08d}.JPEG")):
            folder = f"{generator}/{inner}/{split}"
            parts += [
                Images(f"{folder}/ai/{name}", 1, generator, split),
                Images(f"{folder}/nature/{photograph}", 0, "", split),
            ]
    return tuple(parts)


def tiny_splits(generators: tuple[str, ...]) -> tuple[Part, ...]:
    """GenImage's splits and classes below each generator."""
    return tuple(
        part
        for generator in generators
        for split in ("train", "val")
        for part in both(f"{generator}/{split}", "{n:05d}.png", generator, split, ("nature", "ai"))
    )


def cnn_detection(
    names: tuple[str, ...], classes: Mapping[str, tuple[str, ...]], top: str = "", split: str = ""
) -> tuple[Part, ...]:
    """Folders of generators, some of them with a folder for each content class."""
    flat = [part for name in names for part in both(f"{top}{name}", "{n:05d}.png", name, split)]
    deep = [
        part
        for name, contents in classes.items()
        for content in contents
        for part in both(f"{top}{name}/{content}", "{n:05d}.png", name, split)
    ]
    return (*flat, *deep)


def imaginet() -> tuple[Part, ...]:
    """The test set and its list, whose columns are path, class, content, kind of model, model."""
    lines: list[str] = []
    parts: list[Part] = []
    for start, (folder, (generator, numbers)) in enumerate(
        {**{one: ("", said) for one, said in IMAGINET_REAL.items()}, **IMAGINET}.items()
    ):
        label = 1 if generator else 0
        named = range(start * 10, start * 10 + 2)
        parts.append(Images(f"testset/{folder}/{{n:05d}}.webp", label, generator, "test", numbers=named))
        lines += [f"./testset/{folder}/{number:05d}.webp,{label},{numbers}" for number in named]
    return (*parts, Other("annotations/test_all.txt", "\n".join(lines) + "\n"))


def aigi_bench() -> tuple[Part, ...]:
    """Content classes of ProGAN beside a generator in the training set; generators in the test set."""
    trained = [
        part
        for split in ("train", "val")
        for folder, generator in AIGI_TRAINED.items()
        for part in both(f"{split}/{folder}", "{n:05d}.png", generator, split)
    ]
    return (*trained, *(part for one in AIGI_TESTED for part in both(f"test/{one}", "{n:05d}.png", one, "test")))


def diffusion_forensics() -> tuple[Part, ...]:
    """Images below split, content and generator, as they lie in one of the three kinds of archives."""
    parts = []
    for split in ("train", "val", "test"):
        for content, generators in FORENSICS.items():
            parts.append(Images(f"images/{split}/{content}/real/img{{n}}.png", 0, "", split))
            parts += [Images(f"images/{split}/{content}/{one}/img{{n}}.png", 1, one, split) for one in generators]
    return tuple(parts)


BENCHMARK_FOLDERS = (
    PublicDataSet(
        "GenImage",
        "repository beibuwandeluori/DRCT, data/dataset.py; repository MI-BioLab/AI-GenBench, genimage_utils.py",
        "code of a user",
        genimage(),
    ),
    PublicDataSet(
        "GenImage as its README draws it",
        "repository GenImage-Dataset/GenImage, Readme.md",
        "repository",
        tiny_splits(GENIMAGE_README),
    ),
    PublicDataSet(
        "CNNDetection test set",
        "repository PeterWang512/CNNDetection, README.md; folder names in UniversalFakeDetect, dataset_paths.py",
        "repository",
        cnn_detection(CNN_FLAT, CNN_CLASSES),
        note="a folder of real images belongs to the generator beside it",
    ),
    PublicDataSet(
        "CNNDetection training and validation sets",
        "repository PeterWang512/CNNDetection, README.md and dataset/train; UniversalFakeDetect, README.md",
        "repository",
        (
            *cnn_detection((), {"progan": ("airplane", "horse", "train")}, "train/", "train"),
            *cnn_detection((), {"progan": ("airplane", "horse", "train")}, "val/", "val"),
        ),
        note="`train` below a generator is a content class, a railway train",
    ),
    PublicDataSet(
        "UniversalFakeDetect diffusion_datasets",
        "repository WisconsinAIVision/UniversalFakeDetect, dataset_paths.py (data_mode wang2020) and README.md",
        "repository",
        (
            Images("imagenet/0_real/{n}.jpg", 0),
            Images("laion/0_real/{n}.jpg", 0),
            *(Images(f"{one}/1_fake/{{n}}.png", 1, one) for one in DIFFUSION),
        ),
        note="real images of guided are imagenet, of all others laion",
    ),
    PublicDataSet(
        "AIGCDetectBenchmark test set",
        "repository Ekko-zn/AIGCDetectBenchmark, eval_config.py and data/datasets.py",
        "repository",
        cnn_detection(AIGC_FLAT, {"progan": ("airplane", "cat"), "cyclegan": ("horse",)}),
    ),
    PublicDataSet(
        "NPR's arrangement of ForenSynths, GANGen-Detection and DiffusionForensics",
        "repository chuangchuangtan/NPR-DeepfakeDetection, README.md",
        "repository",
        (
            *cnn_detection((), {"AttGAN": ()}, "Generalization_Test/GANGen-Detection/"),
            *cnn_detection(GAN_GEN, {}, "Generalization_Test/GANGen-Detection/"),
            *cnn_detection(("adm", "sdv1_new"), {}, "Generalization_Test/DiffusionForensics/"),
            *cnn_detection(("biggan",), {"progan": ("bus",)}, "Generalization_Test/ForenSynths_test/"),
        ),
        note="the test half of the arrangement; the folder of the table stands above the generator",
    ),
    PublicDataSet(
        "WildRF",
        "repository barcavia/RealTime-DeepfakeDetection-in-the-RealWorld, README.md",
        "repository",
        (
            *both("train", "{n}.jpg", "", "train"),
            *both("val", "{n}.jpg", "", "val"),
            *(part for one in ("reddit", "twitter", "facebook") for part in both(f"test/{one}", "{n}.jpg", "", "test")),
        ),
        note="no generator is named; reddit, twitter and facebook are platforms",
    ),
    PublicDataSet(
        "DRCT-2M",
        "repository beibuwandeluori/DRCT, README.md and data/dataset.py; AI-GenBench, drct_utils.py",
        "repository",
        tuple(
            Images(f"{one}/{phase}2017/{{n:012d}}.png", 1, one, phase, "{n:012d}", numbers=numbers)
            for one in DRCT
            for phase, numbers in (("train", (9, 25)), ("val", (139, 285)))
        ),
        ("--real", "{real}"),
        tuple(
            Images(f"{phase}2017/{{n:012d}}.jpg", 0, "", phase, "{n:012d}", numbers=numbers)
            for phase, numbers in (("train", (9, 25)), ("val", (139, 285)))
        ),
        note="made from MSCOCO, which is not in it; the file name is the number of the COCO photograph",
    ),
    PublicDataSet(
        "Synthbuster with RAISE",
        "repository grip-unina/ClipBased-SyntheticImageDetection, data/commercial_tools.csv, synthbuster_download.sh",
        "repository",
        (
            *(
                Images(f"synthbuster/{one}/{raise_name}", 1, one, "", raise_name[:-4], numbers=(0,))
                for one in SYNTHBUSTER
                for raise_name in RAISE
            ),
            *(Images(f"synthbuster/real_RAISE_1k/{one}", 0, "", "", one[:-4], numbers=(0,)) for one in RAISE),
            Other(
                "synthbuster/prompts.csv",
                "image name (matching Raise-1k),Prompt\nr05839451t,a bridge\nr006b0e4bt,a street\n",
            ),
        ),
    ),
    PublicDataSet(
        "SynthWildX",
        "repository grip-unina/ClipBased-SyntheticImageDetection, data/synthwildx/list.csv and README.md",
        "listing",
        (
            *(Images(f"{one}/{one}_F_g5nKpWgAADv{{n}}.jpg", 1, one) for one in SYNTHWILDX),
            Images("real/Cb1RvxXW4AAGF{n}.jpg", 0),
            Other(
                "list.csv",
                "url,filename,typ\n"
                + "".join(f"url,{one}/{one}_F_g5nKpWgAADv{n}.jpg,{one}\n" for one in SYNTHWILDX for n in (0, 1))
                + "".join(f"url,real/Cb1RvxXW4AAGF{n}.jpg,real\n" for n in (0, 1)),
            ),
        ),
        note="the list has the words of the folders; names of files end as on the social network",
    ),
    PublicDataSet(
        "ImagiNet test set",
        "repository delyan-boychev/imaginet, annotations/test_all.txt",
        "listing",
        imaginet(),
        note="the fourth number names the exact model: 0 ProGAN, 1 and 2 StyleGAN, 3 SD 2.1, 4 SDXL, 5 Animagine XL",
    ),
    PublicDataSet(
        "AIGIBench",
        "repository HorizonTEL/AIGIBench, README.md",
        "repository",
        aigi_bench(),
        note="the folders of val are taken to be those of train; car and horse are of ProGAN by the prose",
    ),
    PublicDataSet(
        "DiffusionForensics",
        "repository ZhendongWang6/DIRE, README.md",
        "repository",
        diffusion_forensics(),
        note="which generators belong to which content is inferred but for adm",
    ),
    PublicDataSet(
        "Diffusion model deepfakes of LSUN bedrooms",
        "repository jonasricker/diffusion-model-deepfake-detection, README.md",
        "repository",
        tuple(
            part
            for split in ("train", "val", "test")
            for part in (
                Images(f"{split}/Real/{{n}}.png", 0, "", split),
                *(Images(f"{split}/{one}/{{n}}.png", 1, one, split) for one in DDMD),
            )
        ),
    ),
    PublicDataSet(
        "Chameleon",
        "paths in the code of users, Chameleon/test/{0_real,1_fake}; repository shilinyan99/AIDE for what it is",
        "code of a user",
        both("test", "1c4b521d-428d-4c91-bb17-2c1246ed{n:04x}.jpg", "", "test"),
        note="no generator is named",
    ),
    PublicDataSet(
        "SuSy",
        "Hugging Face data set HPAI-BSC/SuSy-Dataset, README.md; paths in the code of users after unpacking",
        "card",
        tuple(
            part
            for split in ("train", "val", "test")
            for part in (
                Images(f"{split}/coco/{{n}}.jpg", 0, "", split),
                *(Images(f"{split}/{one}/{{n}}.jpg", 1, one, split) for one in SUSY),
            )
        ),
        ("--classes", "coco=real"),
        note="ships as data/{train,val,test}.zip; class names in the card: coco, dalle-3-images, ...",
    ),
)
