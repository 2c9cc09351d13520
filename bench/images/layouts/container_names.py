"""What the names of tables and shards, and of folders above them, say beside what is stated of each image in them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from bench.images.annotations.folder_levels import FolderReading, shown
from bench.images.annotations.stated_facts import SKIPPED, StatedFacts, certain, require_agreement
from bench.images.files.tree import Tree
from bench.images.vocabulary.class_words import split_word
from bench.images.vocabulary.generator_names import is_known_generator

NOTHING = StatedFacts()


@dataclass(frozen=True)
class ContainerNames:
    """Names of tables or shards.

    A name is that of a generator where it is a known one, stands beside a known one or beside real images, or where a
    user says so: of `flux-00000.parquet` and `all.parquet` only the first is. A split that is stated of an image
    decides over names, as hubs call all that is not divided "train".

    Attributes:
        tree: The data set.
        found: What they say as folders do.
        generators_stated: Whether generators are stated besides, which then have priority.
    """

    tree: Tree
    found: FolderReading
    generators_stated: bool

    @cached_property
    def _name_generators(self) -> bool:
        facts = self.found.facts.values()
        return bool(self.tree.reading.levels) or any(
            one.label == 0 or (one.generator and is_known_generator(one.generator)) for one in facts
        )

    @cached_property
    def _levels(self) -> Mapping[str, str]:
        """By name, the levels by which it says nothing but a split."""
        return {
            name: ",".join("split" if split_word(part) else "skip" for part in name.split("/"))
            for name in self.found.facts
        }

    def merged(self, image: str, stated: StatedFacts, container: str) -> StatedFacts:
        """What is stated of an image, with what its container's name says besides.

        Args:
            image: What messages call it.
            stated: What columns or fields say.
            container: The name, as `found` has it.

        Raises:
            InputError: Both say something, and differ.
        """
        named = self.found.facts.get(container, NOTHING)
        if stated.label == SKIPPED:
            return stated
        label = self._label(named) if stated.label is None else stated.label
        self._require_agreement(image, stated, container)
        generator = stated.generator or (named.generator if self._name_generators else "")
        split, content = stated.split or named.split, stated.content or named.content
        self.found.require_split(container, split)
        return StatedFacts(label, generator, split, content, stated.group or named.group)

    def _label(self, named: StatedFacts) -> int | None:
        """What a name says of all images, as class or as generator."""
        by_generator = named.generator and (self.tree.reading.levels or is_known_generator(named.generator))
        return 1 if named.label is None and by_generator else named.label

    def _require_agreement(self, image: str, stated: StatedFacts, container: str) -> None:
        named = self.found.facts.get(container, NOTHING)
        require_agreement(
            f"{self.tree.where}/{image}",
            StatedFacts(named.label, certain(named.generator)),
            StatedFacts(stated.label, certain(stated.generator)),
            ("the name of what it is in", "what is stated of it"),
            f"say what names are, such as --levels {self._levels.get(container)}",
        )

    def description(self) -> Iterator[str]:
        """What names were taken for, a line each."""
        roles = dict(self.found.roles)
        unused = () if self._name_generators and not self.generators_stated else roles.pop("generator", ())
        yield from FolderReading(self.found.facts, self.found.left_out, roles).description()
        if unused:
            yield f"names not taken as generators: {shown(unused)}"
