"""Tables of scores as other tools write them: a generator's images against real ones, scores of a known skill."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

GENERATORS = ("ProGAN", "GLIDE")
SIZE = 12  # images of each generator, and real ones


def score_table(shift: float = 1.5, seed: int = 0) -> pd.DataFrame:
    """One row per image: path, label as a word, generator, logit and score, its sigmoid."""
    random = np.random.default_rng(seed)
    rows = [(f"{name}/{number}.png", "fake", name) for name in GENERATORS for number in range(SIZE)]
    rows += [(f"nature/{number}.png", "real", "") for number in range(SIZE)]
    table = pd.DataFrame(rows, columns=["path", "label", "generator"])
    logit = np.where(table["label"].eq("fake"), shift, -shift) + random.normal(size=len(table))
    return table.assign(logit=logit, score=1 / (1 + np.exp(-logit)))


def written(folder: Path, table: pd.DataFrame, name: str = "theirs.csv") -> Path:
    """The path of a table in a folder, written as its name says."""
    path = folder / name
    if path.suffix == ".parquet":
        table.to_parquet(path)
    elif path.suffix == ".jsonl":
        table.to_json(path, orient="records", lines=True)
    elif path.suffix == ".json":
        table.to_json(path, orient="records")
    else:
        table.to_csv(path, index=False, sep="\t" if path.suffix == ".tsv" else ",")
    return path
