"""WebDataset: tar shards of pictures with `.cls`, `.json` or `.txt` files of the same key; also as plain folders.

A key ends at the last dot of a name or at the first one, whichever pairs every picture with one description
(`bench.images.annotations.sample_keys`). A `.cls` or `.txt` holds a label, a `.json` whatever else is known of the
sample, under the names of columns (`bench.images.annotations.column_roles`). Splits are there, or in the names of
folders and shards. Source of the format: https://github.com/webdataset/webdataset.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from itertools import islice
from typing import Any, ClassVar

from bench.images.annotations.attributes import attribute_of_rows
from bench.images.annotations.column_roles import explained_numbers, require_columns, table_facts
from bench.images.annotations.folder_levels import read_folders, shown
from bench.images.annotations.hub_card import card_class_names, split_folders
from bench.images.annotations.records import TextRecords, as_columns, with_class_names
from bench.images.annotations.sample_keys import KeyedSample, KeyedSamples, find_samples, is_description
from bench.images.annotations.stated_facts import SKIPPED
from bench.images.annotations.table_columns import CLASS_CONTENTS, GENERATORS, LABELS
from bench.images.files.tree import Tree, shard_base
from bench.images.layouts.api import Coverage, DataSetContents, Layout, row_of
from bench.images.layouts.container_names import ContainerNames
from bench.images.vocabulary.class_words import label_of_name
from bench.platform.errors import InputError
from bench.platform.outside.json_text import parse_json

LABEL = "cls"  # what the label is called that stands in a file of its own
PROBED = 20  # samples in which a label is looked for


class WebDatasetLayout(Layout):
    """Samples of files that share a key."""

    name: ClassVar[str] = "webdataset"
    pattern: ClassVar[str] = "<split>*.tar of <key>.<image> with <key>.cls or <key>.json"
    options: ClassVar[frozenset[str]] = frozenset({"--classes", "--columns", "--levels"})

    def coverage(self, tree: Tree) -> Coverage:
        """By names, and the labels of some samples, since a `.json` beside an image may be another tool's."""
        if not any(map(is_description, tree.listing.data)):
            return "none"
        found = _samples(tree)
        try:
            facts = [_fields(tree, sample) for sample in islice(found.samples, PROBED)]
        except InputError:
            return "some"
        if not any(map(_says_class, facts)):
            return "none"
        return "some" if found.unpaired else "all"

    def read(self, tree: Tree) -> DataSetContents:
        """Read every sample. Raises `InputError` for one without a label."""
        found = _samples(tree)
        _require_labels(tree, found.unpaired, found.rule)
        records = _SampleRecords(tree, found.samples)
        require_columns([records], tree.reading)
        said = table_facts(records, tree.reading, {}, explained_numbers([(records, ())], tree.reading))
        unlabelled = [sample.image for sample, label in zip(found.samples, said.labels, strict=True) if label is None]
        _require_labels(tree, unlabelled, found.rule)
        bases = {folder: shard_base(tree, folder) for folder in tree.listing.images}
        folders = read_folders({base: [""] for base in bases.values()}, tree.where, tree.reading, split_folders(tree))
        named = ContainerNames(tree, folders, "generator" in said.roles)
        rows = []
        for sample, stated in zip(found.samples, said.rows(), strict=True):
            base = bases[sample.image.rpartition("/")[0]]
            facts = named.merged(sample.image, stated, base)
            if facts.label != SKIPPED and base not in folders.left_out:
                rows.append(row_of(sample.image, facts, sample.key))
        reading = (found.rule, said.description("the samples"), *named.description())
        attributes = {column: partial(_attribute, tree, column) for column in said.others}
        notes = _left_out_notes(found.left_out)
        return DataSetContents(rows, notes=notes, reading=reading, groups=said.groups_by, attributes=attributes)


def _attribute(tree: Tree, column: str, images: Sequence[str]) -> dict[str, str]:
    """The values of a field of samples, by image; of some of them where only they are asked for."""
    wanted = set(images)
    samples = [sample for sample in _samples(tree).samples if sample.image in wanted]
    records = _SampleRecords(tree, samples)
    return attribute_of_rows(records, column, [one.image for one in samples]) if column in records.columns else {}


def _require_labels(tree: Tree, unlabelled: Sequence[str], rule: str) -> None:
    """Raise `InputError` where some images have no label."""
    if unlabelled:
        what = f"{tree.where}: {len(unlabelled):,} of its images have no label, such as {unlabelled[0]}"
        msg = f"{what} ({rule}); give each a .cls of real or generated, or a .json with a label"
        raise InputError(msg)


def _left_out_notes(left_out: Sequence[str]) -> tuple[str, ...]:
    if not left_out:
        return ()
    return (f"{len(left_out)} images are masks or the like of others and were left out: {shown(left_out)}",)


def _samples(tree: Tree) -> KeyedSamples:
    return find_samples(list(tree.listing.paths()), tree.listing.data)


class _SampleRecords(TextRecords):
    """The fields of samples as a table; its examples are keys."""

    def __init__(self, tree: Tree, samples: Sequence[KeyedSample]) -> None:
        columns = as_columns([_fields(tree, sample) for sample in samples])
        super().__init__(tree.where, with_class_names(columns, card_class_names(tree)))
        self.rows = len(samples)
        self._keys = [sample.key for sample in samples]

    def example(self, row: int) -> str:
        """The key of a sample."""
        return self._keys[row]


def _fields(tree: Tree, sample: KeyedSample) -> dict[str, Any]:
    """The fields of a sample: those of its `.json`, and the label in its `.cls` or `.txt`. Raises `InputError`."""
    fields = _json(tree, sample.fields["json"]) if "json" in sample.fields else {}
    texts = {field: tree.read_text(path).strip() for field, path in sample.fields.items() if field != "json"}
    label = texts.get("cls") or texts.get("label") or _label_text(texts.get("txt", ""))
    return fields | ({LABEL: label} if label else {})


def _says_class(fields: Mapping[str, Any]) -> bool:
    """Whether the fields of a sample say of which class it is: by their names, or by the word for a class in one."""
    named = {column.lower(): value for column, value in fields.items()}
    if not named.keys().isdisjoint({LABEL, *LABELS, *GENERATORS}):
        return True
    return any(label_of_name(str(named[column])) is not None for column in CLASS_CONTENTS if column in named)


def _label_text(text: str) -> str:
    """A text that is a label; "" for one that is not, such as a caption."""
    return text if text.isdigit() or label_of_name(text) is not None else ""


def _json(tree: Tree, name: str) -> dict[str, Any]:
    """The object in a JSON file; empty for a file that holds something else. Raises `InputError`."""
    try:
        fields: Any = parse_json(tree.read_text(name))
    except ValueError as error:
        msg = f"{tree.where}/{name} is not JSON ({error}); mend it or take it away"
        raise InputError(msg) from error
    return dict(fields) if isinstance(fields, dict) else {}
