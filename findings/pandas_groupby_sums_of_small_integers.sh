#!/usr/bin/env bash
# pandas 3.1.1: the sum of a group of an int8 series (labels, counts of boxes) was expected to be int64, as Series.sum gives it.
# It has the dtype of the series wherever every sum happens to fit it, and int64 as soon as one does not: 127 ones per group give
# int8, 128 give int64. What is then computed with the sums wraps around for some data and not for other: twice a sum of 100 is -56.
# GroupBy.agg("sum") and GroupBy.cumsum do the same, and uint8 as well. Whoever sums labels by group casts them first.
set -euo pipefail
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT
python3 -m venv "$here/venv"
"$here/venv/bin/pip" install --quiet --disable-pip-version-check pandas==3.1.1
"$here/venv/bin/python" - <<'PY'
import pandas as pd

print("pandas", pd.__version__)


def ones(count, dtype="int8"):
    return pd.DataFrame({"group": "a", "label": pd.Series([1] * count, dtype=dtype)})


def group_sum(count, dtype="int8"):
    return ones(count, dtype).groupby("group")["label"].sum()


whole, few, most, more = ones(100)["label"].sum().dtype, group_sum(100), group_sum(127).dtype, group_sum(128).dtype
print("Series.sum:", whole, "- sum of a group of 100:", few.dtype, "- of 127:", most, "- of 128:", more)
print("twice the sum of 100:", (2 * few).item())
others = {
    "uint8 of 255": group_sum(255, "uint8").dtype,
    "uint8 of 256": group_sum(256, "uint8").dtype,
    "agg of 100": ones(100).groupby("group")["label"].agg("sum").dtype,
    "cumsum of 100": ones(100).groupby("group")["label"].cumsum().dtype,
}
print(", ".join(f"{name}: {dtype}" for name, dtype in others.items()))
assert (whole, few.dtype, most, more) == ("int64", "int8", "int8", "int64")
assert (2 * few).item() == -56
assert [str(dtype) for dtype in others.values()] == ["uint8", "uint64", "int8", "int8"]
PY
