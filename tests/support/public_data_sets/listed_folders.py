"""Folders whose labels, generators or splits stand in lists beside the images, and copies of one image."""

from __future__ import annotations

import json

from tests.support.public_data_sets.shapes import Images, Other, Part, PublicDataSet

ARTIFACT_REAL, ARTIFACT_GENERATED = ("coco", "ffhq", "lsun"), ("big_gan", "glide", "stable_diffusion", "stylegan3")
WILD_COLUMNS = "Generator,Architecture,Weight,Category,IsAdvanced,IsFake,Image_path,Num"
WILD = (
    ("ADM", "Diffusion_based", 1, "Diffusion_based/ADM/imgs"),
    ("DALLE", "Diffusion_based", 1, "Diffusion_based/DALLE/Advanced/DALLE3/art"),
    ("styleGAN", "GAN_based", 1, "GAN_based/Typical/styleGAN/ffhq"),
    ("coco", "Real", 0, "Real/coco/coco2017/val2017"),
    ("imagenet", "Real", 0, "Real/imagenet/val"),
)
SHARES = {"PreSocial": "png", "Facebook": "jpg", "Telegram": "jpg", "Twitter": "jpg"}
TRUE_FAKE = {
    "Fake/StyleGAN2/conf-f-psi-0.5": "StyleGAN2",
    "Fake/StyleGAN3/conf-t-psi-1.0": "StyleGAN3",
    "Fake/StableDiffusion1.5/general": "StableDiffusion1.5",
    "Fake/FLUX.1/general": "FLUX.1",
    "Real/FFHQ": "",
    "Real/FORLAB": "",
}
ELSA_FOLDERS = (
    "DeepFloyd--IF-II-L-v1.0",
    "CompVis--stable-diffusion-v1-4",
    "stabilityai--stable-diffusion-2-1-base",
    "stabilityai--stable-diffusion-xl-base-1.0",
)
CLUE = {"doc": "", "satellite": "", "ff++": "Deepfakes"}


def artifact() -> tuple[Part, ...]:
    """A table in every folder; one folder holds both classes."""
    parts: list[Part] = []
    for folder in (*ARTIFACT_REAL, *ARTIFACT_GENERATED):
        label = int(folder in ARTIFACT_GENERATED)
        lines = [f"img{n:06d}.jpg,{folder}/img{n:06d}.jpg,{label * 6},cat" for n in (0, 1)]
        parts.append(Images(f"{folder}/{folder}/img{{n:06d}}.jpg", label, folder if label else ""))
        parts.append(Other(f"{folder}/metadata.csv", "filename,image_path,target,category\n" + "\n".join(lines) + "\n"))
    lines = [f"img{n:06d}.jpg,horse/img{n:06d}.jpg,{n % 2},horse" for n in range(4)]
    parts += [
        Images("cycle_gan/horse/img{n:06d}.jpg", 0, numbers=(0, 2)),
        Images("cycle_gan/horse/img{n:06d}.jpg", 1, "cycle_gan", numbers=(1, 3)),
        Other("cycle_gan/metadata.csv", "filename,image_path,target,category\n" + "\n".join(lines) + "\n"),
    ]
    return tuple(parts)


def wild_fake() -> tuple[Part, ...]:
    """Two official lists over one tree; paths begin with a dot and are relative to the folder of the images."""
    parts: list[Part] = []
    for split, numbers in (("train", (0, 1)), ("test", (2, 3))):
        lines = [WILD_COLUMNS]
        for generator, kind, fake, folder in WILD:
            name = f"images/{folder}/img{{n:06d}}.jpg"
            parts.append(Images(name, fake, generator if fake else "", split, numbers=numbers))
            lines += [f"{generator},{kind},base,human,0,{fake},./{folder}/img{n:06d}.jpg,{n}" for n in numbers]
        parts.append(Other(f"split_train_test/csv_file/total_split/{split}_metadata.csv", "\n".join(lines) + "\n"))
    return tuple(parts)


def ntire() -> tuple[Part, ...]:
    """Shards of mixed images, each with its list of numbers."""
    parts: list[Part] = []
    for shard in (0, 1):
        parts += [
            Images(f"shard_{shard}/images/{{n:06d}}.jpg", 0, numbers=(0, 2)),
            Images(f"shard_{shard}/images/{{n:06d}}.jpg", 1, numbers=(1, 3)),
        ]
        lines = [f"{n},{n:06d}.jpg,{n % 2}" for n in range(4)]
        parts.append(Other(f"shard_{shard}/labels.csv", ",image_name,label\n" + "\n".join(lines) + "\n"))
    return tuple(parts)


def ai_vs_human() -> tuple[Part, ...]:
    """A list for the training images; the test images have no labels."""
    listed = "".join(f"{n},train_data/{n:032x}.jpg,{1 - n % 2}\n" for n in range(6))
    untold = "".join(f"test_data_v2/{n:032x}.jpg\n" for n in (6, 7))
    return (
        Images("train_data/{n:032x}.jpg", 1, "", "train", numbers=(0, 2, 4)),
        Images("train_data/{n:032x}.jpg", 0, "", "train", numbers=(1, 3, 5)),
        Images("test_data_v2/{n:032x}.jpg", None, "", "test", numbers=(6, 7)),
        Other("train.csv", ",file_name,label\n" + listed),
        Other("test.csv", "id\n" + untold),
    )


def true_fake() -> tuple[Part, ...]:
    """The same images as they were made and as three platforms gave them back."""
    return tuple(
        Images(
            f"{share}/{folder}/{{n:05d}}.{suffix}",
            int(bool(generator)),
            generator,
            unit=folder + "/{n:05d}",
            degradation="" if share == "PreSocial" else share,
        )
        for share, suffix in SHARES.items()
        for folder, generator in TRUE_FAKE.items()
    )


def raid() -> tuple[Part, ...]:
    """The same images as they were and attacked; a real image and those of its caption share a number."""
    return tuple(
        Images(
            f"{top}/{folder}/{{n}}.png",
            int(folder != "real"),
            "" if folder == "real" else folder,
            unit="{n}",
            degradation="" if top == "original" else top,
            numbers=(1386468016391, 1386705017408),
        )
        for top in ("original", "epsilon32")
        for folder in ("real", "gen_0", "gen_1", "gen_2", "gen_3")
    )


def elsa_downloaded() -> tuple[Part, ...]:
    """As the downloader of RAID writes it."""
    parts: list[Part] = []
    for split, numbers in (("train", (10, 11)), ("val", (20, 21))):
        parts.append(Images(f"{split}/real/{{n:013d}}.jpg", 0, "", split, "{n:013d}", numbers=numbers))
        parts += [
            Images(f"{split}/{one}/{{n:013d}}.png", 1, one, split, "{n:013d}", numbers=numbers) for one in ELSA_FOLDERS
        ]
    return tuple(parts)


def fake_clue() -> tuple[Part, ...]:
    """Folders of words and a list for each split, in which 0 is fake."""
    parts: list[Part] = []
    for split, video in (("train", "071_054"), ("test", "856_881")):
        listed = []
        for category in CLUE:
            for word, label in (("fake", 1), ("real", 0)):
                folder = f"{category}/{word}" if category != "ff++" else _frames(word, video)
                parts.append(Images(f"{split}/{folder}/{{n}}.png", label, None if label else "", split))
                listed += [
                    {"image": f"{folder}/{n}.png", "label": 1 - label, "cate": category, "width": 32, "height": 32}
                    for n in (0, 1)
                ]
        parts.append(Other(f"data_json/{split}.json", json.dumps(listed)))
    return tuple(parts)


def _frames(word: str, video: str) -> str:
    below = f"Deepfakes/c23/frames/{video}" if word == "fake" else f"youtube/c23/frames/{video[:3]}"
    return f"ff++/{word}/{below}"


LISTED_FOLDERS = (
    PublicDataSet(
        "ArtiFact",
        "repository awsaf49/artifact, README.md; mixed folders in AI-GenBench, artifact_utils.py",
        "repository",
        artifact(),
        note="README: target is 0 or 1; users treat every other number as generated, so a 6 stands here",
    ),
    PublicDataSet(
        "WildFake",
        "lists, and tree after unpacking, in the code of users of the ModelScope data set hy2628982280/WildFake",
        "code of a user",
        wild_fake(),
        ("--columns", "label=IsFake,generator=Generator"),
        note="ships one ZIP for each source; IsFake is 1 for generated; values of real rows inferred",
    ),
    PublicDataSet(
        "NTIRE 2026 robust AI-generated image detection, training set",
        "code of users of the Hugging Face data set deepfakesMSU/NTIRE-RobustAIGenDetection-train",
        "code of a user",
        ntire(),
        ("--classes", "0=real,1=generated"),
    ),
    PublicDataSet(
        "AI vs. Human-Generated Images",
        "columns and paths in the code of users of the Kaggle data set alessandrasala79/ai-vs-human-generated-dataset",
        "code of a user",
        ai_vs_human(),
        ("--classes", "0=real,1=generated"),
        note="pairs of a real and a generated image follow each other in the list; the test images have no labels",
    ),
    PublicDataSet(
        "TrueFake",
        "repository MMLab-unitn/TrueFake-IJCNN25, detector/README.md and dataset.py; subfolders in the code of a user",
        "repository",
        true_fake(),
        note="the split is in a file of the repository, not of the data set; names and formats of files inferred",
    ),
    PublicDataSet(
        "RAID",
        "repository pralab/RAID, README.md; class names real and gen_0 in the viewer of aimagelab/RAID",
        "repository",
        raid(),
        note="names of files inferred from the prompts of the repository",
    ),
    PublicDataSet(
        "ELSA_D3 as downloaded",
        "repository pralab/RAID, src/raid/scripts/elsa_downloader.py",
        "repository",
        elsa_downloaded(),
        note="folders are the names of the models, which are inferred; the README calls them gen_0 and so on",
    ),
    PublicDataSet(
        "FakeClue",
        "repository opendatalab/FakeVLM, README.md; records of data_json/train.json in the code of users",
        "repository",
        fake_clue(),
        note="label 0 is fake in the lists; the folders say it in words",
    ),
)
