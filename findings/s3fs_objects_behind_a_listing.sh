#!/usr/bin/env bash
# s3fs 2026.9.0 (against a moto 5.2.5 server): whether an object exists was expected to be asked of the store. Once a folder was listed,
# `exists`, `info`, `open` and `cat` go by that listing, however old: an object that another process has put since does not
# exist and cannot be read, and one that it deleted still exists. `find` alone sees it. `listings_expiry_time` has no default,
# and `use_listings_cache=False` asks the store each time.
set -euo pipefail
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT
python3 -m venv "$here/venv"
"$here/venv/bin/pip" install --quiet --disable-pip-version-check s3fs==2026.9.0 fsspec==2026.9.0 'moto[server]==5.2.5'
AWS_ACCESS_KEY_ID=any AWS_SECRET_ACCESS_KEY=any AWS_DEFAULT_REGION=us-east-1 "$here/venv/bin/python" - <<'PY'
import logging
import sys
from importlib.metadata import version

import boto3
import s3fs
from moto.server import ThreadedMotoServer

logging.getLogger("werkzeug").setLevel(logging.ERROR)
server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
host, port = server.get_host_and_port()
url = f"http://{host}:{port}"
other = boto3.client("s3", endpoint_url=url)
other.create_bucket(Bucket="bucket")


def put(name):
    other.put_object(Bucket="bucket", Key=name, Body=b"content")


def seen(files, name):
    """Whether a file system says that an object exists, reads it, and finds it below the bucket."""
    try:
        read = files.cat(name) == b"content"
    except FileNotFoundError:
        read = False
    return files.exists(name), read, name in files.find("bucket")


found = {}
for title, options in {"as it is": {}, "use_listings_cache=False": {"use_listings_cache": False}}.items():
    put("old")
    files = s3fs.S3FileSystem(endpoint_url=url, skip_instance_cache=True, **options)
    files.ls("bucket")
    put("new")
    found[title] = seen(files, "bucket/new")
    other.delete_object(Bucket="bucket", Key="new")
print("s3fs", version("s3fs"), "fsspec", version("fsspec"), "moto", version("moto"))
for title, (exists, read, listed) in found.items():
    print(f"{title}: an object that was put since a listing exists: {exists}, is read: {read}, is found: {listed}")
server.stop()
sys.exit(list(found.values()) != [(False, False, True), (True, True, True)])
PY
