"""Rows of a board as they are written."""

import pytest

from detectors.entries import WrongEntry, parse_entries, parse_entry


@pytest.mark.parametrize(
    ("text", "detector", "options", "checkpoint", "label"),
    [
        ("cnnspot", "cnnspot", {}, "", "cnnspot"),
        ("cnnspot:input=resize", "cnnspot", {"input": "resize"}, "", "cnnspot:input=resize"),
        ("a:x=1:y=2@name", "a", {"x": "1", "y": "2"}, "name", "a:x=1:y=2@name"),
        ("a@/w/b@2:3/net.pth", "a", {}, "/w/b@2:3/net.pth", "a@net.pth"),
        (" a@blur_jpg_prob0.5 ", "a", {}, "blur_jpg_prob0.5", "a@blur_jpg_prob0.5"),
        ("a:x=b=c", "a", {"x": "b=c"}, "", "a:x=b=c"),
    ],
)
def test_a_row_is_a_detector_with_options_and_a_checkpoint(text, detector, options, checkpoint, label):
    entry = parse_entry(text)
    assert (entry.detector, entry.options, entry.checkpoint, entry.label) == (detector, options, checkpoint, label)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "names no detector"),
        ("@net.pth", "names no detector"),
        ("a@", "names no checkpoint behind the @"),
        ("a:b", "'b' is no option"),
        ("a:=b", "'=b' is no option"),
        ("a:x=1:x=2@name", "gives the option x twice"),
        ("a:", "ends an option that it does not begin"),
    ],
)
def test_what_is_no_row_is_refused_in_one_sentence(text, said):
    with pytest.raises(WrongEntry, match=said):
        parse_entry(text)


def test_files_of_one_name_keep_their_folders():
    labels = [entry.label for entry in parse_entries(["a@/one/net.pth", "a@/two/net.pth", "b@/one/net.pth", "a"])]
    assert labels == ["a@/one/net.pth", "a@/two/net.pth", "b@net.pth", "a"]
    with pytest.raises(WrongEntry, match=r"a@net\.pth is named twice"):
        parse_entries(["a@net.pth", "a@net.pth"])
