"""Tables fit where they are printed, and nothing of them is cut."""

import io

import pytest
from rich.console import Console

from bench.report.ranking_columns import TableColumn
from bench.report.terminal import FittedHeatMap, text_table

ROWS = 3
WIDE = "\N{CJK UNIFIED IDEOGRAPH-56FE}\N{CJK UNIFIED IDEOGRAPH-50CF}"  # two characters on four places


def columns(count, text="1234567890"):
    first = TableColumn("detector", tuple(f"{WIDE}_{row}" for row in range(ROWS)), left=True)
    return [first, *(TableColumn(f"column {place}", (f"{text}{place:02}",) * ROWS) for place in range(count))]


def printed(table, width):
    file = io.StringIO()
    Console(file=file, width=width).print(table)
    return file.getvalue().splitlines()


@pytest.mark.parametrize("width", [12, 25, 40, 100])
def test_every_text_is_there_at_every_width_and_no_line_is_wider(width):
    lines = printed(text_table(columns(9)), width)
    whole = "".join(line.strip() for line in lines)
    for place in range(9):
        assert whole.count(f"1234567890{place:02}") == ROWS
    assert "\N{HORIZONTAL ELLIPSIS}" not in whole
    assert all(len(line) + line.count(WIDE[0]) + line.count(WIDE[1]) <= width for line in lines)


def test_columns_without_room_follow_under_the_same_rows():
    lines = printed(text_table(columns(4)), 40)
    assert sum(line.strip().startswith(f"{WIDE}_0") for line in lines) == 2
    assert sum("detector" in line for line in lines) == 2


def test_where_no_two_columns_fit_each_row_is_lines_of_its_own():
    lines = printed(text_table(columns(1, "x" * 40)), 30)
    assert lines.count(f"detector: {WIDE}_1") == 1
    assert "".join(lines).count("x" * 30) == ROWS


def test_the_last_column_may_wrap():
    long = TableColumn("what tells", (f"{'word ' * 20}end",) * ROWS, left=True)
    lines = printed(text_table([columns(0)[0], long], wraps=True), 60)
    assert sum(line.strip().startswith(WIDE) for line in lines) == ROWS
    assert sum(line.split()[-1:] == ["end"] for line in lines) == ROWS


def test_a_heat_map_goes_on_below():
    headers = ["train", *(f"generator_{place}" for place in range(6)), ""]
    texts = [["first", *(f"{place}.5" for place in range(6)), ""], ["second", *["50.0"] * 6, ""]]
    lines = printed(FittedHeatMap(headers, texts), 40)
    assert [line.split()[0] for line in lines if line.strip()] == ["train", "first", "second"] * (len(lines) // 3)
    whole = " ".join(lines)
    assert all(f"{place}.5" in whole and f"generator_{place}" in whole for place in range(6))
    assert printed(FittedHeatMap(headers, texts), 120)[0].split() == headers[:-1]
