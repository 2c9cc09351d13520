"""What the folders above images say of them: split, class, generator, content, by the roles that folders have."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from bench.images.annotations.folder_roles import FolderPath, FolderRole, FolderTree
from bench.images.annotations.stated_facts import StatedFacts
from bench.images.reading import Reading
from bench.images.vocabulary import class_words, folder_words
from bench.platform.errors import InputError
from bench.platform.printable import printable

CLASSES = frozenset({"real", "generated"})
MAX_SHOWN = 5  # names in a description


@dataclass(frozen=True)
class FolderReading:
    """What the folders of a tree say.

    Attributes:
        facts: By folder, without those that are left out.
        left_out: Folders whose images are not of the set: masks and the like, or what a user skips.
        roles: By role, the names of the folders that have it.
        unsure: Folders whose split is that of a name such as `train_images`, or none: what to ask of a user.
    """

    facts: Mapping[str, StatedFacts]
    left_out: frozenset[str]
    roles: Mapping[FolderRole, Sequence[str]]
    unsure: Mapping[str, str] = field(default_factory=dict)

    def require_split(self, folder: str, split: str) -> None:
        """Raise `InputError` for an image without a split in a folder that may state one."""
        if not split and folder in self.unsure:
            raise InputError(self.unsure[folder])

    def description(self) -> tuple[str, ...]:
        """What each level of folders was taken for, a line each."""
        return tuple(f"folders taken as {role}: {shown(names)}" for role, names in self.roles.items())


def shown(names: Iterable[str]) -> str:
    """At most `MAX_SHOWN` of these names, in order."""
    ordered = sorted({printable(str(name)) for name in names})
    more = f", and {len(ordered) - MAX_SHOWN} more" if len(ordered) > MAX_SHOWN else ""
    return ", ".join(ordered[:MAX_SHOWN]) + more


def read_folders(
    images: Mapping[str, Sequence[str]],
    where: str,
    reading: Reading,
    splits: Mapping[str, str] = MappingProxyType({}),
) -> FolderReading:
    """Find out what folders say.

    Args:
        images: By folder, the names of its images.
        where: What messages call the place.
        reading: What the user states.
        splits: By folder, the split that it is known to be of, whatever it is called; or the class.

    Raises:
        InputError: A path contradicts itself, or a folder is of no level that the user states.
    """
    paths = {folder: tuple(folder.split("/")) if folder else () for folder in images}
    tree = FolderTree(paths.values(), images, where, reading, splits)
    take = tree.stated_roles if reading.levels else tree.found_roles
    roles_of = {folder: take(path) for folder, path in paths.items()}
    facts = {
        folder: _facts(tree, path, roles)
        for folder, path in paths.items()
        if not {"left out", "skip"} & set(roles := roles_of[folder])
    }
    names: dict[FolderRole, dict[str, None]] = defaultdict(dict)
    for folder, roles in roles_of.items():
        for name, role in zip(paths[folder], roles, strict=True):
            names[role][name] = None
    left_out = frozenset(images.keys() - facts.keys())
    said: dict[FolderRole, Sequence[str]] = {role: list(named) for role, named in names.items() if role != "wrapper"}
    return FolderReading(facts, left_out, said, {} if reading.levels else dict(_unsure_splits(tree, facts, roles_of)))


def _facts(tree: FolderTree, path: FolderPath, roles: Sequence[FolderRole]) -> StatedFacts:
    """What a path says, given the roles of its folders. Raises `InputError` for a contradiction."""
    named = list(zip(path, roles, strict=True))
    splits = {
        tree.split_of(path[:depth], name) or class_words.held_split(name): name
        for depth, (name, role) in enumerate(named)
        if role == "split"
    }
    splits |= {split: name for name, role in named if role in CLASSES and (split := class_words.split_of_class(name))}
    classes = {role: name for name, role in named if role in CLASSES}
    for found, what in ((splits, "splits"), (classes, "classes")):
        if len(found) > 1:
            both = " and ".join(found.values())
            msg = f"{tree.where}/{'/'.join(path)} names the {what} {both}; say what is meant with --levels"
            raise InputError(msg)
    pick = _picker(named)
    label = {"real": 0, "generated": 1}.get(next(iter(classes), ""))
    generator = pick("generator")
    copied = any(role == "copy" for role in roles) or tree.has_copies(path)
    unit = "/".join(name for name, role in named if role != "copy") if copied else ""
    return StatedFacts(
        label,
        generator,
        next(iter(splits), ""),
        pick("content"),
        "/".join(path[: len(path) - roles[::-1].index("group")]) if "group" in roles else "",
        unit or ("." if copied else ""),
        "/".join(filter(None, (folder_words.copy_name(name) for name, role in named if role == "copy"))),
    )


def _unsure_splits(
    tree: FolderTree, facts: Mapping[str, StatedFacts], roles_of: Mapping[str, Sequence[FolderRole]]
) -> Iterator[tuple[str, str]]:
    """What to ask of folders without a split, below a name such as `train_images` that not all of them share."""
    levels = ""
    for folder in [folder for folder, one in facts.items() if not one.split]:
        path = tuple(folder.split("/"))
        parts = [path[:depth] for depth in range(1, len(path) + 1) if class_words.filled_split(path[depth - 1])]
        for part in [part for part in parts if part not in tree.common][:1]:
            levels = levels or ",".join(_levels(roles_of))
            may_be = f"may be the split {class_words.filled_split(part[-1])} or a name like any other"
            ask = f"say what the folders from the top are, such as --levels {levels}"
            yield folder, f"{tree.where}: {part[-1]} {may_be}; {ask}"


def _levels(roles_of: Mapping[str, Sequence[FolderRole]]) -> Iterator[str]:
    """What each level of folders was taken for, as `--levels` has it, names that may be splits being ones."""
    for depth in range(max(map(len, roles_of.values()))):
        folders = [folder for folder, roles in roles_of.items() if len(roles) > depth]
        roles = {roles_of[folder][depth] for folder in folders}
        split = any(class_words.filled_split(folder.split("/")[depth]) for folder in folders)
        known = {"split": {"split"}, "generator": {"generator"}, "class": CLASSES, "content": {"content"}}
        found = next((level for level, those in known.items() if roles & those), "skip")
        yield "split" if split else found


def _picker(named: Sequence[tuple[str, FolderRole]]) -> Callable[[FolderRole], str]:
    """A function that joins the names of one role; a generator is named once."""

    def pick(role: FolderRole) -> str:
        names = dict.fromkeys(name for name, found in named if found == role)
        return next(iter(names), "") if role == "generator" else "/".join(names)

    return pick
