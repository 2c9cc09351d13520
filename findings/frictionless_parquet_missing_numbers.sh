#!/usr/bin/env bash
# frictionless 5.21.0 with pandas 3.1.1 and pyarrow 26.0.1: `validate` was expected to say of a Parquet file what it says of the
# CSV of the same table. A missing number, a null of the file, is the number nan to it: a column of ranks of which one is
# missing is no "integer" (an error in a right file), and scores of which one is missing pass "required" (none in a wrong
# file). The extra `frictionless[parquet]` does not bring the pandas that it needs.
set -euo pipefail
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT
python3 -m venv "$here/env"
"$here/env/bin/pip" install --quiet --disable-pip-version-check "frictionless[parquet]==5.21.0" pandas==3.1.1 pyarrow==26.0.1
cd "$here"
env/bin/python - <<'PY'
import json
import sys
from importlib.metadata import version
from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
from frictionless import validate

table = pa.table({"rank": pa.array([1, None], pa.int64()), "score": pa.array([0.5, None]), "seed": [0, 1]})
pyarrow.csv.write_csv(table, "table.csv")
pq.write_table(table, "table.parquet")


def valid(path, rank, score):
    fields = [{"name": "rank", **rank}, {"name": "score", **score}, {"name": "seed", "type": "integer"}]
    resource = {"name": "table", "path": path, "type": "table", "schema": {"fields": fields}}
    Path("datapackage.json").write_text(json.dumps({"name": "one", "resources": [resource]}))
    return validate("datapackage.json").valid


integer, number = {"type": "integer"}, {"type": "number"}
required = number | {"constraints": {"required": True}}
print(f"frictionless {version('frictionless')}; valid:")
found = {}
for path in ("table.csv", "table.parquet"):
    right, wrong = found[path] = valid(path, integer, number), valid(path, number, required)
    print(f"{path}: ranks as integer {right}, a required score that is missing {wrong}")
sys.exit(found != {"table.csv": (True, False), "table.parquet": (False, True)})
PY
