#!/usr/bin/env bash
# Ray 2.60.0: an exception that a task raises was expected to be caught where its result is asked for by its own type, as one of a
# single argument is. One that takes two and gives its base one text, a common form, arrives as `UnserializableException`, and
# `except` with its own type does not catch it: the pickle of an exception calls its class with the one text. Its words are
# only in the text of the other.
set -euo pipefail
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT
python3 -m venv "$here/venv"
"$here/venv/bin/pip" install --quiet --disable-pip-version-check ray==2.60.0
RAY_USAGE_STATS_ENABLED=0 RAY_AUTH_MODE=disabled "$here/venv/bin/python" - "$here/ray" <<'PY'
import sys

import ray

ray.init("local", num_cpus=1, include_dashboard=False, logging_level="ERROR", log_to_driver=False, _temp_dir=sys.argv[1])


class One(Exception):
    def __init__(self, name):
        super().__init__(f"{name} is missing")


class Two(Exception):
    def __init__(self, name, place):
        super().__init__(f"{name} is missing in {place}")


@ray.remote
def fails(error):
    raise One("a") if error == "one" else Two("a", "b")


def caught(error, kind):
    """What a task's exception is where its result is asked for, and whether it is of its own kind."""
    try:
        ray.get(fails.remote(error))
    except Exception as found:
        return type(found).__name__, isinstance(found, kind)


print("ray", ray.__version__)
one, two = caught("one", One), caught("two", Two)
for name, (kind, own) in {"one argument": one, "two arguments": two}.items():
    print(f"an exception of {name} arrives as {kind}; `except` with its own type catches it: {own}")
ray.shutdown()
sys.exit((one[1], two) != (True, ("UnserializableException", False)))
PY
