"""A local folder of results and its place on a store, brought into step: fetched at first, published as it grows.

Whoever reads the store finds a whole run at every moment: a list of checksums (`bench.platform.checksums`) goes before
the files that it lists, and a manifest after all that it speaks of, when the command ends. Where both sides have a file
and they differ, the store's is right: it is what the last command finished, here or elsewhere. What this machine alone
has is kept, and published.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path, PurePosixPath

from bench.platform.checksums import CHECKSUMS, ChecksumList, sha256_of
from bench.platform.files import write_atomically
from bench.storage.object_store import PARALLEL, ObjectStore, length_fault

LAST = "manifest.json"  # as `bench.records.store` has it: what says that a run has finished
PASSING = "live"  # as `bench.records.live_record` has it: there while a run goes on
BATCH = 2**26  # bytes of files that are read before they are published
CopiedState = tuple[int, int, int]  # size, time and number on the disk: equal while a file has not changed


@dataclass
class ResultCopy:
    """The local copy of a folder of results on a store.

    Attributes:
        folder: The copy.
        store: The folder on the store.
    """

    folder: Path
    store: ObjectStore
    _sent: dict[str, CopiedState] = field(default_factory=dict)

    def fetch(self, *, exact: bool = False) -> int:
        """Bring the copy into step with the store.

        Args:
            exact: Whether nothing stays that the store does not have.

        Returns:
            How many files were fetched.

        Raises:
            StoreFault: The store does not answer well.
        """
        infos = {name: info for name, info in self.store.infos().items() if _is_result(name)}
        sizes = {name: int(info.get("size") or 0) for name, info in infos.items()}
        for name in filter(_is_list, infos):
            self._merge_list(name, exact=exact)
        known = self._known()
        for name in [*(name for name, digests in known.items() if not digests[-1]), *self._others(infos, exact=exact)]:
            (self.folder / name).unlink(missing_ok=True)
        wanted = [name for name in infos if not _is_list(name) and self._lacks(name, known.get(name, ()))]
        with ThreadPoolExecutor(PARALLEL) as pool:
            for _ in pool.map(lambda name: self._fetch(name, sizes[name], known.get(name, ())), wanted):
                pass
        local = self._local()
        same = {name for name in infos if name in known} | set(wanted)  # of others the copy may have more
        self._sent = {name: local[name] for name in same & local.keys()}
        return len(wanted)

    def publish(self, *, ended: bool = False) -> None:
        """Bring the store into step with the copy.

        Args:
            ended: Whether the command has ended: manifests are published then.

        Raises:
            StoreFault: The store does not answer well; what was published is remembered.
        """
        local = self._local()
        changed = [name for name, state in local.items() if self._sent.get(name) != state]
        plain = [name for name in changed if not _is_list(name) and not _is_last(name)]
        for batch in _batches(plain, local):
            self._send(batch)
        gone = [name for name in self._sent if name not in local]
        if gone or ended:
            self._send_lists(filter(_is_list, local))
        for name in gone:
            self.store.delete(name)
            del self._sent[name]
        if ended:
            self._send(list(filter(_is_last, changed)))

    def _merge_list(self, name: str, *, exact: bool) -> None:
        """Add what the list of a store says to that of the copy, as its last words."""
        path = self.folder / name
        theirs = self.store.read(name)
        own = path.read_bytes() if path.is_file() and not exact else b""
        lines = dict.fromkeys(filter(None, own.split(b"\n")))
        for line in filter(None, theirs.split(b"\n")):
            lines.pop(line, None)
        merged = theirs if not lines else b"".join(b"\n" + line for line in lines) + b"\n" + theirs
        if not path.is_file() or merged != path.read_bytes():
            write_atomically(path, lambda temporary: temporary.write_bytes(merged))

    def _known(self) -> Mapping[str, tuple[str, ...]]:
        """The digests that files may have, the last one last and empty for one that was removed, by name."""
        lists = [path for path in sorted(self.folder.rglob(CHECKSUMS)) if path.is_file()]
        folders = {path.parent: path.parent.relative_to(self.folder).as_posix() for path in lists}
        return {
            str(PurePosixPath(start, name)): digests
            for folder, start in folders.items()
            for name, digests in ChecksumList.of(folder).digests().items()
            if _is_result(str(PurePosixPath(start, name)))
        }

    def _others(self, infos: Iterable[str], *, exact: bool) -> list[str]:
        return sorted(self._local().keys() - set(infos)) if exact else []

    def _lacks(self, name: str, digests: Sequence[str]) -> bool:
        """Whether a file of the store is to be fetched: one that no list names is, where there is none here."""
        path = self.folder / name
        return not path.is_file() or (bool(digests) and sha256_of(path) != digests[-1])

    def _fetch(self, name: str, size: int, digests: Sequence[str]) -> None:
        """Fetch one file. One that is not as its list says stays so: whoever reads it finds the damage."""
        data = self.store.read(name, lambda data: length_fault(data, size))
        if digests and sha256(data).hexdigest() not in digests:
            data = self.store.read(name)
        write_atomically(self.folder / name, lambda path: path.write_bytes(data))

    def _send(self, names: Sequence[str]) -> None:
        """Publish some files, after the lists that may name them."""
        states = {name: _state(self.folder / name) for name in names}
        contents = {name: (self.folder / name).read_bytes() for name in names}
        above = {str(folder / CHECKSUMS) for name in names for folder in PurePosixPath(name).parents}
        self._send_lists(name for name in sorted(above) if (self.folder / name).is_file())

        def put(name: str) -> None:
            self.store.write(name, contents[name])
            self._sent[name] = states[name]

        with ThreadPoolExecutor(PARALLEL) as pool:
            for _ in pool.map(put, contents):
                pass

    def _send_lists(self, names: Iterable[str]) -> None:
        for name in names:
            state = _state(self.folder / name)
            if self._sent.get(name) != state:
                self.store.write(name, (self.folder / name).read_bytes())
                self._sent[name] = state

    def _local(self) -> dict[str, CopiedState]:
        """Every file of the copy with its state, but for those that are of this machine or of this moment."""
        found: dict[str, CopiedState] = {}
        for path in sorted(self.folder.rglob("*")):
            name = path.relative_to(self.folder).as_posix()
            if _is_result(name):
                try:
                    if path.is_file():
                        found[name] = _state(path)
                except FileNotFoundError:
                    continue  # it went meanwhile
        return found


def _is_result(name: str) -> bool:
    """Whether a name is that of a file of results, below the folder: others may have written the store."""
    parts = PurePosixPath(name).parts
    return PASSING not in parts[:-1] and not any(part.startswith((".", "/")) for part in parts)


def _is_list(name: str) -> bool:
    return PurePosixPath(name).name == CHECKSUMS


def _is_last(name: str) -> bool:
    return PurePosixPath(name).name == LAST


def _state(path: Path) -> CopiedState:
    found = path.stat()
    return found.st_size, found.st_mtime_ns, found.st_ino


def _batches(names: Sequence[str], states: Mapping[str, CopiedState]) -> Iterable[list[str]]:
    """Names in parts whose files are no larger than `BATCH` together, or one file."""
    batch: list[str] = []
    size = 0
    for name in names:
        if batch and size + states[name][0] > BATCH:
            yield batch
            batch, size = [], 0
        batch.append(name)
        size += states[name][0]
    if batch:
        yield batch
