"""How the texts of options are read."""

import os

import pytest

from bench.command import options
from bench.images.decoding.structure import MAX_PIXELS
from bench.platform.errors import InputError


@pytest.mark.parametrize(
    ("text", "count"), [("200M", 200_000_000), ("108m", 108_000_000), ("5000", 5000), (str(MAX_PIXELS), 2**26)]
)
def test_a_number_of_pixels_may_be_in_millions(text, count):
    assert options.pixel_count(text) == count


@pytest.mark.parametrize("text", ["", "M", "0", "-1", "1.5M", "2**26", "200MP", "1074M", "٣M"])
def test_what_is_no_number_of_pixels_is_refused_with_what_to_type(text):
    with pytest.raises(InputError, match="is no number of pixels from 1 to 1073741824; give 200M or 200000000"):
        options.pixel_count(text)


def test_a_tracking_server_is_named_or_found_in_the_environment(monkeypatch):
    monkeypatch.setattr(
        os, "environ", {"MLFLOW_TRACKING_URI": "https://there:5000", "MLFLOW_HTTP_REQUEST_TIMEOUT": "3"}
    )
    assert options.tracking_server("") == ""
    assert options.tracking_server("mlflow:http://127.0.0.1:5000") == "http://127.0.0.1:5000"
    assert options.tracking_server("mlflow") == "https://there:5000"
    assert os.environ["MLFLOW_DISABLE_TELEMETRY"] == "true"
    assert os.environ["MLFLOW_HTTP_REQUEST_TIMEOUT"] == "3"  # as the user has it


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("wandb", "--track 'wandb' is not known; give mlflow:http://127.0.0.1:5000, or mlflow"),
        ("mlflow", "--track mlflow names no server .MLFLOW_TRACKING_URI is not set.; give mlflow:http://HOST:PORT"),
        ("mlflow:./mlruns", "names no server .*/mlruns"),
        ("mlflow:http://", "names no server"),
        ("mlflow:https://me:secret@there", "has a password.*set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD"),
    ],
)
def test_what_names_no_tracking_server_is_refused(text, message, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    with pytest.raises(InputError, match=message) as refused:
        options.tracking_server(text)
    assert "secret" not in str(refused.value)


def test_what_libraries_read_is_set_unless_the_user_has(monkeypatch):
    monkeypatch.setattr(options.os, "environ", {"MALLOC_TRIM_THRESHOLD_": "7"})
    options.set_library_defaults()
    assert options.os.environ["GOMP_SPINCOUNT"] == "20000"
    assert options.os.environ["MALLOC_TRIM_THRESHOLD_"] == "7"


def test_how_threads_wait_is_the_users_where_they_say_it(monkeypatch):
    monkeypatch.setattr(options.os, "environ", {"OMP_WAIT_POLICY": "ACTIVE"})
    options.set_library_defaults()
    assert "GOMP_SPINCOUNT" not in options.os.environ
