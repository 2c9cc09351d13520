#!/usr/bin/env bash
# submitit 1.5.4, local executor: of a job whose process is killed, the state was expected to be FAILED, as of one that raises, and
# with the process that launched it the job was expected to end. The state is FINISHED for the killed one and for the one that
# raised alike. Where the launcher is killed it is INTERRUPTED, `done()` says True, and the job works on: who submits it again
# has it twice. Only a result, or the lack of one, tells them apart.
set -euo pipefail
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT
python3 -m venv "$here/venv"
"$here/venv/bin/pip" install --quiet --disable-pip-version-check submitit==1.5.4 cloudpickle==3.1.2 psutil==7.1.3
cd "$here"
"$here/venv/bin/python" - <<'PY'
import sys
import time
from importlib.metadata import version

import psutil
import submitit

executor = submitit.LocalExecutor(folder="jobs")
executor.update_parameters(timeout_min=5)


def refuse():
    raise ValueError("no")


def started():
    """A job of a minute, its launcher, and the process that does it, once that is there."""
    job = executor.submit(time.sleep, 60)
    launcher = psutil.Process(int(job.job_id))
    for _ in range(600):
        if children := launcher.children():
            return job, launcher, children[0]
        time.sleep(0.1)
    sys.exit("no job began")


def wait(job):
    while not job.done():
        time.sleep(0.1)
    return job.state


job, _, worker = started()
worker.kill()
killed = wait(job)
job, launcher, worker = started()
launcher.kill()
orphaned, works_on = wait(job), worker.is_running()
worker.kill()
raised = wait(executor.submit(refuse))
print("submitit", version("submitit"))
print("the process of a job is killed:", killed)
print("a job raises:", raised)
print(f"its launcher is killed: {orphaned}, done() is {job.done()}, the job itself works on: {works_on}")
sys.exit((killed, raised, orphaned, works_on) != ("FINISHED", "FINISHED", "INTERRUPTED", True))
PY
