import pytest

from tests.bench.command.test_command import one_line


@pytest.mark.parametrize("flags", [("--json", "--markdown"), ("--long", "--json"), ("--long", "npr", "--markdown")])
def test_a_list_is_printed_in_one_way(lineup, flags):
    assert "give one" in one_line(lineup("list", *flags))
