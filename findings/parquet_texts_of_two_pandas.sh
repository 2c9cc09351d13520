#!/usr/bin/env bash
# pandas 2.3.3 and 3.1.1 with pyarrow 26.0.0: Parquet files that both write from one table of texts were expected to have one
# schema, so that a folder of results goes on after an update of pandas. pandas 2 writes "string", pandas 3 "large_string":
# pyarrow.concat_tables refuses them together, pandas.concat does not.
set -euo pipefail
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT
for pandas in 2.3.3 3.1.1; do
  python3 -m venv "$here/$pandas"
  "$here/$pandas/bin/pip" install --quiet --disable-pip-version-check "pandas==$pandas" pyarrow==26.0.0 numpy==2.4.6
  "$here/$pandas/bin/python" -c '
import sys
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

table = pa.Table.from_pandas(pd.DataFrame({"name": ["a.png", "b.png"], "score": [0.25, 0.75]}), preserve_index=False)
pq.write_table(table, sys.argv[1])
' "$here/$pandas.parquet"
done
"$here/3.1.1/bin/python" - "$here/2.3.3.parquet" "$here/3.1.1.parquet" <<'PY'
import sys

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

tables = [pq.read_table(path) for path in sys.argv[1:]]
types = [str(table.schema.field("name").type) for table in tables]
print(f"pandas 2.3.3 writes {types[0]}, pandas 3.1.1 {types[1]}; pyarrow {pa.__version__}")
try:
    pa.concat_tables(tables)
    refused = False
except pa.ArrowInvalid as error:
    refused = True
    print(f"pyarrow.concat_tables: {str(error).splitlines()[0]}")
rows = len(pd.concat([table.to_pandas() for table in tables]))
print(f"pandas.concat: {rows} rows")
sys.exit(not (types == ["string", "large_string"] and refused and rows == 4))
PY
