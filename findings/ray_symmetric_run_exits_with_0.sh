#!/usr/bin/env bash
# Ray 2.60.0: `ray symmetric-run` starts Ray on every node of a job, runs a command on the first and passes on its exit code: a
# command that exits with 3 makes it exit with 3. Where Ray does not start, as with an option that it does not have, it was
# expected to exit with another code than 0. It prints "Failed to start Ray", runs nothing, and exits with 0, so that a batch
# system calls the job completed. Run in a namespace of processes of its own: at its end it calls `ray stop`, which ends every
# Ray that it finds on the machine.
set -euo pipefail
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT
python3 -m venv "$here/venv"
"$here/venv/bin/pip" install --quiet --disable-pip-version-check ray==2.60.0
cat > "$here/try.sh" <<SH
export PATH="$here/venv/bin:\$PATH" RAY_USAGE_STATS_ENABLED=0 RAY_AUTH_MODE=disabled
ray --version
codes=()
for option in "--num-cpus=1" "--no-such-option"; do
  code=0
  ray symmetric-run --address 127.0.0.1:6397 --include-dashboard=false "--temp-dir=$here/ray" "\$option" -- \
    sh -c 'echo "the command runs"; exit 3' > "$here/said" 2>&1 || code=\$?
  grep -E "^(the command runs|Failed to start Ray|Error: No such option)" "$here/said" || true
  echo "ray symmetric-run \$option -- ... exits with \$code"
  codes+=("\$code")
done
[ "\${codes[*]}" = "3 0" ]
SH
unshare --user --map-root-user --pid --fork --mount-proc bash "$here/try.sh"
