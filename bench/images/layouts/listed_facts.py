"""Tables beside the images of a layout of folders: what they state is heeded where folders say nothing of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from bench.images.annotations.listed_images import listed_images, possible_tables
from bench.images.annotations.stated_facts import SKIPPED, StatedFacts, certain, require_agreement
from bench.images.files.tree import Tree
from bench.images.layouts.api import DataSetContents, ImageRow
from bench.images.vocabulary.generator_names import is_exact_generator


def with_listed_facts(tree: Tree, contents: DataSetContents) -> DataSetContents:
    """What folders say of images, with what tables beside them say besides: splits, contents, groups, attributes.

    A generator of a table counts where the folder's is none that is known, as one that is called after the data set;
    its real images are those of the folder's generator.

    Args:
        tree: The data set.
        contents: What folders say.

    Raises:
        InputError: Tables and folders contradict each other, or a table states what cannot be used.
    """
    rows_to_look_at = contents.rows if any(possible_tables(tree)) else ()
    listed = listed_images(tree, {_folder(row): StatedFacts(row.label) for row in rows_to_look_at})
    if not listed.notes:
        return contents
    rows = [row for one in contents.rows for row in _merged(tree, one, listed.facts.get(one.name, StatedFacts()))]
    folder_generators = {one.name: one.generator for one in contents.rows if one.label}
    named = {row.generator: folder_generators[row.name] for row in rows if row.label}
    pools = {name: contents.pools.get(name, contents.pools.get(folder, folder)) for name, folder in named.items()}
    return replace(
        contents,
        rows=rows,
        pools={**contents.pools, **{name: pool for name, pool in pools.items() if name != named[name]}},
        missing={**contents.missing, **listed.missing},
        reading=(*contents.reading, *listed.notes),
        groups=contents.groups | listed.groups,
        attributes={**contents.attributes, **listed.attributes},
    )


def _folder(row: ImageRow) -> str:
    return row.name.rpartition("/")[0]


def _merged(tree: Tree, row: ImageRow, table: StatedFacts) -> Iterator[ImageRow]:
    """The image with what a table says of it; nothing for one that the user leaves out. Raises `InputError`."""
    if table.label == SKIPPED:
        return
    folder = StatedFacts(row.label, certain(row.generator) if row.label else "", row.split)
    said = StatedFacts(table.label, certain(table.generator), table.split)
    require_agreement(f"{tree.where}/{row.name}", folder, said, ("its folder", "a table"), "take the table away")
    own = row.label == 0 or is_exact_generator(row.generator) or not table.generator
    yield row._replace(
        generator=row.generator if own else table.generator,
        split=row.split or table.split,
        content=row.content or table.content,
        source=table.group or row.source,
    )
