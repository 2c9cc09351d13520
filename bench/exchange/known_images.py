"""The images that scores are of: found among those of a data set or a run, or described by the table itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from bench.exchange.questions import POOL
from bench.exchange.row_facts import RowFacts
from bench.exchange.score_columns import IMAGE
from bench.exchange.score_rows import ROW, refuse_rows, shown_examples
from bench.images.annotations.records import PathIndex
from bench.images.annotations.stated_facts import SKIPPED
from bench.images.image_set import ImageSet
from bench.images.vocabulary.generator_names import same_generator
from bench.platform.errors import InputError
from bench.platform.printable import printable
from bench.records import columns
from bench.records.run import Run

UNNAMED = "generated"  # the generator of a table that names none
NOUNS = {0: "real", 1: "generated"}
MAX_PAIRS = 3  # of generators that a message shows


@dataclass(frozen=True)
class KnownImages:
    """Images of a data set or of a run.

    Attributes:
        where: What messages call them.
        labels: 0 real, 1 generated, by name.
        generators: Of generated images, by name; an image whose generator is not known is not there.
    """

    where: str
    labels: pd.Series
    generators: pd.Series


def images_of_data(images: ImageSet) -> KnownImages:
    """The images of a data set, whatever their split."""
    table = images.table.set_index(columns.NAME)
    generated = table[columns.LABEL].eq(1)
    return KnownImages(images.files.where, table[columns.LABEL], table.loc[generated, columns.GENERATOR])


def images_of_run(run: Run, where: str) -> KnownImages:
    """The images that a run scored; their generator is known where they are in test sets of one generator alone.

    Args:
        run: The run.
        where: What messages call it.
    """
    names = [columns.NAME, columns.LABEL]
    scored = run.scores[[columns.KEY, *names]].merge(run.cells[[columns.KEY, columns.TEST]], on=columns.KEY)
    labels = scored.drop_duplicates(columns.NAME).set_index(columns.NAME)[columns.LABEL]
    records = (run.manifest.data, *run.manifest.further.values())
    known = {name for record in records for name in record.generators}
    tested = scored[scored[columns.LABEL].eq(1) & scored[columns.TEST].isin(known)]
    pairs = tested[[columns.NAME, columns.TEST]].drop_duplicates()
    single = pairs[~pairs.duplicated(columns.NAME, keep=False)]
    return KnownImages(where, labels, single.set_index(columns.NAME)[columns.TEST])


def matched_rows(rows: pd.DataFrame, known: KnownImages) -> tuple[pd.DataFrame, list[str]]:
    """The rows whose image is known, called as it is called there, and sentences on what is not.

    Paths may begin with the folder of the data or with other ones, have backslashes, other cases of letters, or lack
    their suffix: see `bench.images.annotations.records.PathIndex`.

    Raises:
        InputError: None is known.
    """
    stated = list(rows[IMAGE].unique())
    roots = (f"{known.where}/", f"{Path(known.where).resolve()}/")
    plain = [_without(name.replace("\\", "/"), roots) for name in stated]
    found = dict(zip(stated, PathIndex(known.labels.index).find(plain, ""), strict=True))
    names = rows[IMAGE].map(found)
    unknown = [name for name in stated if found[name] is None]
    if len(unknown) == len(stated):
        examples = shown_examples(list(known.labels.index))
        msg = f"none of {len(stated):,} images of the table is one of {known.where}, such as {shown_examples(stated)}"
        raise InputError(f"{msg}; there they are called like {examples}")
    renamed = rows.assign(**{IMAGE: names})[names.notna()]
    if not unknown:
        return renamed, []
    others = f"{len(unknown):,} of {len(stated):,} images of the table are none that are asked about"
    return renamed, [f"{others}, and were left out, such as {shown_examples(unknown)}."]


def _without(name: str, roots: Sequence[str]) -> str:
    return next((name.removeprefix(root) for root in roots if name.startswith(root)), name)


def check_facts(where: str, rows: pd.DataFrame, facts: RowFacts, known: KnownImages) -> None:
    """Check that a table says of images what is known of them.

    Args:
        where: What messages call the table.
        rows: Those whose image is known, under the name that it has there.
        facts: What the table says of each of its rows.
        known: The images.

    Raises:
        InputError: Labels or generators are at odds.
    """
    stated = _stated(rows, facts)
    said = stated[stated[columns.LABEL].isin((0, 1))]
    labels = known.labels.reindex(said[IMAGE]).to_numpy()
    wrong = said[said[columns.LABEL].to_numpy() != labels]
    names = [
        f"{image} ({NOUNS[label]} in the table, {NOUNS[1 - label]} there)"
        for image, label in zip(wrong[IMAGE], wrong[columns.LABEL].astype(int), strict=True)
    ]
    turned = ", or say what they mean: --classes" if len(wrong) == len(said) else ""
    refuse_rows(
        where,
        f"of {len(said):,} labels are at odds with {known.where}",
        names,
        f"mend the table{turned}, or leave its labels out: --columns label=-",
    )
    _check_generators(where, stated, known)


def _check_generators(where: str, stated: pd.DataFrame, known: KnownImages) -> None:
    """Raise `InputError` where generators are at odds: another spelling throughout is none."""
    there = known.generators.reindex(stated[IMAGE]).to_numpy()
    both = stated.assign(there=there)[(stated[columns.GENERATOR] != "").to_numpy() & pd.notna(there)]
    pairs = both[[columns.GENERATOR, "there"]].drop_duplicates()
    one_to_one = ~pairs.duplicated(columns.GENERATOR, keep=False) & ~pairs.duplicated("there", keep=False)
    alike = [same_generator(str(name), str(other)) for name, other in pairs.itertuples(index=False, name=None)]
    odd = pairs[~one_to_one.to_numpy() & ~pd.Series(alike, dtype=bool).to_numpy()]
    wrong = both.merge(odd, on=[columns.GENERATOR, "there"])
    names = [
        f"{row[IMAGE]} ({row[columns.GENERATOR]} in the table, {row['there']} there)" for _, row in wrong.iterrows()
    ]
    refuse_rows(
        where,
        f"of {len(both):,} generators are at odds with {known.where}",
        names,
        "mend the table, or leave its generators out: --columns generator=-",
    )


def _stated(rows: pd.DataFrame, facts: RowFacts) -> pd.DataFrame:
    """The distinct images with what the table says of them: label, -2 where it says nothing, and generator."""
    positions = rows[ROW].to_numpy()
    labels = [-2 if facts.labels[row] is None else facts.labels[row] for row in positions]
    generators = [facts.generators[row] for row in positions]
    makers = [facts.makers[row] for row in positions]
    stated = pd.DataFrame({IMAGE: rows[IMAGE].to_numpy(), columns.LABEL: labels})
    return stated.assign(**{columns.GENERATOR: generators, "maker": makers}).drop_duplicates()


def images_of_table(where: str, rows: pd.DataFrame, facts: RowFacts, sources: Sequence[str]) -> pd.DataFrame:
    """The distinct images of a table: name, label, generator, source, and `bench.exchange.questions.POOL`.

    Real images that stand under the names of generators are compared with those alone.

    Args:
        where: What messages call the table.
        rows: One row per image and score.
        facts: What the table says of each of its rows.
        sources: What images of a row share that are not independent; "" for an image of its own.

    Raises:
        InputError: An image has no label, or two, or two generators, or a class is missing.
    """
    stated = _stated(rows, facts)
    stated = stated[stated[columns.LABEL].ne(SKIPPED)]
    unknown = list(stated.loc[stated[columns.LABEL].eq(-2), IMAGE])
    advice = "name their column: --columns label=..., or the data that have them: --data"
    refuse_rows(where, f"of {len(stated):,} images have no label", unknown, advice)
    told_apart = stated.drop_duplicates([IMAGE, columns.LABEL, columns.GENERATOR])
    twice = told_apart[told_apart.duplicated(IMAGE)][IMAGE].unique()
    refuse_rows(where, "images have two labels or generators", list(twice), "mend the table")
    shared = stated.duplicated(IMAGE).any()  # a real image under the names of several generators stands against all
    stated = stated.drop_duplicates(IMAGE)
    for label, noun in NOUNS.items():
        if not stated[columns.LABEL].eq(label).any():
            msg = f"{where} has no {noun} images among {len(stated):,}; add some, or see --classes"
            raise InputError(msg)
    real = stated[columns.LABEL].eq(0)
    names = stated[columns.GENERATOR].replace("", UNNAMED).map(printable)
    stood = set(stated.loc[real, "maker"])
    paired = not shared and stood <= set(stated.loc[~real, "maker"]) and "" not in stood
    pools = dict(zip(stated.loc[~real, "maker"], names[~real], strict=True)) if paired else {}
    first = rows.drop_duplicates(IMAGE).set_index(IMAGE)[ROW]
    own = [sources[row] or image for image, row in first.reindex(stated[IMAGE]).items()]
    return pd.DataFrame(
        {
            columns.NAME: stated[IMAGE],
            columns.LABEL: stated[columns.LABEL].astype(int),
            columns.GENERATOR: names.where(~real, ""),
            columns.SOURCE: own,
            POOL: [pools.get(maker, "") if one else "" for maker, one in zip(stated["maker"], real, strict=True)],
        }
    ).reset_index(drop=True)
