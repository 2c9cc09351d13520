"""Tables as CSV, Parquet, Markdown, LaTeX and JSON: exact for programs, harmless for people."""

import io
import json
import re

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from bench.platform.errors import InputError
from bench.report.export.contents import ExportContent, ExportedRun, ExportedRuns, contents_of
from bench.report.export.forms import exact_csv, form_of_ending, forms_of, formulas_in, parquet, written
from bench.report.formats import section_as_latex, section_as_markdown
from bench.report.ranking_columns import TableColumn, TitledTable
from tests.support.synthetic_runs import make_run

HOSTILE = ("=1+1", "@b", "NA", "null", "a,b", 'q"', "über 日本", "r\rs", "n\nm", " padded ", "'=x", "1e5", "007", "")
ESCAPED = re.compile(r"\\[&%$#_{}]|\\\^\{\}|\\text(backslash|asciitilde)\{\}|\\ensuremath\{[<>]\}|\{\}")  # in LaTeX
MARKS = (r"100% & _#$ {x} ~ ^ \input{/etc/passwd}", "[2pt] first", "*[1ex] star")


@pytest.fixture(scope="module")
def runs():
    return ExportedRuns([ExportedRun(make_run(detectors=("=alpha", MARKS[0]), seeds=(0, 1), n=6))])


@pytest.fixture(scope="module")
def board(runs):
    return contents_of("leaderboard", runs)[0]


def rows_of(texts):
    return pd.DataFrame({"image": list(texts), "score": np.linspace(0, 1, len(texts), dtype=np.float32)})


def test_csv_for_programs_has_every_text_and_number_as_it_is():
    rows = rows_of(HOSTILE).assign(log_odds=np.float32([np.nan, *range(1, len(HOSTILE))]))
    data = exact_csv(rows, "scores.csv")
    back = pd.read_csv(io.BytesIO(data), keep_default_na=False, na_values={"log_odds": [""]}, dtype={"image": str})
    assert list(back["image"]) == list(HOSTILE)
    assert np.array_equal(back["score"].to_numpy(np.float32), rows["score"])
    assert back["log_odds"].isna().tolist() == [True, *[False] * (len(HOSTILE) - 1)]
    assert data.splitlines()[1] == b'"=1+1",0,'  # a missing number is nothing, and no text
    assert b";" not in data.partition(b"\n")[0]


def test_csv_for_spreadsheets_runs_nothing_and_others_are_counted():
    content = ExportContent.of_rows("scores", lambda: rows_of(HOSTILE))
    assert b"'=1+1" in written(content, "spreadsheet")
    assert b"'@b" in written(content, "spreadsheet")
    assert formulas_in(rows_of(HOSTILE)) == 2
    assert formulas_in(rows_of(["a", "-1", "-"]).rename(columns={"score": "=b"})) == 1


def test_parquet_has_exact_texts_typed_columns_and_their_meaning():
    back = pq.read_table(io.BytesIO(parquet(rows_of(HOSTILE), "scores.csv")))
    assert back["image"].to_pylist() == list(HOSTILE)
    assert [str(kind) for kind in back.schema.types] == ["string", "float"]
    assert back.schema.field("score").metadata[b"unit"].startswith(b"0 to 1")


def test_a_board_has_typed_numbers_and_intervals_of_their_own(board):
    back = pq.read_table(io.BytesIO(written(board, "parquet")))
    kinds = {field.name: str(field.type) for field in back.schema}
    assert (kinds["rank"], kinds["seeds"], kinds["detector"], kinds["at_chance"]) == (
        *("int64", "int64", "string", "bool"),
    )
    for part in ("value", "low", "high", "spread"):
        assert kinds[f"off-diagonal {part}"] == "double"
        assert back.schema.field(f"off-diagonal {part}").metadata[b"unit"] == b"share, 0 to 1"
    assert kinds["across_generators_low"] == "double"  # though nothing is said of four generators
    assert back["detector"].to_pylist()[0] in {"=alpha", MARKS[0]}
    csv = pd.read_csv(io.BytesIO(written(board, "csv")))
    json_rows = json.loads(written(board, "json"))[0]["rows"]
    assert csv["off-diagonal low"].tolist() == [row["means"]["off-diagonal"]["low"] for row in json_rows]


def test_forms_that_there_are_not_are_refused(board):
    assert forms_of(board) == ("csv", "spreadsheet", "parquet", "markdown", "latex", "json")
    assert form_of_ending(".csv") == "csv"
    content = ExportContent.of_rows("scores", lambda: rows_of(HOSTILE))
    with pytest.raises(InputError, match="scores is written as csv, spreadsheet, parquet, not as latex"):
        written(content, "latex")


def tabulars(text):
    """The tables of a LaTeX file as rows of cells; fails for what LaTeX would not read as that."""
    found = []
    for spec, body in re.findall(r"\\begin\{tabular\}\{([lr]+)\}\n(.*?)\\end\{tabular\}", text, re.DOTALL):
        lines = body.splitlines()
        rules = [line for line in lines if re.fullmatch(r"\\(top|mid|bottom)rule", line)]
        assert rules == ["\\toprule", "\\midrule", "\\bottomrule"]
        rows = [line for line in lines if line not in rules]
        for line in rows:
            assert line.endswith(r"\\")
            assert not re.match(r"\s*[\[*]", line), "the row above would take it for its own argument"
            cells = re.split(r"(?<!\\)&", line.removesuffix(r"\\"))
            assert len(cells) == len(spec)
            plain = ESCAPED.sub("", line)
            plain = plain.removesuffix(r"\\").replace("&", "")
            assert not set(plain) & set("\\%$#_{}~^"), plain
        found.append(rows)
    return found


def test_latex_is_booktabs_that_compiles_whatever_names_hold(runs, board):
    (rows,) = tabulars(written(board, "latex").decode())
    assert len(rows) == 3
    titled = TitledTable("Title\nof 50%", (TableColumn("[h]", MARKS, left=True), TableColumn("#", ("1", "-", "~"))))
    (rows,) = tabulars(section_as_latex([titled]))
    assert len(rows) == 4
    for name in ("cells", "matrix", "throughput"):
        for one in contents_of(name, runs):
            assert tabulars(written(one, "latex").decode())


def test_in_markdown_commands_are_code_and_what_others_wrote_is_not():
    titled = TitledTable("`--rank-by ap` or `lineup rescore RUN`; `rm x`, `lineup |`, `--a<b`", ())
    shown = section_as_markdown([titled], "")
    assert "`--rank-by ap` or `lineup rescore RUN`;" in shown
    assert r"\`rm x\`, \`lineup \|\`, \`--a&lt;b\`" in shown
    shown = section_as_markdown([TitledTable(r"\`lineup x` a\|b", ())], "")
    assert r"### \\`lineup x` a\\\|b" in shown
