#!/usr/bin/env bash
# datasets 4.4.1: a card that declares two splits, of which the files of one are not there, was expected to fail with the
# name of the pattern that matches nothing, as it does with the name of a file that is declared without a wildcard. It
# speaks of formats of data files that differ between the splits instead, and names neither the pattern nor the split's files.
set -euo pipefail
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT
python3 -m venv "$here/venv"
"$here/venv/bin/pip" install --quiet --disable-pip-version-check datasets==4.4.1 pandas==2.3.3 pyarrow==22.0.0
cd "$here"
mkdir -p repository/data
HF_HUB_OFFLINE=1 HF_HOME="$here/hub" "$here/venv/bin/python" - <<'PY'
import sys
from pathlib import Path

import datasets
import pandas as pd

pd.DataFrame({"label": [0, 1]}).to_parquet("repository/data/train-0.parquet")


def error_of(train, test):
    lines = ["---", "configs:", "- config_name: default", "  data_files:"]
    lines += [line for split, path in (("train", train), ("test", test)) for line in (f"  - split: {split}", f"    path: {path}")]
    Path("repository/README.md").write_text("\n".join([*lines, "---", ""]))
    try:
        datasets.load_dataset("repository", split="train")
    except Exception as error:
        return type(error).__name__, str(error)
    return "none", ""


print(f"datasets {datasets.__version__}")
exact, wild = error_of("data/train-0.parquet", "data/test-0.parquet"), error_of("data/train-*.parquet", "data/test-*.parquet")
for name, (kind, said) in (("without a wildcard", exact), ("with a wildcard", wild)):
    print(f"a split without files, {name}: {kind}; names the missing file: {'test-' in said}")
print("of the wildcard it says:", wild[1][:100])
expected = exact[0] == "FileNotFoundError" and "test-0" in exact[1] and wild[0] == "ValueError" and "test-" not in wild[1]
sys.exit(not expected)
PY
