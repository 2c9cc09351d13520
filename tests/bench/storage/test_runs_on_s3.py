"""Whole runs with cache, results and images on a store that answers late, with errors and with halves of objects.

The server is moto's, with faults that are drawn from a seed in front of it.
"""

import os
import random
import re
import signal
import subprocess
import sys
import time
from shutil import copyfile, rmtree

import pandas as pd
import pytest

from bench.records import columns
from tests.support.command_line import one_line, start
from tests.support.faulty_s3 import BUCKET, access, faulty_s3

pytestmark = pytest.mark.slow
DETECTORS = ("--detectors", "hog_svm,residual,clip_probe", "--limit", "4")


@pytest.fixture
def s3():
    """A server that fails, and the environment of a machine that has nothing yet, by its folder."""
    pytest.importorskip("moto", reason="needs the S3 server of moto: pip install 'lineup-bench[stores]'")
    pytest.importorskip("s3fs", reason="needs s3fs: pip install 'lineup-bench[remote]'")
    import boto3

    with faulty_s3(28, faults={}) as (server, address):
        own = access(address)
        named = {"region_name": own["AWS_DEFAULT_REGION"], "endpoint_url": address}
        keys = {"aws_access_key_id": "nobody", "aws_secret_access_key": "nothing"}
        client = boto3.client("s3", **named, **keys)
        client.create_bucket(Bucket=BUCKET)

        def machine(folder):
            return {**own, "LINEUP_CACHE": f"s3://{BUCKET}/cache", "XDG_CACHE_HOME": str(folder), "COLUMNS": "200"}

        yield server, client, machine


def run(environment, data, out):
    return start(environment, "run", "--data", data, *DETECTORS, "--out", out)


def scores(folder):
    """The scores of a run, one row for each cell and image."""
    parts = [pd.read_parquet(path) for path in sorted((folder / "scores").glob("*.parquet"))]
    texts = dict.fromkeys((columns.KEY, columns.NAME, columns.SOURCE), str)
    found = pd.concat(parts).astype(texts).sort_values([columns.KEY, columns.NAME]).reset_index(drop=True)
    assert not found.duplicated([columns.KEY, columns.NAME]).any()
    return found


def fetched(environment, place, into):
    """The scores that the store has, as a machine that has nothing reads them."""
    done = start({**environment, "XDG_CACHE_HOME": str(into)}, "check", place)
    assert done.returncode == 0, done.stdout + done.stderr
    (folder,) = into.glob("lineup/stores/read-*")
    return scores(folder)


@pytest.fixture(scope="session")
def expected(embedded_corpus, tmp_path_factory):
    """The scores of a run without any store."""
    folder = tmp_path_factory.mktemp("local")
    done = run({"LINEUP_CACHE": str(folder / "cache")}, embedded_corpus, folder / "run")
    assert done.returncode == 0, done.stderr
    return scores(folder / "run")


def test_scores_are_those_of_a_local_run_and_another_machine_computes_nothing(s3, embedded_corpus, expected, tmp_path):
    server, _, machine = s3
    server.faults = {"500": 0.04, "503": 0.04, "cut": 0.03, "half": 0.03}
    done = run(machine(tmp_path / "a"), embedded_corpus, f"s3://{BUCKET}/runs/one")
    assert done.returncode == 0, done.stderr
    assert f"Published: s3://{BUCKET}/runs/one" in done.stderr
    again = run(machine(tmp_path / "b"), embedded_corpus, f"s3://{BUCKET}/runs/two")
    assert again.returncode == 0, again.stderr
    assert re.search(r"Done: \d+ cells reused\.", again.stderr)
    for name in ("one", "two"):
        found = fetched(machine(tmp_path), f"s3://{BUCKET}/runs/{name}", tmp_path / f"read-{name}")
        pd.testing.assert_frame_equal(found, expected, check_exact=True)
    assert min(server.counts.values()) > 3, server.counts


def test_killed_runs_go_on_on_machines_that_have_nothing(s3, embedded_corpus, expected, tmp_path):
    """Each round has an empty folder of its own, and takes the place over from the one that was killed."""
    server, client, machine = s3
    server.faults = {"500": 0.02, "503": 0.02, "cut": 0.02, "half": 0.02}
    draw, place = random.Random(28), f"s3://{BUCKET}/runs/killed"  # noqa: S311 - moments of kills
    for number in range(3):
        command = ["run", "--data", embedded_corpus, *DETECTORS, "--no-baselines", "--out", place]
        process = subprocess.Popen(
            [sys.executable, "-m", "bench", *map(str, command)],
            env={**os.environ, **machine(tmp_path / str(number))},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        wait_for(client, "runs/killed/.claim.json", process)
        time.sleep(draw.uniform(2, 12))
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        assert not there(client, "runs/killed/manifest.json")
    done = run(machine(tmp_path / "last"), embedded_corpus, place)
    assert done.returncode == 0, done.stderr
    assert f"{place} is taken over from process" in done.stderr
    found = fetched(machine(tmp_path), place, tmp_path / "read")
    pd.testing.assert_frame_equal(found, expected, check_exact=True)


def test_the_second_of_two_runs_is_refused_with_the_first_ones_name(s3, embedded_corpus, tmp_path):
    _, client, machine = s3
    place = f"s3://{BUCKET}/runs/both"
    command = ["run", "--data", embedded_corpus, *DETECTORS, "--no-baselines", "--out", place]
    first = subprocess.Popen(
        [sys.executable, "-m", "bench", *map(str, command)],
        env={**os.environ, **machine(tmp_path / "a")},
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
    )
    wait_for(client, "runs/both/.claim.json", first)
    line = one_line(run(machine(tmp_path / "b"), embedded_corpus, place))
    assert re.search(rf"{place} is being written by another run \(process \d+ of \w+ on .*, since 20", line)
    assert first.communicate()[1]
    assert first.returncode == 0
    assert not there(client, "runs/both/.claim.json")
    assert there(client, "runs/both/manifest.json")


def test_images_on_a_store_are_read_once_and_score_as_those_in_a_folder(s3, embedded_corpus, tmp_path):
    server, client, machine = s3
    for folder in sorted({path.parent for path in embedded_corpus.rglob("*.jpg")}):
        for path in sorted(folder.iterdir())[:4]:
            name = path.relative_to(embedded_corpus)
            (tmp_path / "data" / name.parent).mkdir(parents=True, exist_ok=True)
            copyfile(path, tmp_path / "data" / name)
            client.upload_file(str(path), BUCKET, f"data/{name.as_posix()}")
    server.faults = {"500": 0.03, "503": 0.03, "cut": 0.03, "half": 0.03}
    environment = {**machine(tmp_path / "a"), "LINEUP_CACHE": str(tmp_path / "cache")}
    places = {"local": tmp_path / "data", "one": f"s3://{BUCKET}/data", "two": f"s3://{BUCKET}/data"}

    def answer(name):
        given = ("--data", f"genimage:{places[name]}", "--detectors", "hog_svm", "--out", tmp_path / name)
        done = start(environment, "run", *given)
        assert done.returncode == 0, done.stderr
        assert "images decoded" in done.stderr
        for kind in ("answers", "embeddings"):
            rmtree(tmp_path / "cache" / kind)
        return scores(tmp_path / name)

    expected, one = answer("local"), answer("one")
    pd.testing.assert_frame_equal(by_image(one), by_image(expected), check_exact=True)
    server.faults, before = {}, server.requests
    pd.testing.assert_frame_equal(answer("two"), one, check_exact=True)
    assert server.requests - before < 20  # listings


def by_image(found):
    """Scores without what says where the images lie."""
    return (
        found.drop(columns=[columns.KEY, columns.SOURCE])
        .sort_values([*found.columns.drop([columns.KEY, columns.SOURCE])])
        .reset_index(drop=True)
    )


def there(client, key):
    return client.list_objects_v2(Bucket=BUCKET, Prefix=key).get("KeyCount", 0) > 0


def wait_for(client, key, process):
    end = time.monotonic() + 60
    while not there(client, key):
        assert process.poll() is None
        assert time.monotonic() < end
        time.sleep(0.2)
