#!/usr/bin/env bash
# fsspec 2026.9.0: a cache of files was expected to notice that a file has changed at its source, by size and time, or to offer that as
# an option. `simplecache` and `filecache` go on giving the old content; `filecache` with `check_files=True` gives the new one.
# `blockcache` raises "mmap length is greater than file size" for a file that has grown, with that option too, though what it
# is asked for is there.
set -euo pipefail
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT
python3 -m venv "$here/venv"
"$here/venv/bin/pip" install --quiet --disable-pip-version-check fsspec==2026.9.0
"$here/venv/bin/python" - "$here" <<'PY'
import os
import sys
from pathlib import Path

import fsspec

here = Path(sys.argv[1])
source = here / "source"
kinds = [("simplecache", {}), ("filecache", {}), ("filecache", {"check_files": True})]
kinds += [("blockcache", {}), ("blockcache", {"check_files": True})]


def read(files):
    try:
        with files.open(str(source)) as file:
            return file.read().decode()
    except ValueError as error:
        return f"{type(error).__name__}: {error}"


found = {}
for place, (kind, options) in enumerate(kinds):
    source.write_text("old")
    os.utime(source, (1, 1))
    storage = str(here / f"cache{place}")
    files = fsspec.filesystem(kind, target_protocol="file", cache_storage=storage, skip_instance_cache=True, **options)
    first = read(files)
    source.write_text("newer")
    found[kind, bool(options)] = first, read(files)
print("fsspec", fsspec.__version__)
for (kind, checks), (first, then) in found.items():
    print(f"{kind}{' with check_files=True' if checks else ''}: first {first!r}, after the change {then!r}")
grown = "ValueError: mmap length is greater than file size"
sys.exit([then for _, then in found.values()] != ["old", "old", "newer", grown, grown])
PY
