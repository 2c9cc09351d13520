#!/usr/bin/env bash
# pytest-benchmark 5.3.1 with --benchmark-skip: a test that is parametrised over an argument of the name "benchmark", as a
# table of data sets of this field suggests, was expected to run, or to be refused. It is skipped without a warning, as if it
# used the fixture, and the run exits with 0: whoever keeps that flag in the options of a project has a test that never runs.
# Under any other name the same test runs, and fails as it should.
set -euo pipefail
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT
python3 -m venv "$here/venv"
"$here/venv/bin/pip" install --quiet --disable-pip-version-check pytest==9.2.0 pytest-benchmark==5.3.1
cat >"$here/test_names.py" <<'PY'
import pytest


@pytest.mark.parametrize("benchmark", ["GenImage", "Synthbuster"])
def test_a_data_set(benchmark):
    assert benchmark == "ForenSynths"
PY
sed 's/benchmark/data_set/g' "$here/test_names.py" >"$here/test_other_names.py"
cd "$here"
"$here/venv/bin/pip" list --disable-pip-version-check 2>/dev/null | grep '^pytest'
under() { "$here/venv/bin/python" -m pytest -q -p no:cacheprovider --benchmark-skip "$1" 2>&1 | tail -n 1 || true; }
skipped=$(under test_names.py)
ran=$(under test_other_names.py)
echo "named benchmark: $skipped"
echo "named data_set: $ran"
[[ $skipped == "2 skipped"* && $ran == "2 failed"* ]]
