"""Making the corpus ends with one line where a process dies or the disk is full, and leaves nothing behind."""

import errno
import os
import signal

import pytest

from bench.embedded import corpus
from bench.embedded.corpus import DESCRIPTION, build
from bench.embedded.making import make_corpus
from bench.platform.errors import InputError


class Task:
    """Images of which the last one does what is asked."""

    first, end = 0, 1

    def __init__(self, deed):
        self.deed = deed

    def write(self, root):
        (root / "image").write_text("half")
        if self.deed == "full":
            raise OSError(errno.ENOSPC, "No space left on device")
        if self.deed == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        return [("image", "0")]


@pytest.mark.parametrize(
    ("deed", "line"),
    [
        (
            "full",
            r"the embedded corpus cannot be made in .* \(No space left on device\); make room there and run again",
        ),
        (
            "die",
            "making the embedded corpus: its process was ended by SIGKILL, most likely for want of memory; run again",
        ),
    ],
)
def test_what_goes_wrong_in_a_process_is_one_line(tmp_path, monkeypatch, deed, line):
    monkeypatch.setattr(corpus, "_tasks", lambda *_: [Task(""), Task(deed)])
    monkeypatch.setattr(corpus, "_start_worker", dict)
    with pytest.raises(InputError, match=line):
        make_corpus(tmp_path / "corpus", 2)
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_it_is_the_corpus_of_its_name(tmp_path):
    made, built = make_corpus(tmp_path / "made", 2, None, (1, 1)), build(tmp_path / "built", 2, None, (1, 1))
    assert (made / DESCRIPTION).read_text() == (built / DESCRIPTION).read_text()
