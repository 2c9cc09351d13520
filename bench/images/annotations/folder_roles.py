"""The role of every folder above images: split, class, generator, content, by its name and by its neighbours.

- a *split* is a split word and nothing else, in any case and with a year, at any depth;
- a *class* is a word that does nothing but name one: `real`, `0_real`, `fake`, `AI-generated`;
- `photos`, `nature`, `coco` and the like are *real* where no class word and no known generator stands below them, and
  content where they stand below a generator, unless a folder such as `ai` is beside them;
- masks, depth maps and previews are left out;
- copies of the same files, such as those that platforms return, are copies of one image;
- all others are names, of which one is the generator: a known one, else the one beside real images, else the one below
  a class word that no real image has below its own, else the first that does not hold everything.

What is left are contents. A user's `--levels` state the roles instead, from the top.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Literal

from bench.images.reading import Reading
from bench.images.vocabulary import class_words, folder_words
from bench.images.vocabulary.generator_names import is_known_generator
from bench.platform.errors import InputError

FolderRole = Literal[
    "split", "real", "generated", "skip", "left out", "copy", "generator", "content", "group", "wrapper"
]
FolderPath = tuple[str, ...]


class FolderTree:
    """The folders of a tree that hold images.

    Args:
        paths: Their paths.
        images: By folder, the names of its images.
        where: What messages call the place.
        reading: What the user states.
        splits: By folder, the split or class that it is known to be of.

    Attributes:
        where: As given.
    """

    def __init__(
        self,
        paths: Iterable[FolderPath],
        images: Mapping[str, Sequence[str]],
        where: str,
        reading: Reading,
        splits: Mapping[str, str],
    ) -> None:
        self.where = where
        self._reading = reading
        self._named = splits
        self._images = images
        self._paths = list(paths)
        self._found: dict[FolderPath, list[FolderRole | None]] = {}
        self._copies_in: dict[FolderPath, frozenset[str]] = {}
        self._children: dict[FolderPath, dict[str, None]] = defaultdict(dict)
        for path in self._paths:
            for depth, name in enumerate(path):
                self._children[path[:depth]][name] = None

    def found_roles(self, path: FolderPath) -> list[FolderRole]:
        """The role of every folder of a path."""
        roles = self._roles_by_words(path)
        if {"left out", "skip", "real"} & set(roles):
            return self._rest(path, roles, "")
        generator = self._generator(path, roles)
        return self._rest(path, roles, generator)

    def stated_roles(self, path: FolderPath) -> list[FolderRole]:
        """The roles that the user states. Raises `InputError` for a class or split that is none."""
        return [
            self._stated_role(name, self._reading.levels[depth] if depth < len(self._reading.levels) else "content")
            for depth, name in enumerate(path)
        ]

    def _stated_role(self, name: str, level: str) -> FolderRole:
        if level == "class":
            role = self._class_role(name) or ("real" if class_words.may_be_real(name) else None)
            if role is None:
                msg = f"{self.where}: the folder {name} is a class by --levels; say which: --classes {name}=generated"
                raise InputError(msg)
            return role
        if level == "split" and not class_words.held_split(name):
            msg = f"{self.where}: the folder {name} is a split by --levels; call it train, val or test"
            raise InputError(msg)
        known: dict[str, FolderRole] = {"split": "split", "generator": "generator", "group": "group", "copy": "copy"}
        if level == "generator":
            return self._class_role(name) or "generator"
        return "wrapper" if level == "skip" else known.get(level, "content")

    def _class_role(self, name: str) -> FolderRole | None:
        """What a class word means, or what the user says that a name means."""
        stated = self._reading.class_of(name)
        if stated:
            return stated
        label = class_words.label_of_name(name)
        if label is None and folder_words.is_manipulated(name):
            return "generated"
        return None if label is None else ("real", "generated")[label]

    def _roles_by_words(self, path: FolderPath) -> list[FolderRole | None]:
        """Roles that words alone decide; None for names."""
        if path not in self._found:
            self._found[path] = self._find_roles(path)
        return self._found[path]

    def _find_roles(self, path: FolderPath) -> list[FolderRole | None]:
        roles: list[FolderRole | None] = [self._role_by_word(path[:depth], name) for depth, name in enumerate(path)]
        if not {"real", "generated"} & set(roles):
            for depth in range(len(path)):
                if roles[depth] is None and self._is_real_here(path, depth, roles):
                    roles[depth] = "real"
                    break
        return roles

    def _role_by_word(self, parent: FolderPath, name: str) -> FolderRole | None:
        stated = self._class_role(self._named.get("/".join((*parent, name)), name)) or self._class_role(name)
        if stated:
            return stated
        if folder_words.is_annotation(name) or folder_words.is_preview(name):
            return "left out"
        if self.split_of(parent, name) and not self._is_content_train(parent):
            return "split"
        if class_words.filled_split(name):
            return "wrapper"
        return "copy" if name in self._copies(parent) else None

    def split_of(self, parent: FolderPath, name: str) -> str:
        """The split that a folder is known to be of, or is the word of; "" for none."""
        return class_words.split_word(self._named.get("/".join((*parent, name)), "")) or class_words.split_word(name)

    def _is_content_train(self, parent: FolderPath) -> bool:
        """Whether a folder `train` is the class of trains, beside other contents and no other split."""
        contents = [name for name in self._children[parent] if folder_words.is_content(name)]
        splits = [name for name in self._children[parent] if class_words.split_word(name)]
        return len(splits) == 1 and len(contents) > 2

    def _copies(self, parent: FolderPath) -> frozenset[str]:
        """Those of the folders in another that hold copies of the same files."""
        if parent not in self._copies_in:
            names = [name for name in self._children.get(parent, ()) if folder_words.is_copy(name)]
            files = [self._files_below((*parent, name)) for name in names]
            shared = len(files) > 1 and all(
                len(first & other) * 2 > len(other) for first in files[:1] for other in files
            )
            self._copies_in[parent] = frozenset(names) if shared else frozenset()
        return self._copies_in[parent]

    def has_copies(self, path: FolderPath) -> bool:
        """Whether the images right in a folder are the originals of copies in folders below it."""
        levels, depth = self._reading.levels, len(path)
        stated = self._children.get(path, ()) if levels[depth : depth + 1] == ("copy",) else ()
        names = stated if levels else self._copies(path)
        if not names:
            return False
        own = {name.rpartition(".")[0] for name in self._images.get("/".join(path), ())}
        return any(len(own & self._files_below((*path, name))) * 2 > len(own) for name in names)

    def _files_below(self, top: FolderPath, inside: FolderPath = ()) -> set[str]:
        """Paths below a folder, without suffixes; they begin with `inside`."""
        files = {"/".join((*inside, name.rpartition(".")[0])) for name in self._images.get("/".join(top), ())}
        for name in self._children.get(top, ()):
            files |= self._files_below((*top, name), (*inside, name))
        return files

    @cached_property
    def _above_classes(self) -> frozenset[FolderPath]:
        """Folders with a class word or a known generator below."""
        return frozenset(
            path[:above]
            for path in self._paths
            for depth, name in enumerate(path)
            if self._class_role(name) or is_known_generator(name)
            for above in range(depth + 1)
        )

    def _is_real_here(self, path: FolderPath, depth: int, roles: Sequence[FolderRole | None]) -> bool:
        """Whether a word that may mean real does so in its place."""
        if not class_words.may_be_real(path[depth]) or path[: depth + 1] in self._above_classes:
            return False
        parent = path[:depth]
        if parent in self._with_generated:
            return True
        above = [name for name, role in zip(parent, roles, strict=False) if role is None and not self._is_generic(name)]
        above = [name for at, name in enumerate(parent) if name in above and parent[: at + 1] not in self.common]
        if not above:
            return True
        return not any(map(is_known_generator, above)) and not self._has_real_words

    @cached_property
    def _has_real_words(self) -> bool:
        """Whether real images are named anywhere by a word that means nothing else, or at the top."""
        return any(self._class_role(name) == "real" for path in self._paths for name in path) or any(
            class_words.may_be_real(name) and (name,) not in self._above_classes for name in self._children[()]
        )

    @cached_property
    def common(self) -> frozenset[FolderPath]:
        """Folders that hold all others."""
        shortest = min(self._paths, key=len, default=())
        count = 0
        while count < len(shortest) and all(path[: count + 1] == shortest[: count + 1] for path in self._paths):
            count += 1
        return frozenset(shortest[: depth + 1] for depth in range(count))

    @staticmethod
    def _is_generic(name: str) -> bool:
        return folder_words.is_generic(name)

    @cached_property
    def _with_real(self) -> frozenset[FolderPath]:
        """Folders with a folder of real images right below."""
        return frozenset(
            path[:depth]
            for path in self._paths
            for depth, role in enumerate(self._roles_by_words(path))
            if role == "real"
        )

    @cached_property
    def _with_generated(self) -> frozenset[FolderPath]:
        """Folders with a folder of generated images, by a class word or a known generator, right below."""
        return self._with_known | {
            parent
            for parent, names in self._children.items()
            if any(self._class_role(name) == "generated" for name in names)
        }

    @cached_property
    def _with_known(self) -> frozenset[FolderPath]:
        """Folders with a folder of a known generator right below."""
        return frozenset(parent for parent, names in self._children.items() if any(map(is_known_generator, names)))

    @cached_property
    def _real_contents(self) -> frozenset[str]:
        """Names of folders below those of real images."""
        return frozenset(
            name
            for path in self._paths
            if "real" in (roles := self._roles_by_words(path))
            for name in path[roles.index("real") + 1 :]
        )

    def _generator(self, path: FolderPath, roles: Sequence[FolderRole | None]) -> str:
        """The one name of a path of generated images that is the generator's; "" for none."""
        names = [depth for depth in range(len(path)) if roles[depth] is None and self._may_be_generator(path, depth)]
        at = roles.index("generated") if "generated" in roles else len(path)
        sure = [depth for depth in names if not _is_content(path[depth])]
        below = [depth for depth in sure if depth > at and path[depth] not in self._real_contents]
        above = [depth for depth in sure if depth < at and path[: depth + 1] not in self.common]
        nearest = above[::-1] if at < len(path) else above
        known = [depth for depth in (*below, *nearest) if is_known_generator(path[depth])]
        beside = [depth for depth in reversed(names) if path[:depth] in self._with_real]
        beside += [depth for depth in names if path[:depth] in self._with_known]
        if below and (not above or self._branches(path, below[0])):
            beside += below
        found = [*known, *beside, *nearest, *(names[-1:] if at == len(path) else [])]
        return path[found[0]] if found else ""

    def _may_be_generator(self, path: FolderPath, depth: int) -> bool:
        """Whether a name says something; a number does beside real images alone."""
        serial = folder_words.is_serial(path[depth]) and path[:depth] not in self._with_real
        return not serial and not self._is_generic(path[depth])

    def _branches(self, path: FolderPath, depth: int) -> bool:
        return len(self._children[path[:depth]]) > 1

    def _rest(self, path: FolderPath, roles: Sequence[FolderRole | None], generator: str) -> list[FolderRole]:
        """The roles, with the generator and contents in place of names."""
        known = {generator} if generator else self._generator_names
        done: list[FolderRole] = []
        for depth, role in enumerate(roles):
            if role is not None:
                done.append(role)
            elif path[depth] in known:
                done.append("generator" if path[depth] == generator else "wrapper")
            elif path[: depth + 1] in self.common or self._is_generic(path[depth]):
                done.append("wrapper")
            else:
                done.append("content")
        return done

    @cached_property
    def _generator_names(self) -> frozenset[str]:
        """Names of all generators, which are no content of the real images below them."""
        found = ((path, self._roles_by_words(path)) for path in self._paths)
        return frozenset(
            self._generator(path, roles) for path, roles in found if not {"left out", "skip", "real"} & set(roles)
        ) - {""}


def _is_content(name: str) -> bool:
    """Whether a folder names what images show, or the photographs that they stand against."""
    return folder_words.is_content(name) or class_words.may_be_real(name)
