"""Versions of installed distributions."""

from importlib.metadata import version

from bench.platform.installed import ABSENT, installed_version


def test_a_distribution_is_known_by_its_metadata_or_absent():
    assert installed_version("numpy") == version("numpy")
    assert installed_version("no-such-distribution-of-anybody") == ABSENT
