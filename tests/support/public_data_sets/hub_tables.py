"""Data sets of the Hugging Face hub that are tables, as their cards describe them."""

from __future__ import annotations

from tests.support.public_data_sets.shapes import (
    MASK,
    PICTURE,
    Evidence,
    Images,
    Kind,
    Other,
    Part,
    PublicDataSet,
    Row,
    Table,
)

PHOTOGRAPHS = (Images("photograph_{n}.jpg", 0),)  # real images that a user adds
ADDED = ("--real", "{real}")
TINY_GENERATORS = ("Real", "ADM", "BigGAN", "GLIDE", "Midjourney", "SD14", "SD15", "VQDM", "Wukong")
SKIP_TAMPERED = ("--classes", "0=real,1=generated,2=skip")
ELSA_MODELS = (
    "DeepFloyd/IF-II-L-v1.0",
    "CompVis/stable-diffusion-v1-4",
    "stabilityai/stable-diffusion-2-1-base",
    "stabilityai/stable-diffusion-xl-base-1.0",
)


def card(*configs: tuple[str, str]) -> Other:
    """The head of a README.md that says which files are which split."""
    lines = [f"  - split: {split}\n    path: {path}" for split, path in configs]
    return Other(
        "README.md", "---\nconfigs:\n- config_name: default\n  data_files:\n" + "\n".join(lines) + "\n---\n# Data set\n"
    )


def sid_set(split: str, folder: str) -> Table:
    """Real (from COCO), wholly generated and tampered images, the last with a mask."""
    columns: dict[str, Kind] = {
        "img_id": "string",
        "image": "image",
        "mask": "image",
        "width": "int64",
        "height": "int64",
        "label": "int64",
    }
    rows = []
    for number in range(6):
        label = (0, 1, None)[number % 3]
        mask = MASK if label is None else None
        rows.append(Row(label, "", split, (f"{folder}{number:08d}", PICTURE, mask, 32, 32, number % 3)))
    return Table(f"data/{folder}-00000-of-00001.parquet", columns, rows)


def so_fake(names: tuple[str, ...]) -> Table:
    """The first version: classes in another order than in the second."""
    columns: dict[str, Kind] = {"image": "image", "label": names, "mask": "image", "filename": "string"}
    labels = {"real": 0, "full_synthetic": 1, "tampered": None}
    rows = [
        Row(
            labels[name],
            "",
            "test",
            (PICTURE, names.index(name), MASK if name == "tampered" else None, f"{name}_{number}.png"),
        )
        for number in range(2)
        for name in ("real", "full_synthetic", "tampered")
    ]
    return Table("data/test-00000-of-00001.parquet", columns, rows)


def so_fake_2() -> Table:
    """The second version: generators, sources and a split in columns."""
    names = ("real", "tampered", "full_synthetic")
    columns: dict[str, Kind] = {
        "image": "image",
        "mask": "image",
        "label": names,
        "generator": "string",
        "source": "string",
        "filename": "string",
        "split": "string",
    }
    kinds = (
        ("real", 0, "", "real"),
        ("full_synthetic", 1, "GPT-4o", "GPT-4o"),
        ("full_synthetic", 1, "Imagen4", "Imagen4"),
        ("tampered", None, "Nano Banana", "Nano Banana"),
    )
    rows = [
        Row(
            label,
            generator,
            "test",
            (PICTURE, MASK if label is None else None, names.index(name), said, "reddit", f"{number}.png", "test"),
        )
        for number in range(2)
        for name, label, generator, said in kinds
    ]
    return Table("data/test-00000-of-00001.parquet", columns, rows)


def community_forensics(folder: str, models: tuple[str, ...], split: str, label: int = 1) -> Table:
    """Bytes in a column of their own; the split of training and test is a column, the subsets are the files."""
    columns: dict[str, Kind] = {
        **dict.fromkeys(("image_name", "format", "resolution", "mode"), "string"),
        "image_data": "binary",
        **dict.fromkeys(("model_name",), "string"),
        "nsfw_flag": "bool",
        **dict.fromkeys(("prompt", "real_source", "subset", "split"), "string"),
        "label": "int64",
        "architecture": "string",
    }
    rows = [
        Row(
            label,
            model if label else "",
            split,
            (
                f"{number:08d}.png",
                "PNG",
                "[32, 32]",
                "RGB",
                PICTURE,
                model,
                False,
                "a boat",
                "LAION",
                folder.title(),
                split,
                label,
                "LatDiff",
            ),
        )
        for number, model in enumerate(models * 2)
    ]
    return Table(f"data/{folder}/{folder}_0000.parquet", columns, rows, features=False)


def open_fake(path: str, split: str) -> Table:
    """Words for labels, and the model that generated."""
    columns: dict[str, Kind] = {"image": "image", "prompt": "string", "label": "string", "model": "string"}
    kinds = (
        (0, "", "real", "real"),
        (1, "flux.1-dev", "fake", "flux.1-dev"),
        (1, "gpt-image-1", "fake", "gpt-image-1"),
    )
    rows = [
        Row(label, generator, split, (PICTURE, "a boat", word, model)) for label, generator, word, model in kinds * 2
    ]
    return Table(path, columns, rows, suffix=".jpg")


def ai_vs_real() -> Table:
    """Numbers whose meaning only the card states, and it is 0 for generated."""
    rows = [Row(1 - number % 2, "", "train", (PICTURE, number % 2)) for number in range(6)]
    return Table("data/train-00000-of-00001.parquet", {"image": "image", "binary_label": "int64"}, rows)


def tiny_genimage(path: str, split: str) -> Table:
    """Class names for labels and for generators, of which the first is for real images."""
    columns: dict[str, Kind] = {"image": "image", "label": ("real", "fake"), "generator": TINY_GENERATORS}
    rows = [
        Row(int(number > 0), TINY_GENERATORS[number] if number else "", split, (PICTURE, int(number > 0), number))
        for number in (0, 1, 0, 4, 5, 0)
    ]
    return Table(path, columns, rows)


def defactify(path: str, split: str) -> Table:
    """Two columns of numbers: real or generated, and by what."""
    columns: dict[str, Kind] = {"Caption": "string", "Image": "image", "Label_A": "int32", "Label_B": "int32"}
    rows = [
        Row(int(kind > 0), None if kind else "", split, ("a boat", PICTURE, int(kind > 0), kind)) for kind in range(6)
    ]
    return Table(path, columns, rows, suffix=".jpg")


def ai_gen_bench(path: str, split: str) -> Table:
    """Class names, generators, and the real images that belong to a generated one."""
    texts = ("file_id", "description", "positive_prompt", "negative_prompt", "conditioning", "origin_dataset")
    columns: dict[str, Kind] = {
        "image": "image",
        "height": "uint32",
        "width": "uint32",
        "label": ("real", "fake"),
        "generator": "large_string",
        **dict.fromkeys(texts, "large_string"),
        "paired_real_images": "list<string>",
    }
    names = ("DALL-E 3", "Stable Diffusion 1.4", "FLUX 1 Dev")
    rows = [
        Row(
            1, name, split, (PICTURE, 32, 32, 1, name, f"{split}{number}", "", "a boat", "", "text", "DRCT", ["COCO/1"])
        )
        for number, name in enumerate(names * 2)
    ]
    return Table(path, columns, rows, suffix=".jpg")


def two_names(path: str, split: str, names: tuple[str, str], real: int) -> Table:
    """A column of two class names."""
    rows = [Row(int(number % 2 != real), "", split, (PICTURE, number % 2)) for number in range(6)]
    return Table(path, {"image": "image", "label": names}, rows)


def community_forensics_small() -> Table:
    """Generated images and as many real ones, whose model is their source."""
    table = community_forensics("small", ("stabilityai/stable-diffusion-2", "dalle3"), "train")
    real = community_forensics("small", ("LAION", "COCO"), "train", 0)
    return Table("data/0000.parquet", table.columns, (*table.rows, *real.rows), features=False)


def open_fake_2026(path: str, split: str, reddit: str = "") -> Table:
    """The second version: kinds of models and dates of release."""
    texts = dict.fromkeys(("prompt", "label", "model", "type", "release_date"), "string")
    columns: dict[str, Kind] = {"image": "image", **texts}
    kinds = (
        (0, "", "real", "real", "real"),
        (1, "flux.1-dev", "fake", "flux.1-dev", "base"),
        (1, "gpt-image-1", "fake", "gpt-image-1", "proprietary"),
    )
    rows = [
        Row(
            label,
            reddit or generator if label else "",
            split,
            (PICTURE, "a boat", word, reddit or model, kind, "2025-01"),
        )
        for label, generator, word, model, kind in kinds * 2
    ]
    return Table(path, columns, rows, suffix=".jpg")


def elsa_d3(path: str, split: str) -> Table:
    """Four generated images in each row; the real one is a URL."""
    columns: dict[str, Kind] = dict.fromkeys(
        ("id", "original_prompt", "positive_prompt", "negative_prompt", "url"), "string"
    )
    for number in range(4):
        columns |= {f"model_gen{number}": "string", f"width_gen{number}": "int64", f"height_gen{number}": "int64"}
        columns |= {
            f"num_inference_steps_gen{number}": "int64",
            f"filepath_gen{number}": "string",
            f"image_gen{number}": "image",
        }
    rows = []
    for number in range(3):
        values: list[object] = [f"{split}{number}", "a boat", "a boat", "", "url"]
        for model in ELSA_MODELS:
            values += [model, 32, 32, 50, f"{number}.png", PICTURE]
        rows.append(Row(1, "", split, tuple(values), f"{split}{number}"))
    return Table(
        path, columns, rows, generators={f"image_gen{number}": model for number, model in enumerate(ELSA_MODELS)}
    )


SEEN: dict[Evidence, str] = {"card": "README.md", "listing": "its viewer", "code of a user": "the code of users"}


def hub(
    name: str,
    parts: tuple[Part, ...],
    options: tuple[str, ...] = (),
    note: str = "",
    real: tuple[Part, ...] = (),
    seen: Evidence = "card",
) -> PublicDataSet:
    """A data set of the hub, and where its shape was seen."""
    return PublicDataSet(name, f"Hugging Face data set {name}, {SEEN[seen]}", seen, parts, options, real, note)


HUB_TABLES = (
    hub(
        "saberzl/SID_Set",
        (
            sid_set("train", "train"),
            sid_set("val", "validation"),
            card(("train", "data/train-*"), ("validation", "data/validation-*")),
        ),
        SKIP_TAMPERED,
        "card: 0 real, 1 full synthetic, 2 tampered; numbers without names",
    ),
    hub(
        "saberzl/So-Fake-OOD version 1",
        (so_fake(("full_synthetic", "real", "tampered")), card(("test", "data/test-*"))),
        ("--classes", "full_synthetic=generated,real=real,tampered=skip"),
        "names in the schema: 0 is full_synthetic, 1 real",
    ),
    hub(
        "saberzl/So-Fake-OOD version 2",
        (so_fake_2(), card(("test", "data/test-*"))),
        ("--classes", "full_synthetic=generated,real=real,tampered=skip"),
        "names in the schema: 0 is real, 1 tampered, 2 full_synthetic; spelling of the generator of real rows inferred",
    ),
    hub(
        "OwensLab/CommunityForensics",
        (
            community_forensics(
                "systematic", ("stabilityai/stable-diffusion-2", "runwayml/stable-diffusion-v1-5"), "train"
            ),
            community_forensics("manual", ("progan", "latent-diffusion"), "train"),
            community_forensics("commercial", ("dalle3",), "train"),
            community_forensics("publicEval", ("midjourney-v6", "flux.1-dev"), "test"),
            card(
                ("Systematic", "data/systematic/*.parquet"),
                ("Manual", "data/manual/*.parquet"),
                ("PublicEval", "data/publicEval/*.parquet"),
                ("Commercial", "data/commercial/*.parquet"),
            ),
        ),
        ADDED,
        "all generated: real images come from eleven other sets; the splits of the card's head are subsets",
        PHOTOGRAPHS,
    ),
    hub(
        "ComplexDataLab/OpenFake of 2025",
        (
            open_fake("data/train-00000-of-00001.parquet", "train"),
            open_fake("data/test-00000-of-00001.parquet", "test"),
            Other("unused_metadata.csv", "url,prompt\n"),
            card(("train", "data/train-*"), ("test", "data/test-*")),
        ),
        note="model of real rows inferred",
    ),
    hub(
        "Parveshiiii/AI-vs-Real",
        (ai_vs_real(),),
        ("--classes", "0=generated,1=real"),
        "card: 0 AI-generated, 1 real",
    ),
    hub(
        "elsaEU/ELSA_D3",
        (
            elsa_d3("data/train-00000-of-00001.parquet", "train"),
            elsa_d3("data/validation-00000-of-00001.parquet", "val"),
        ),
        ADDED,
        "five images of one caption in a row, the real one as a URL",
        PHOTOGRAPHS,
    ),
    hub(
        "TheKernel01/Tiny-GenImage",
        (
            tiny_genimage("data/train-00000-of-00014.parquet", "train"),
            tiny_genimage("data/validation-00000-of-00004.parquet", "val"),
        ),
        note="as a user's script quotes the card: label and generator are class labels; names of the labels inferred",
        seen="code of a user",
    ),
    hub(
        "Rajarshi-Roy-research/Defactify_Image_Dataset",
        (
            defactify("data/validation-00000-of-00002.parquet", "val"),
            defactify("data/train-00000-of-00007.parquet", "train"),
            defactify("data/test-00000-of-00006.parquet", "test"),
            card(("validation", "data/validation-*"), ("train", "data/train-*"), ("test", "data/test-*")),
        ),
        ("--columns", "label=Label_A,generator=Label_B", "--classes", "0=real,1=generated"),
        "0 is real in both columns by users; Label_B 1 to 5: SD21, SDXL, SD3, DALLE3, Midjourney, from the "
        "order of the card",
    ),
    hub(
        "lrzpellegrini/AI-GenBench-fake_part",
        (
            ai_gen_bench("data/train-00000-of-00057.parquet", "train"),
            ai_gen_bench("data/validation-00000-of-00015.parquet", "val"),
        ),
        ADDED,
        "columns in the maker's code, dataset_creation/dataset_utils/common_utils.py; shards in the code of users",
        PHOTOGRAPHS,
        "code of a user",
    ),
    hub(
        "OwensLab/CommunityForensics-Small",
        (community_forensics_small(), card(("train", "data/*.parquet"))),
        note="1 is generated; what stands as the model of a real row is inferred",
    ),
    hub(
        "ComplexDataLab/OpenFake of 2026",
        (
            open_fake_2026("core/train-00000-of-00032.parquet", "train"),
            open_fake_2026("core/validation-00000-of-00002.parquet", "val"),
            open_fake_2026("core/test-00000-of-00004.parquet", "test"),
            open_fake_2026("reddit/test-00000-of-00002.parquet", "test", "reddit"),
            Other("core_metadata.csv", "url,prompt\n"),
        ),
        note="columns as measured by this project; what stands as model, type and date is inferred",
    ),
    hub(
        "itsLeen/deepfake_vs_real_image_detection",
        (
            two_names("data/train-00000-of-00002.parquet", "train", ("AiArtData", "RealArt"), 1),
            two_names("data/test-00000-of-00001.parquet", "test", ("AiArtData", "RealArt"), 1),
            card(("train", "data/train-*"), ("test", "data/test-*")),
        ),
        options=("--classes", "AiArtData=generated,RealArt=real"),
        note="0 is AiArtData",
    ),
    hub(
        "OmAlve/Real-VS-AI-Art",
        (
            two_names("data/train-00000-of-00001.parquet", "train", ("AI_Art", "Real_Art"), 1),
            card(("train", "data/train-*")),
        ),
        options=("--classes", "AI_Art=generated,Real_Art=real"),
        note="0 is AI_Art",
    ),
    hub(
        "DataScienceProject/Art_Images_Ai_And_Real_",
        (two_names("default/train/0000.parquet", "train", ("fake", "real"), 1),),
        note="the names in the schema say 0 is fake, the prose of the card 0 is real: the names are of folders",
        seen="listing",
    ),
    hub(
        "dragonintelligence/CIFAKE-image-dataset",
        (
            two_names("data/train-00000-of-00001.parquet", "train", ("FAKE", "REAL"), 1),
            two_names("data/test-00000-of-00001.parquet", "test", ("FAKE", "REAL"), 1),
        ),
        note="files and numbers (0 fake) in the code of users; that the schema names them is inferred",
        seen="code of a user",
    ),
)
