#!/usr/bin/env bash
# onnxruntime 1.32.0 on Linux: importing the package was expected to write nothing, and `disable_telemetry_events` to be the way to
# switch telemetry off. The import alone, before any session is made, writes a device id and a database below the home folder
# (.cache/Microsoft/DeveloperTools/.onnxruntime), so that a call after it comes too late: only ORT_DISABLE_TELEMETRY=1 in the
# environment before the import leaves the folder empty. A program that promises to write nothing outside its own cache must set that.
set -euo pipefail
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT
python3 -m venv "$here/venv"
"$here/venv/bin/pip" install --quiet --disable-pip-version-check onnxruntime==1.32.0 numpy==2.4.6
written() { # NAME [VARIABLE=VALUE]: files in an empty home folder after an import and the call
  mkdir "$here/$1"
  env -u XDG_CACHE_HOME -u ORT_DISABLE_TELEMETRY HOME="$here/$1" "${2:-LANG=C}" "$here/venv/bin/python" - <<'PY'
import onnxruntime

onnxruntime.disable_telemetry_events()
PY
  (cd "$here/$1" && find . -type f | sort | tr '\n' ' ')
}
usual=$(written usual)
disabled=$(written disabled ORT_DISABLE_TELEMETRY=1)
HOME="$here" "$here/venv/bin/python" -c 'import onnxruntime; print("onnxruntime", onnxruntime.__version__)'
echo "import and disable_telemetry_events(): ${usual:-nothing}"
echo "the same with ORT_DISABLE_TELEMETRY=1: ${disabled:-nothing}"
case $usual in *deviceid*) ;; *) echo "the import writes no device id any more"; exit 1 ;; esac
[ -z "$disabled" ] || { echo "the variable does not keep it from writing any more"; exit 1; }
# Seen:
#   onnxruntime 1.32.0
#   import and disable_telemetry_events(): ./.cache/Microsoft/DeveloperTools/.onnxruntime/deviceid ./.cache/Microsoft/DeveloperTools/.onnxruntime/onnxruntime.db
#   the same with ORT_DISABLE_TELEMETRY=1: nothing
