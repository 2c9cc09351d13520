import pytest

from bench.cluster.told_errors import ToldError
from bench.platform.errors import DiskFull, InputError
from detectors.api import Unavailable
from detectors.isolation.calls import first_line


class OddFault(Exception):
    pass


class Mute(Exception):
    def __str__(self):
        raise RuntimeError


@pytest.mark.parametrize("error", [OddFault("a\nb"), ValueError("x"), KeyError("key"), OddFault()])
def test_the_reason_in_a_table_is_that_of_the_original(error):
    assert first_line(ToldError.of(error).error()) == first_line(error)


@pytest.mark.parametrize("kind", [InputError, DiskFull, Unavailable])
def test_what_the_engine_tells_apart_stays_apart(kind):
    assert type(ToldError.of(kind("x")).error()) is kind


def test_an_exception_whose_text_cannot_be_had_is_told():
    assert first_line(ToldError.of(Mute()).error()) == "RuntimeError: Mute, without a text"
