"""The GenImage layout: `<generator>/{train,val}/{ai,nature}/<image>`, as shipped, nested, or in README spelling.

GenImage (Zhu et al., NeurIPS 2023, arXiv 2306.08571). Which of its zip tools was used decides whether an inner folder
such as `imagenet_ai_0508_adm` stands between; both are read. A folder of another name is a generator of that name.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from bench.errors import InputError
from bench.images.imageset import COLUMNS, ImageSet

SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff"}
SPLITS = ("train", "val")
CLASSES = {"nature": 0, "ai": 1}
# Canonical name (as GenImage's tables print it), family, and a pattern for the folder names in use.
KNOWN = (
    ("Midjourney", "undisclosed", r"(imagenet_)?midjourney"),
    ("SDv1.4", "stable diffusion", r"stable_diffusion_v_?1_4|sd_?v?1_4|imagenet_ai_0419_sdv4|sdv4"),
    ("SDv1.5", "stable diffusion", r"stable_diffusion_v_?1_5|sd_?v?1_5|imagenet_ai_0424_sdv5|sdv5"),
    ("ADM", "pixel diffusion", r"(imagenet_ai_0508_)?adm"),
    ("GLIDE", "pixel diffusion", r"(imagenet_)?glide"),
    ("Wukong", "stable diffusion", r"(imagenet_ai_0424_)?wukong"),
    ("VQDM", "codebook diffusion", r"(imagenet_ai_0419_)?vqdm"),
    ("BigGAN", "gan", r"(imagenet_ai_0419_)?biggan"),
)


def canonical(folder: str) -> tuple[str, str]:
    """Generator and family that a folder's name stands for; an unknown folder is a generator and family of its own."""
    flat = re.sub(r"[\s.\-]+", "_", folder.strip().lower())
    for name, family, pattern in KNOWN:
        if re.fullmatch(pattern, flat):
            return name, family
    return folder, folder


def _folders(path: Path) -> list[Path]:
    return sorted(child for child in path.iterdir() if child.is_dir())


def _split_root(folder: Path) -> Path | None:
    """The folder that holds `train` or `val`: this one, or its only subfolder that does."""
    holders = [place for place in (folder, *_folders(folder)) if any((place / split).is_dir() for split in SPLITS)]
    if len(holders) > 1 and holders[0] != folder:
        msg = f"{folder} holds several data sets ({', '.join(place.name for place in holders)}); keep one"
        raise InputError(msg)
    return holders[0] if holders else None


def _content(stem: str, label: int) -> str:
    """Content class from a file's name: ImageNet's `n01440764_1` for nature, `0_adm_31` or a fifth field for ai."""
    parts = stem.split("_")
    if label == 0 or len(parts) < 5:
        return parts[0] if len(parts) > 1 else ""
    return parts[4]


def _images(folder: Path) -> Iterator[str]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_file() and os.path.splitext(entry.name)[1].lower() in SUFFIXES:  # noqa: PTH122 - millions of names
                yield entry.name


def _rows(root: Path, place: Path, generator: str) -> Iterator[tuple[Any, ...]]:
    for split in SPLITS:
        for class_name, label in CLASSES.items():
            folder = place / split / class_name
            if not folder.is_dir():
                continue
            prefix = folder.relative_to(root).as_posix()
            for name in _images(folder):
                stem = name.rpartition(".")[0]
                source = _source(stem, generator if label else "")
                yield f"{prefix}/{name}", label, generator, split, _content(stem, label), source


def _source(stem: str, generator: str) -> str:
    """Real images are the same image wherever they stand; a generated one is its own."""
    return f"{generator}/{stem}" if generator else stem


def _description(root: Path) -> dict[str, Any]:
    """What the data set says of itself in `dataset.json`, if it has one."""
    path = root / "dataset.json"
    if not path.is_file():
        return {}
    try:
        described: Any = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        msg = f"{path} is not JSON ({error}); mend it or take it away"
        raise InputError(msg) from error
    if not isinstance(described, dict) or not isinstance(described.get("families", {}), dict):
        msg = f"{path} is not a JSON object with families as an object; mend it or take it away"
        raise InputError(msg)
    return dict(described)


def read(root: Path) -> ImageSet:
    """Read a folder in GenImage layout.

    Args:
        root: The folder that holds one folder per generator.

    Raises:
        InputError: It does not exist, holds no generator folder, names one twice, or a class is empty.
    """
    if not root.is_dir():
        msg = f"data folder {root} does not exist or is not a folder; give one in GenImage layout"
        raise InputError(msg)
    families: dict[str, str] = {}
    rows: list[tuple[Any, ...]] = []
    described = _description(root)
    for folder in _folders(root):
        place = _split_root(folder)
        if place is None:
            continue
        generator, family = canonical(folder.name)
        if generator in families:
            msg = f"{root} holds {generator} twice ({folder.name} is the second); keep one of the two"
            raise InputError(msg)
        families[generator] = described.get("families", {}).get(generator, family)
        rows.extend(_rows(root, place, generator))
    if not rows:
        msg = (
            f"{root} is not in GenImage layout: no <generator>/{{train,val}}/{{ai,nature}} with images was found in it"
        )
        raise InputError(msg)
    order = [*described.get("families", {}), *(name for name, _, _ in KNOWN), *families]
    families = {name: families[name] for name in dict.fromkeys(order) if name in families}
    table = pd.DataFrame(rows, columns=list(COLUMNS)).sort_values("name").reset_index(drop=True)
    _require_both_classes(root, table)
    kind: Literal["embedded", "folder"] = "embedded" if described.get("kind") == "embedded" else "folder"
    return ImageSet(
        root, described.get("title", root.resolve().name), kind, str(described.get("version", "")), families, table
    )


def _require_both_classes(root: Path, table: pd.DataFrame) -> None:
    """Every split that a generator has must hold real and generated images."""
    for (generator, split), group in table.groupby(["generator", "split"], observed=True):
        for class_name, label in CLASSES.items():
            if not (group["label"] == label).any():
                msg = f"{root}: {generator}/{split}/{class_name} is missing or holds no image; add some, or remove "
                raise InputError(msg + f"{generator}/{split}")
