#!/usr/bin/env bash
# frictionless 5.21.0 with pandas 3.1.1 and pyarrow 26.0.1: `validate` was expected to say of a Parquet file what it says of the
# CSV of the same table. A missing number, a null of the file, is the number nan to it: a column of ranks of which one is
# missing is no "integer", which is an error in a right file. The extra `frictionless[parquet]` does not bring the pandas
# that it needs.
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

table = pa.table({"rank": pa.array([1, None], pa.int64()), "seed": [0, 1]})
pyarrow.csv.write_csv(table, "table.csv")
pq.write_table(table, "table.parquet")


def valid(path):
    fields = [{"name": "rank", "type": "integer"}, {"name": "seed", "type": "integer"}]
    resource = {"name": "table", "path": path, "type": "table", "schema": {"fields": fields}}
    Path("datapackage.json").write_text(json.dumps({"name": "one", "resources": [resource]}))
    return validate("datapackage.json").valid


print(f"frictionless {version('frictionless')}; valid:")
found = {path: valid(path) for path in ("table.csv", "table.parquet")}
for path, fine in found.items():
    print(f"{path}: {fine}")
sys.exit(found != {"table.csv": True, "table.parquet": False})
PY
