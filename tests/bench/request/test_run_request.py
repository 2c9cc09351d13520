"""The usual folder of a run: all that is not as usual is in its name."""

from pathlib import Path

import pytest

from bench.request.run_request import RunRequest, usual_folder
from protocols.degradation import DegradationMatrix
from protocols.transfer.transfer_to import TransferTo


@pytest.mark.parametrize(
    ("protocol", "name"),
    [
        (DegradationMatrix(), "degradation"),
        (DegradationMatrix(degradations=("/a/own.toml", "jpeg:50")), "degradation-degradations=own.toml,jpeg_50"),
        (TransferTo(to=("/a/faces", "embedded")), "transfer_to-to=faces,embedded"),
    ],
)
def test_paths_are_named_by_their_last_part(protocol, name):
    request = RunRequest(
        protocol, "embedded", ("npr",), "auto", "cpu", "float32", Path(), None, (0,), 1, 1, cache=Path()
    )
    assert usual_folder(request, ["none"]).name == name
