"""The page: what it says in each stage, and that a real browser draws it, with and without script."""

import re
import shutil
import subprocess
from dataclasses import replace
from threading import Thread

import pytest
from PIL import Image

from bench.live.page import asset, duration, page, parts, title
from bench.live.run_reader import RunReader
from bench.live.server import LiveServer
from bench.live.state import LeftOutCells
from bench.records.live_record import LiveTraining, StageRecord
from tests.support.live_runs import begun_run, record_cells
from tests.support.result_folders import store_run
from tests.support.synthetic_runs import make_run

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@pytest.fixture
def running(tmp_path):
    """The folder of a run that goes on: five cells of 32, a training, a stage."""
    run = make_run(detectors=("alpha", "beta"))
    stage = StageRecord("score", 25, 100, 0.0)
    store = begun_run(run, tmp_path / "run", stage=stage, notices=("Cells: 32", "Warning: few images"))
    record_cells(run, store, list(run.cells["key"][:5]))
    training = LiveTraining("npr", "even-0", ({"train_loss": 0.7, "train_accuracy": 0.5},) * 3)
    store.write("live/trainings/a.json", training.to_json())
    return tmp_path / "run"


def test_the_title_says_how_far_it_is(running, tmp_path):
    assert title(RunReader(running).read()) == "5 of 32: made_up"
    assert title(RunReader(store_run(make_run(), tmp_path / "b")).read()) == "Finished: made_up"
    (tmp_path / "c").mkdir()
    assert title(RunReader(tmp_path / "c").read()).startswith("No run yet")


def test_trainings_stand_first_while_nothing_is_scored(running):
    state = RunReader(running).read()
    assert "Cells" in parts(state)["first"]
    before = replace(state, counts={**state.counts, "scored": 0})
    assert "Trainings" in parts(before)["first"]
    assert "Cells" in parts(before)["second"]


def test_reasons_and_what_ended_a_run_are_said(running):
    state = replace(
        RunReader(running).read(),
        stage="ended",
        error="OSError: <disk>",
        left_out=(LeftOutCells("failed", "ValueError: a & b", 3, ("alpha",)),),
    )
    text = page(state)
    assert "Ended without having finished" in text
    assert "OSError: &lt;disk&gt;" in text
    assert re.search(r"3 failed</b> \(alpha\): ValueError: a &amp; b", text)


def test_a_dollar_in_a_text_of_others_stays(running):
    state = replace(RunReader(running).read(), notices=("costs $title and ${folder}",), folder="$head")
    assert "costs $title and ${folder}" in page(state)
    assert "<code>$head</code>" in page(state)


def test_durations_are_in_words():
    assert [duration(one) for one in (-1, 59.4, 61, 3599, 7260)] == [
        "0 s",
        "59 s",
        "1 min 01 s",
        "59 min 59 s",
        "2 h 01 min",
    ]


def browse(folder, url, *options):
    """Let a browser open a page; gives what it printed, and the lines of its console."""
    fixed = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    fixed += ["--enable-logging=stderr", f"--user-data-dir={folder}"]
    done = subprocess.run([CHROMIUM, *fixed, *options, url], capture_output=True, text=True, check=True, timeout=90)
    return done.stdout, [line for line in done.stderr.splitlines() if "CONSOLE" in line]


@pytest.fixture
def url(running):
    """Where a run that goes on is served."""
    server = LiveServer(running, 0)
    Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield server.url
    server.shutdown()
    server.server_close()


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed (Debian: chromium)")
def test_a_browser_draws_it(url, tmp_path):
    dom, console = browse(tmp_path / "browser", url, "--virtual-time-budget=6000", "--dump-dom")
    assert console == []
    assert "seen " in dom  # the script has asked for the state
    assert "<b>5</b><span>scored</span>" in dom
    assert len(re.findall('<rect[^>]* class="missing"', dom)) == 27
    assert '<li class="warning">Warning: few images</li>' in dom
    assert "train loss 0.7" in dom


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed (Debian: chromium)")
def test_a_browser_draws_it_where_the_script_does_not_come(url, tmp_path, monkeypatch):
    monkeypatch.setattr("bench.live.server.asset", lambda name: "" if name == "page.js" else asset(name))
    dom, console = browse(tmp_path / "browser", url, "--virtual-time-budget=6000", "--dump-dom")
    assert console == []
    assert "the page asks again every few seconds" in dom
    assert len(re.findall('<rect[^>]* class="missing"', dom)) == 27


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed (Debian: chromium)")
@pytest.mark.parametrize(("scheme", "ground"), [("light", "#ffffff"), ("dark", "#17171a")])
def test_it_follows_the_colour_scheme_of_the_reader(url, tmp_path, scheme, ground):
    picture = tmp_path / "page.png"
    setting = f"--blink-settings=preferredColorScheme={int(scheme == 'light')}"
    browse(tmp_path / "browser", url, setting, f"--screenshot={picture}", "--window-size=800,600")
    with Image.open(picture) as opened:
        assert "#{:02x}{:02x}{:02x}".format(*opened.convert("RGB").getpixel((2, 2))) == ground


def test_rows_of_a_matrix_of_all_detectors_are_detectors(tmp_path):
    run = make_run(detectors=("alpha", "beta"), degraded=True)
    assert "Rows: detector. Columns: degradation." in page(RunReader(store_run(run, tmp_path / "run")).read())


def test_without_script_the_page_is_loaded_again(running):
    assert '<noscript><meta http-equiv="refresh" content="5"></noscript>' in page(RunReader(running).read())
