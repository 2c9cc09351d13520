"""Thousands of mutated files: what has its pixels is read, what is cut off never is without a word, nothing hangs."""

import json
import resource
import struct
import subprocess
import sys
import time
from itertools import chain
from pathlib import Path

import numpy as np
import pytest

from bench.images.decoding.decoder import UnreadableImage, decode_with_details, size_of
from bench.images.decoding.structure import MAX_PIXELS
from detectors.api import Sample
from tests.support.mutated_images import CUT, FILES, INTACT, mutants, near_bombs

ROOT = Path(__file__).parents[4]
FEW, MANY = 300, 5000
MOST_SECONDS, MOST_KILOBYTES = 10, 2**21


def read(data):
    """The sample and its notes, or the reason why there is none; anything else fails the test."""
    try:
        sample, details = decode_with_details(data, "image")
    except UnreadableImage as error:
        reason = error.reason
    else:
        return checked(sample), details.notes
    assert reason
    assert reason.isprintable()
    assert "0x" not in reason
    return reason


def checked(sample):
    assert isinstance(sample, Sample)
    assert sample.pixels.dtype == np.uint8
    assert sample.pixels.shape == (sample.facts.height, sample.facts.width, 3)
    return sample


ORIGINALS = {name: read(data)[0].pixels for name, data in FILES.items()}


def has_pixels_of(pixels, original):
    """Whether pixels are those of an original, upright or, where its EXIF was damaged, as stored."""
    return any(np.array_equal(pixels, one) for one in (ORIGINALS[original], np.rot90(ORIGINALS[original])))


def fault_of(mutant):
    """What is wrong with how a mutant is read; "" for nothing."""
    found = read(mutant.data)
    if isinstance(found, str):
        return f"refused: {found}" if mutant.state == INTACT else ""
    sample, notes = found
    if mutant.original not in ORIGINALS:  # all pixels of a near-bomb are equal
        return "cut off and read" if mutant.state == CUT and not notes else ""
    if mutant.state == INTACT:
        return "" if has_pixels_of(sample.pixels, mutant.original) else "other pixels"
    if mutant.state == CUT:
        return "" if notes and has_pixels_of(sample.pixels, mutant.original) else f"cut off and read: {notes}"
    return ""


def faults(some):
    """What is wrong with how some mutants are read, and the longest time of one in seconds of CPU."""
    found, longest = [], 0.0
    for mutant in some:
        start = time.process_time()
        if fault := fault_of(mutant):
            found.append((mutant.original, mutant.how, fault))
        longest = max(longest, time.process_time() - start)
    return found, longest


def test_what_has_its_pixels_is_read_and_what_is_cut_off_is_not(capfd):
    assert faults(mutants(FEW, seed=20))[0] == []
    assert capfd.readouterr() == ("", "")


def measured(count, seed):
    """Faults of all near-bombs and of mutants up to `count`, the longest in seconds of CPU, and the peak in KB."""
    bombs = list(near_bombs())
    found, longest = faults(chain(bombs, mutants(count - len(bombs), seed=seed)))
    status = Path("/proc/self/status").read_text()  # the peak since this program began, as that of `getrusage` is not
    (peak,) = (line.split()[1] for line in status.splitlines() if line.startswith("VmHWM"))
    return found, longest, int(peak)


@pytest.mark.slow
def test_five_thousand_mutants_and_near_bombs():
    code = "import sys, json; from tests.bench.images.decoding.test_mutations import measured; "
    code += "json.dump(measured(int(sys.argv[1]), seed=21), sys.stdout)"
    command = [sys.executable, "-c", code, str(MANY)]  # of its own: what tests before this one used is not of it
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    found, longest, memory = json.loads(done.stdout)
    print(f"{MANY} files, the longest in {longest:.1f} s of CPU, {memory / 2**20:.2f} GB at most")  # noqa: T201
    assert found == []
    assert done.stderr == ""
    assert longest < MOST_SECONDS
    assert memory < MOST_KILOBYTES


@pytest.mark.parametrize("name", FILES)
def test_whatever_the_end_misses_a_cut_file_is_refused_or_noted_with_all_its_pixels(name):
    data = FILES[name]
    for size in sorted({*range(0, len(data), 29), *range(max(0, len(data) - 40), len(data))}):
        found = read(data[:size])
        assert isinstance(found, str) or (found[1] and has_pixels_of(found[0].pixels, name)), size


@pytest.mark.parametrize("name", [name for name in FILES if name.endswith("png") and "animated" not in name])
def test_one_flipped_bit_anywhere_in_a_png_is_found(name):
    data = FILES[name]
    for place in range(0, len(data), 1 if len(data) < 2000 else 3):
        mutant = bytearray(data)
        mutant[place] ^= 1 << place % 8
        found = read(bytes(mutant))
        assert isinstance(found, str) or (found[1] and has_pixels_of(found[0].pixels, name)), place


@pytest.mark.parametrize("name", FILES)
def test_the_content_decides_and_bytes_after_the_end_do_not_matter(name):
    assert (read(FILES[name] + b"\0 after the end")[0].pixels == ORIGINALS[name]).all()


HUGE = (
    ("baseline.jpg", b"\x00\x11\x08" + struct.pack(">HH", 48, 64), b"\x00\x11\x08" + struct.pack(">HH", 65500, 65500)),
    ("lossy.webp", struct.pack("<HH", 64, 48), struct.pack("<HH", 16383, 16383)),
    ("plain.bmp", struct.pack("<ii", 64, 48), struct.pack("<ii", 2**20, -(2**20))),
    ("raw.tiff", struct.pack("<HHII", 256, 4, 1, 64), struct.pack("<HHII", 256, 4, 1, 2**31)),
    ("picture.gif", struct.pack("<HH", 64, 48), struct.pack("<HH", 65535, 65535)),
    ("picture.avif", struct.pack(">II", 64, 48), struct.pack(">II", 2**15, 2**15)),
)


@pytest.mark.parametrize(("name", "true", "huge"), HUGE)
def test_a_size_that_no_image_has_is_refused_from_the_header(name, true, huge):
    if name not in FILES:
        pytest.skip("this build of Pillow reads no AVIF")
    data = FILES[name].replace(true, huge)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert f"are more than the {MAX_PIXELS:,} that are read" in read(data)
    with pytest.raises(UnreadableImage, match="are more than"):
        size_of(data, "image")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 2**14  # kilobytes
