"""Tables of counts: GenImage's has the published totals, and a table that cannot be used says why in one line."""

from collections import Counter

import pytest

from bench.images.counts.table import read_counts, shipped_counts
from bench.platform.errors import InputError

HEADER = "generator,label,split,images,width,height"
ROWS = ("a,generated,train,10,64,64", "a,real,train,12,80,60")


def write(tmp_path, *lines):
    path = tmp_path / "counts.csv"
    path.write_text("\n".join(lines))
    return str(path)


def test_genimage_adds_up_to_the_published_totals():
    assert "genimage" in shipped_counts()
    counts = read_counts("genimage")
    totals, by_generator = Counter(), Counter()
    for count in counts:
        totals[count.label, count.split] += count.images
        by_generator[count.generator, count.label, count.split] += count.images
    assert totals == {(1, "train"): 1_300_000, (0, "train"): 1_281_167, (1, "val"): 50_000, (0, "val"): 50_000}
    assert sum(totals.values()) == 2_681_167
    generators = {count.generator for count in counts}
    assert len(generators) == 8
    for name in generators:
        train, val = (166_000, 8_000) if name == "SDv1.5" else (162_000, 6_000)
        assert by_generator[name, 1, "train"] == train
        assert by_generator[name, 1, "val"] == by_generator[name, 0, "val"] == val


def test_a_table_of_ones_own_is_read_with_its_comments_and_usual_formats(tmp_path):
    place = write(tmp_path, "# from a card", HEADER, "", *ROWS)
    assert [tuple(count) for count in read_counts(place)] == [
        ("a", 1, "train", 10, 64, 64, "PNG"),
        ("a", 0, "train", 12, 80, 60, "JPEG"),
    ]
    stated = read_counts(write(tmp_path, f"{HEADER},format", *(f"{row},webp" for row in ROWS)))
    assert {count.format for count in stated} == {"WEBP"}


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ([], "have no column generator"),
        (["generator,label,split,images"], "have no column width"),
        ([HEADER, *ROWS, "a,fake,val,1,1,1"], "line 4: label is 'fake'; write real or generated"),
        (["# note", HEADER, *ROWS, "a,real,dev,1,1,1"], "line 5: split is 'dev'; write train or val or test"),
        ([HEADER, *ROWS, "b,real,val,-3,1,1"], "line 4: images is '-3'; write a whole number from 1 on"),
        ([HEADER, *ROWS, "b,real,val,3,1"], "line 4: height is ''"),
        ([HEADER, *ROWS, ",real,val,3,1,1"], "line 4: the generator is missing"),
        ([HEADER, *ROWS, ROWS[1]], "give the real images of a in train twice"),
        ([HEADER, ROWS[0]], "have no real images"),
        ([HEADER], "have no real images"),
    ],
)
def test_what_is_no_table_of_counts_is_one_clear_line(tmp_path, lines, said):
    with pytest.raises(InputError) as raised:
        read_counts(write(tmp_path, *lines))
    assert said in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_table_that_is_not_there_names_those_that_ship(tmp_path):
    with pytest.raises(InputError, match=r"neither a file nor among those that ship, genimage"):
        read_counts("genimagine")
    binary = tmp_path / "binary.csv"
    binary.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="cannot be read"):
        read_counts(str(binary))
