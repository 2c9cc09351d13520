"""Sets of edited photographs with their masks, sets that hold generated images alone, and art."""

from __future__ import annotations

import json

from tests.support.public_data_sets.shapes import Archive, Images, Other, Part, PublicDataSet, Row, Table

PHOTOGRAPHS = (Images("photograph_{n}.jpg", 0),)  # real images that a user adds
ADDED = ("--real", "{real}")
TGIF_SPLITS = {"training": ("train", (208901, 90631)), "validation": ("val", (71226,)), "testing": ("test", (45596,))}
TGIF = {
    "SD2-sp": "{n}_mask_bbox.png_ps_mask.png_sd2_0.png",
    "PS-sp": "{n}_mask_segm.png_ps_1.png",
    "SD2-fr": "{n}_mask_bbox.png_sd2-512_0.png",
    "SDXL-fr": "{n}_mask_segm.png_sdxl-1024_2.png",
}
GLIDED = {114871: "dining table", 563758: "teddy bear", 66135: "train"}
SEMI_SOURCES = ("ADE20K", "OpenImages")
UUID = "3bfcd9cf-26ea-4303-bbe1-b095853f{n:04x}"
ARTBENCH = {"AI_LD_art_nouveau": 1, "AI_SD_art_nouveau": 1, "AI_SD_ukiyo-e": 1, "art_nouveau": 0, "ukiyo_e": 0}


def tgif() -> tuple[Part, ...]:
    """Originals in two crops, masks, and four ways of inpainting; names with more than one suffix."""
    parts: list[Part] = []
    for folder, (split, numbers) in TGIF_SPLITS.items():
        parts += [
            Images(f"original/{folder}/{{n}}_orig{crop}.png", 0, "", split, "{n}", numbers=numbers)
            for crop in ("", "_512")
        ]
        parts += [Other(f"masks/{folder}/{{n}}_mask_{kind}.png", numbers=numbers) for kind in ("bbox", "segm_1024")]
        parts += [
            Images(f"{method}/{folder}/{name}", 1, method, split, "{n}", numbers=numbers)
            for method, name in TGIF.items()
        ]
    return tuple(parts)


def coco_glide() -> tuple[Part, ...]:
    """Pairs whose numbers are in the names, and masks."""
    return tuple(
        part
        for number, thing in GLIDED.items()
        for part in (
            Images(f"real/{thing}_{{n}}.png", 0, unit="{n}", numbers=(number,)),
            Images("fake/glide_inpainting_val2017_{n}_up.png", 1, None, unit="{n}", numbers=(number,)),
            Other(f"mask/{thing}_{{n}}_mask.png", numbers=(number,)),
        )
    )


def casia() -> tuple[Part, ...]:
    """Authentic and tampered photographs, masks in a folder of their own, lists of names."""
    authentic = [f"Au_ani_{n:05d}.jpg" for n in (1, 2)]
    tampered = ["Tp_D_CND_M_N_ani00018_sec00096_00138.tif", "Tp_S_NRN_S_N_pla00020_pla00020_10988.jpg"]
    return (
        *(Images(f"CASIA2.0_revised/Au/{name}", 0, numbers=(0,)) for name in authentic),
        *(Images(f"CASIA2.0_revised/Tp/{name}", 1, numbers=(0,)) for name in tampered),
        *(Other(f"CASIA2.0_Groundtruth/{name[:-4]}_gt.png") for name in tampered),
        Other("CASIA2.0_revised/au_list.txt", "\n".join(authentic) + "\n"),
        Other("CASIA2.0_revised/tp_list.txt", "\n".join(tampered) + "\n"),
    )


def semi_truths() -> tuple[Part, ...]:
    """Originals, two ways of editing, and masks of both."""
    return tuple(
        part
        for source in SEMI_SOURCES
        for part in (
            Images(f"original/images/{source}/{source}_train_{{n:08d}}.png", 0),
            Other(f"original/masks/{source}/{source}_train_{{n:08d}}.png", numbers=(0, 1)),
            Images(f"inpainting/{source}/{source}_train_{{n:08d}}_inpaint.png", 1, None),
            Images(f"p2p/{source}/{source}_train_{{n:08d}}_p2p.png", 1, None),
            Other(f"p2p_masks/{source}/{source}_train_{{n:08d}}_p2p.png", numbers=(0, 1)),
        )
    )


def diffusion_db() -> tuple[Part, ...]:
    """Parts with a list of prompts each, and a table of all images that holds none."""
    columns = {"image_name": "string", "prompt": "string", "part_id": "uint16", "seed": "uint32", "sampler": "uint8"}
    parts: list[Part] = []
    rows = []
    for part, numbers in ((1, (0, 1, 2)), (2, (3, 4))):
        folder = f"images/part-{part:06d}"
        names = [UUID.format(n=number) + ".png" for number in numbers]
        parts.append(Images(f"{folder}/{UUID}.png", 1, numbers=numbers))
        parts.append(Other(f"{folder}/part-{part:06d}.json", json.dumps({one: {"p": "a boat"} for one in names})))
        rows += [Row(None, "", "", (one, "a boat", part, 1, 8)) for one in names]
    return (*parts, Table("metadata.parquet", columns, rows, features=False))


def journey_db() -> tuple[Part, ...]:
    """Compressed archives of images and of annotations, by split."""
    parts: list[Part] = []
    for folder, split in (("train", "train"), ("valid", "val"), ("test", "test")):
        listed = "".join(json.dumps({"img_path": f"./000/{folder}{n}.jpg", "prompt": "a boat"}) + "\n" for n in (0, 1))
        parts += [
            Archive(f"data/{folder}/imgs/000.tgz", (Images(f"000/{folder}{{n}}.jpg", 1, "", split),)),
            Archive(f"data/{folder}/{folder}_anno.jsonl.tgz", (Other(f"{folder}_anno.jsonl", listed),)),
        ]
    return tuple(parts)


EDITED_IMAGES = (
    PublicDataSet(
        "TGIF",
        "repository IDLabMedia/tgif-dataset, README.md",
        "repository",
        tgif(),
        note="a photograph, its crops and all that was made from it are one unit",
    ),
    PublicDataSet(
        "CocoGlide",
        "repository grip-unina/TruFor, test_docker/data_test/CocoGlide_{real,fake}.txt",
        "listing",
        coco_glide(),
        note="real and inpainted photograph share the number; train is a thing here",
    ),
    PublicDataSet(
        "CASIA 2.0",
        "repository namtpham/casia2groundtruth, README.md and Notes; folders in TruFor's lists and the code of users",
        "repository",
        casia(),
        ("--classes", "Au=real,Tp=generated"),
        note="tampered by hand, not generated",
    ),
    PublicDataSet(
        "Semi-Truths-Evalset",
        "Hugging Face data set semi-truths/Semi-Truths-Evalset, README.md and listing; paths in the code of a user",
        "card",
        semi_truths(),
        note="ships as tar.bz2 for each source; metadata.csv is left out as its header was not seen; names inferred",
    ),
    PublicDataSet(
        "DiffusionDB 2M",
        "repository poloclub/diffusiondb, README.md",
        "repository",
        diffusion_db(),
        ADDED,
        PHOTOGRAPHS,
        note="all generated, by Stable Diffusion as the prose says; five of thirteen columns of the table",
    ),
    PublicDataSet(
        "JourneyDB",
        "archives and img_path in the code of users of the Hugging Face data set JourneyDB/JourneyDB",
        "code of a user",
        journey_db(),
        ADDED,
        PHOTOGRAPHS,
        note="all generated, by Midjourney as the prose says; splits beside train and names of the lists inferred",
    ),
    PublicDataSet(
        "SynthScars",
        "repository opendatalab/LEGION, README.md",
        "repository",
        tuple(
            part
            for split in ("train", "test")
            for part in (
                Images(f"SynthScars/{split}/images/{{n}}.jpg", 1, "", split),
                Other(f"SynthScars/{split}/annoations/{split}.json", "[]"),
            )
        ),
        ADDED,
        PHOTOGRAPHS,
        note="all generated; the folder is spelt so",
    ),
    PublicDataSet(
        "CIFAKE",
        "paths in the code of users, {train,test}/{REAL,FAKE}",
        "code of a user",
        tuple(
            Images(f"{split}/{word}/{{n:04d}} (10).jpg", label, "", split)
            for split in ("train", "test")
            for word, label in (("REAL", 0), ("FAKE", 1))
        ),
        note="names of files from memory",
    ),
    PublicDataSet(
        "AI-ArtBench",
        "tree in the README.md of users, {train,test}/AI_LD_art_nouveau/00000001.jpg, and their lists of classes",
        "code of a user",
        tuple(
            Images(f"{split}/{folder}/{{n:08d}}.jpg", label, None if label else "", split)
            for split in ("train", "test")
            for folder, label in ARTBENCH.items()
        ),
        ("--classes", ",".join(f"{folder}={('real', 'generated')[label]}" for folder, label in ARTBENCH.items())),
        note="AI_LD is latent diffusion, AI_SD Stable Diffusion, the other folders are styles of painters",
    ),
)
