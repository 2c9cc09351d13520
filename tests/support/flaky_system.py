"""A file system of fsspec in memory, `flaky://`, that fails as its test says."""

import time

import fsspec
from fsspec.implementations.memory import MemoryFileSystem


class FlakySystem(MemoryFileSystem):
    """Attributes:
    faults: What the next calls do by name of the method, one after the other: an exception to raise, bytes to give in
        place of the object, seconds to wait, or None for nothing.
    calls: The methods that were called, each with the path.
    """

    protocol = "flaky"
    store = {}  # noqa: RUF012 - as the class above has it
    pseudo_dirs = [""]  # noqa: RUF012 - the same
    faults = {}  # noqa: RUF012 - the same
    calls = []  # noqa: RUF012 - the same

    @classmethod
    def _strip_protocol(cls, path):
        return f"/{path.removeprefix('flaky://').strip('/')}"

    def _next(self, method, path):
        self.calls.append((method, path))
        waiting = self.faults.get(method, [])
        fault = waiting.pop(0) if waiting else None
        if isinstance(fault, Exception):
            raise fault
        if isinstance(fault, float):
            time.sleep(fault)
        return fault if isinstance(fault, bytes) else None

    def cat_file(self, path, **limits):
        instead = self._next("cat_file", path)
        return super().cat_file(path, **limits) if instead is None else instead

    def pipe_file(self, path, value, mode="overwrite", **options):
        self._next("pipe_file", path)
        super().pipe_file(path, value, mode=mode, **options)

    def find(self, path, **options):
        self._next("find", path)
        return super().find(path, **options)

    def called(self, method):
        return [path for name, path in self.calls if name == method]


def empty_flaky_system():
    """The file system behind `flaky://`, empty and without faults."""
    fsspec.register_implementation("flaky", FlakySystem, clobber=True)
    FlakySystem.store.clear()
    FlakySystem.pseudo_dirs[:] = [""]
    FlakySystem.faults.clear()
    FlakySystem.calls.clear()
    return fsspec.filesystem("flaky")
