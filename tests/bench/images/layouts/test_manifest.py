"""Manifests as tables and as lines of JSON, of images beside them and of another data set, and refused by line."""

import json
from unicodedata import normalize

import pytest

from bench.images.data_sets import read
from bench.images.files.tree import Folder
from bench.images.reading import Reading
from bench.platform.errors import InputError
from tests.support.image_tables import png, structs, write_parquet
from tests.support.image_tables import table as image_table
from tests.support.small_data_sets import read_both_ways, table_columns, write_images

ALL = ("label", "generator", "split", "content", "source", "degradation")
LINES = [
    {"path": "x/a.png", "label": "generated", "generator": "flux", "split": "train", "degradation": "jpeg:65"},
    {"path": "x/b.png", "label": "REAL", "split": "train", "content": "dog", "source": "7", "x_note": "n"},
    {"path": "c.png", "label": "1", "split": "validation"},
    {"path": "d.png", "label": "nature", "split": "val", "degradation": "none"},
    {"path": "e.png", "label": "0", "generator": "flux", "split": "train"},
]
READ = {
    "x/a.png": (1, "flux", "train", "", "x/a.png", "jpeg:65"),
    "x/b.png": (0, "real", "train", "dog", "7", ""),
    "c.png": (1, "generated", "val", "", "c.png", ""),
    "d.png": (0, "real", "val", "", "d.png", ""),
    "e.png": (0, "flux", "train", "", "e.png", ""),
}


def table(path, lines):
    columns = list(dict.fromkeys(column for line in lines for column in line))
    rows = [",".join(line.get(column, "") for column in columns) for line in lines]
    path.write_text("\n".join([",".join(columns), *rows]) + "\n", encoding="utf-8-sig")


def json_lines(path, lines):
    path.write_text("\n".join(json.dumps(line) for line in lines) + "\n\n")


@pytest.fixture
def images(tmp_path):
    write_images(tmp_path, *READ)
    return tmp_path


@pytest.mark.parametrize(("write", "suffix"), [(table, "csv"), (json_lines, "jsonl")])
def test_a_manifest_says_what_belongs(images, write, suffix):
    write_images(images, "x/other.png")
    write(images / f"manifest.{suffix}", LINES)
    found = read_both_ways("manifest", images)
    assert table_columns(found, *ALL) == READ
    assert found.pools == {"flux": "flux", "generated": "real"}
    assert found.notes == ("1 images are not part of the layout and were left out, in x",)


def test_copies_are_named(images):
    lines = [
        line | {"copy": copy} for line, copy in zip(LINES, ("facebook", "original", "none", "", "q_50"), strict=True)
    ]
    table(images / "manifest.csv", lines)
    found = read_both_ways("manifest", images)
    assert list(table_columns(found, "copy").values()) == ["", "", "q_50", "facebook", ""]
    assert found.copies == ("", "facebook", "q_50")


def test_a_label_may_be_a_number_of_json(images):
    json_lines(
        images / "manifest.jsonl", [{"path": "x/a.png", "label": 1}, {"path": "c.png", "label": 0, "split": None}]
    )
    assert table_columns(read_both_ways("manifest", images), "label") == {"x/a.png": 1, "c.png": 0}


def test_a_data_set_without_splits_has_them_assigned(images):
    table(images / "manifest.csv", [{"path": "x/a.png", "label": "fake"}, {"path": "x/b.png", "label": "real"}])
    assert "drawn" in read_both_ways("manifest", images).notes[0]


@pytest.mark.parametrize(("write", "suffix"), [(table, "csv"), (json_lines, "jsonl")])
def test_the_file_itself_may_be_given_whatever_lies_beside_it(tmp_path, write, suffix):
    write_images(tmp_path, *(f"ADM/{split}/{kind}/1.png" for split in ("train", "val") for kind in ("ai", "nature")))
    mine = [{"path": "ADM/val/ai/1.png", "label": "1"}, {"path": "ADM/val/nature/1.png", "label": "0"}]
    write(tmp_path / f"mine.{suffix}", mine)
    table(tmp_path / "manifest.csv", mine[:1])
    found = read_both_ways("manifest", tmp_path / f"mine.{suffix}")
    assert table_columns(found, "label") == {"ADM/val/ai/1.png": 1, "ADM/val/nature/1.png": 0}
    assert found.title == "mine"
    assert found[0].pixels.shape == (8, 9, 3)
    with pytest.raises(InputError, match="is a file, and the layout genimage reads folders"):
        read(f"genimage:{tmp_path}/mine.{suffix}")


def test_images_that_are_listed_and_not_there_are_counted(images):
    table(images / "manifest.csv", [*LINES, {"path": "gone.png", "label": "1", "split": "train"}])
    assert read_both_ways("manifest", images).missing == {"images that the manifest lists, such as gone.png": 1}


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ({"label": "maybe"}, "line 7: label 'maybe' is not known; write 0 or real, 1 or generated"),
        ({"split": "holdout"}, "line 7: split 'holdout' is not known"),
        ({"degradation": "jpg:65"}, "line 7: degradation 'jpg:65' is not known; did you mean jpeg:65"),
        ({"path": "/etc/f.png"}, "line 7: path '/etc/f.png' is not below the folder of the manifest; dataset.json may"),
        ({"path": "../f.png"}, "line 7: path '../f.png' is not below the folder of the manifest; write it without"),
        ({"path": "x/../../f.png"}, "line 7: path 'x/../../f.png' is not below the folder of the manifest; write it"),
        ({"path": "C:/f.png"}, "line 7: path 'C:/f.png' is not below the folder of the manifest; dataset.json may"),
        ({"path": ""}, "line 7: path is empty; write that of an image"),
        ({"path": "x/a.png"}, "line 7: x/a.png is listed already, on line 2; list each image once"),
        ({"path": "./x/a.png"}, "line 7: x/a.png is listed already, on line 2; list each image once"),
        ({"path": "x\\a.png"}, "line 7: x/a.png is listed already, on line 2; list each image once"),
        ({"generater": "g"}, "line 1: column 'generater' is not known; did you mean generator"),
        ({"Lable": "g"}, "line 1: column 'Lable' is not known; did you mean label"),
        ({"genrator": "g"}, "line 1: column 'genrator' is not known; did you mean generator"),
        ({"sources": "g"}, "line 1: column 'sources' is not known; did you mean source"),
        ({"spilt": "g"}, "line 1: column 'spilt' is not known; did you mean split"),
    ],
)
def test_a_line_that_cannot_be_used_is_refused_by_number(images, line, told):
    table(images / "manifest.csv", [*LINES, {"path": "c2.png", "label": "1", "split": "train"} | line])
    with pytest.raises(InputError, match=rf"manifest\.csv {told}"):
        read(str(images))


@pytest.mark.parametrize(
    "text",
    [
        "path,label\nx\\a.png,1\nx\\b.png,0\n",
        "path;label\nx/a.png;1\nx/b.png;0\n",
        " path ,\tlabel\n x/a.png , fake\nx/b.png,  real\n",
        "path,label\r\n./x/a.png,1\r\n\r\nx/b.png,0\r\n",
        "label\tpath\n1\tx/a.png\n0\tx/b.png\n",
        "path,label\n{root}/x/a.png,1\n{root}/x/b.png,0\n",
    ],
)
def test_separators_spaces_and_absolute_paths_of_all_kinds_are_read(images, text):
    (images / "manifest.csv").write_text(text.replace("{root}", str(images)), newline="")
    assert table_columns(read_both_ways("manifest", images), "label") == {"x/a.png": 1, "x/b.png": 0}


@pytest.mark.parametrize("root", ["/data/set", "/data/set/", "D:\\sets\\mine"])
def test_absolute_paths_may_be_below_a_root_that_is_stated(images, root):
    mark = "\\" if "\\" in root else "/"
    whole = root.rstrip("/") + mark
    (images / "dataset.json").write_text(json.dumps({"root": root}))
    table(images / "manifest.csv", [{"path": f"{whole}c.png", "label": "1"}, {"path": f"{whole}d.png", "label": "0"}])
    assert table_columns(read_both_ways("manifest", images), "label") == {"c.png": 1, "d.png": 0}
    table(images / "manifest.csv", [{"path": f"{whole[:-1]}2{mark}c.png", "label": "1"}])
    with pytest.raises(
        InputError, match=r"is not below the folder of the manifest; dataset\.json may state another root"
    ):
        read(str(images))
    (images / "dataset.json").write_text('{"root": 1}')
    with pytest.raises(InputError, match=r"dataset\.json: root must be the text of a folder's path"):
        read(str(images))


@pytest.mark.parametrize(("disk", "listed"), [("NFC", "NFD"), ("NFD", "NFC")])
def test_composed_and_decomposed_letters_are_alike(tmp_path, disk, listed):
    write_images(tmp_path, normalize(disk, "é/ü.png"), "b.png")
    table(
        tmp_path / "manifest.csv",
        [{"path": normalize(listed, "é/ü.png"), "label": "1"}, {"path": "b.png", "label": "0"}],
    )
    assert read_both_ways("manifest", tmp_path).labels.tolist() in ([0, 1], [1, 0])


def test_lines_of_json_end_at_line_feeds_alone(images):
    write_images(images, "u\u2028v.png")
    lines = [{"path": "u\u2028v.png", "label": "1"}, {"path": "d.png", "label": "0"}]
    text = "\n".join(json.dumps(line, ensure_ascii=False) for line in lines)
    (images / "manifest.jsonl").write_text(text, encoding="utf-8")
    assert len(read_both_ways("manifest", images)) == 2


def test_columns_that_are_not_known_are_named_and_not_used(images):
    table(images / "manifest.csv", [{"colour": "red", "prompt": "p"} | line for line in LINES])
    assert table_columns(read_both_ways("manifest", images), *ALL) == READ
    told = "columns of manifest.csv: path, label, generator, split, degradation, content, source; kept as attributes: "
    assert read(str(images)).reading[0] == f"{told}colour, prompt, x_note"


def test_classes_that_a_user_states_are_taken_and_left_out(images):
    lines = [{"path": "c.png", "label": "tampered"}, {"path": "d.png", "label": "0"}, {"path": "e.png", "label": "1"}]
    table(images / "manifest.csv", lines)
    with pytest.raises(InputError, match="label 'tampered' is not known"):
        read(str(images))
    for meaning, labels in (("skip", {"d.png": 0, "e.png": 1}), ("generated", {"c.png": 1, "d.png": 0, "e.png": 1})):
        assert table_columns(read(str(images), reading=Reading({"tampered": meaning})), "label") == labels


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{", "line 1: it is not JSON"),
        ("[1]", "line 1: it is not a JSON object"),
        ('{"path": "c.png", "label": [1]}', "line 1: it is not a JSON object of texts and numbers"),
        ('\n{"path": "c.png"}', "line 2: label is missing; add it"),
        ('{"path": "c.png", "label": 2}', "line 1: label '2' is not known"),
        ('{"path": "c.png", "label": 1, "lable": 1}', "line 1: column 'lable' is not known; did you mean label"),
    ],
)
def test_a_line_of_json_that_cannot_be_used_is_refused_by_number(images, text, told):
    (images / "manifest.jsonl").write_text(text)
    with pytest.raises(InputError, match=rf"manifest\.jsonl {told}"):
        read(str(images))


def test_a_manifest_as_a_whole_must_be_in_order(images):
    with pytest.raises(InputError, match=r"holds neither manifest\.csv nor manifest\.jsonl; there must be one"):
        read(f"manifest:{images}")
    table(images / "manifest.csv", [{"path": "c.png"}])
    with pytest.raises(InputError, match="line 1: column label is missing among path; add it"):
        read(str(images))
    table(images / "manifest.csv", LINES[:1])
    with pytest.raises(InputError, match=r"manifest\.csv lists no real image that is there; list some"):
        read(str(images))
    table(
        images / "manifest.csv", [*LINES[:2], {"path": "d.png", "label": "0", "generator": "fluxx", "split": "train"}]
    )
    with pytest.raises(InputError, match="lists real images against fluxx, which made none of its images"):
        read(str(images))
    json_lines(images / "manifest.jsonl", LINES)
    with pytest.raises(InputError, match=r"holds manifest\.csv and manifest\.jsonl; there must be one"):
        read(str(images))


@pytest.fixture
def subset(tmp_path):
    """A manifest of three images of another data set, which has a pool of its own kind."""
    write_images(
        tmp_path / "whole", "laion/0_real/l.png", "dalle/1_fake/d.png", "dalle/1_fake/d2.png", "san/0_real/s.png"
    )
    write_images(tmp_path / "whole", "san/1_fake/s.png")
    write_images(tmp_path / "part", "laion/0_real/l.png", "own.png")
    (tmp_path / "part" / "dataset.json").write_text(json.dumps({"of": f"cnnspot:{tmp_path / 'whole'}", "title": "T"}))
    return tmp_path / "part"


def test_a_manifest_of_another_data_set_reads_its_files_and_what_it_knows(subset):
    lines = [{"path": "laion/0_real/l.png", "label": "0"}, {"path": "dalle/1_fake/d.png", "label": "1"}]
    table(subset / "manifest.csv", [{"degradation": "canonical:png"} | line for line in lines])
    found = read_both_ways("manifest", subset)
    assert table_columns(found, *ALL) == {
        "laion/0_real/l.png": (0, "laion", "train", "", "laion/0_real/l.png", "canonical:png"),
        "dalle/1_fake/d.png": (1, "dalle", "train", "", "dalle/1_fake/d.png", "canonical:png"),
    }
    assert found.pools == {"dalle": "laion"}
    assert found.families == {"dalle": "codebook transformer"}
    assert found.title == "T"
    assert found.where(found.names[0]).endswith("whole/dalle/1_fake/d.png")
    assert found[0].pixels.shape == (8, 9, 3)


def test_a_manifest_of_another_data_set_is_held_to_it(subset):
    table(subset / "manifest.csv", [{"path": "laion/0_real/l.png", "label": "1"}])
    with pytest.raises(
        InputError, match=r"line 2: laion/0_real/l\.png has the label 0 in the data set that dataset\.json"
    ):
        read(str(subset))
    lines = [{"path": "laion/0_real/l.png", "label": "0"}, {"path": "dalle/1_fake/d.png", "label": "1"}]
    table(subset / "manifest.csv", [*lines, {"path": "own.png", "label": "1"}])
    assert read(str(subset)).missing == {"images that the manifest lists, such as own.png": 1}
    (subset / "dataset.json").write_text('{"of": 1}')
    with pytest.raises(InputError, match=r"dataset\.json: of and real must be texts"):
        read(str(subset))


def test_real_images_of_another_data_set_come_from_where_they_did(tmp_path):
    write_images(tmp_path / "whole", "flux/a.png", "sdxl/a.png")
    write_images(tmp_path / "photos", "p.png")
    lines = [{"path": "flux/a.png", "label": "1"}, {"path": "real/p.png", "label": "0"}]
    (tmp_path / "part").mkdir()
    table(tmp_path / "part" / "manifest.csv", lines)
    said = {"of": str(tmp_path / "whole"), "real": str(tmp_path / "photos")}
    (tmp_path / "part" / "dataset.json").write_text(json.dumps(said))
    found = read_both_ways("manifest", tmp_path / "part")
    assert table_columns(found, "label") == {"flux/a.png": 1, "real/p.png": 0}
    assert found[1].pixels.shape == (8, 9, 3)


def test_paths_of_another_data_set_begin_in_the_folder_of_the_manifest(tmp_path, monkeypatch):
    write_images(tmp_path / "here" / "whole", "flux/a.png", "sdxl/a.png")
    write_images(tmp_path / "here" / "photos", "p.png")
    part = tmp_path / "here" / "part"
    part.mkdir()
    table(part / "manifest.csv", [{"path": "flux/a.png", "label": "1"}, {"path": "real/p.png", "label": "0"}])
    (part / "dataset.json").write_text(json.dumps({"of": "folders:../whole", "real": "../photos"}))
    monkeypatch.chdir(tmp_path)
    found = read_both_ways("manifest", "here/part")
    assert table_columns(found, "label") == {"flux/a.png": 1, "real/p.png": 0}
    assert found[1].pixels.shape == (8, 9, 3)


def test_another_data_set_is_listed_once(subset, monkeypatch):
    lines = [{"path": "laion/0_real/l.png", "label": "0"}, {"path": "dalle/1_fake/d.png", "label": "1"}]
    table(subset / "manifest.csv", lines)
    listed = []
    true = Folder._list
    monkeypatch.setattr(Folder, "_list", lambda tree: listed.append(tree.title) or true(tree))
    read(str(subset))
    assert sorted(listed) == ["part", "whole"]


@pytest.mark.parametrize("own", ["laion/0_real/l.png", "real/0_real/r.png"])
def test_real_images_cannot_be_added_to_a_manifest_of_another_data_set(subset, own):
    write_images(subset.parent / "whole", "real/0_real/r.png")
    write_images(subset.parent / "photos", "p.png")
    table(subset / "manifest.csv", [{"path": own, "label": "0"}, {"path": "dalle/1_fake/d.png", "label": "1"}])
    with pytest.raises(InputError, match=r"cannot be added with --real; name their folder there, under real") as error:
        read(str(subset), str(subset.parent / "photos"))
    assert "\n" not in str(error.value)


def test_real_images_can_be_added_to_a_manifest_of_its_own_images(images):
    write_images(images.parent / "photos", "p.png")
    table(images / "manifest.csv", [{"path": "x/a.png", "label": "1"}, {"path": "x/b.png", "label": "0"}])
    found = read_both_ways("manifest", images, str(images.parent / "photos"))
    assert table_columns(found, "label") == {"real/p.png": 0, "x/a.png": 1, "x/b.png": 0}
    assert found[0].pixels.shape == (8, 9, 3)


def test_what_a_user_states_holds_for_the_data_set_whose_images_are_listed(tmp_path):
    images = structs([png(index) for index in range(4)])
    write_parquet(tmp_path / "base" / "a.parquet", image_table({"image": images, "label": [0, 1, 0, 1]}))
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "dataset.json").write_text('{"of": "../base"}')
    lines = [f"a.parquet/{index:06d}.png,{('real', 'generated')[index % 2]}" for index in range(4)]
    (tmp_path / "set" / "manifest.csv").write_text("\n".join(["path,label", *lines]) + "\n")
    with pytest.raises(InputError, match="--classes 0=real,1=generated"):
        read(str(tmp_path / "set"))
    found = read(str(tmp_path / "set"), reading=Reading(classes={"0": "real", "1": "generated"}))
    assert found.labels.tolist() == [0, 1, 0, 1]


@pytest.mark.parametrize(("write", "suffix"), [(table, "csv"), (json_lines, "jsonl")])
def test_other_columns_are_attributes_of_images(images, write, suffix):
    write(images / f"manifest.{suffix}", LINES)
    found = read_both_ways("manifest", images)
    assert dict(zip(found.names, found.attribute("x_note"), strict=True)) == dict.fromkeys(READ, "") | {"x/b.png": "n"}


def test_attributes_of_a_subset_are_its_own_and_those_of_the_whole(images, tmp_path):
    table(images / "manifest.csv", LINES)
    subset = tmp_path / "subset"
    subset.mkdir()
    (subset / "dataset.json").write_text(json.dumps({"of": str(images)}))
    lines = [{"path": "x/a.png", "label": "1", "remark": "first"}, {"path": "x/b.png", "label": "0", "remark": ""}]
    table(subset / "manifest.csv", lines)
    found = read(str(subset))
    assert {name: found.attribute(name) for name in found.attributes} == {"x_note": ["", "n"], "remark": ["first", ""]}


@pytest.mark.parametrize(
    "column", ["generation", "generations", "resource", "table", "content_type", "degraded", "paths_of"]
)
def test_columns_that_are_words_of_their_own_are_attributes(images, column):
    table(images / "manifest.csv", [line | {column: str(index)} for index, line in enumerate(LINES)])
    found = read(str(images))
    place = {line["path"]: str(index) for index, line in enumerate(LINES)}
    assert dict(zip(found.names, found.attribute(column), strict=True)) == place


def test_numbers_and_truth_values_are_attributes(images):
    facts = [{"clip": 0.25, "safe": True, "seed": 3, "none": None}, {"clip": -1e-3, "safe": False, "seed": -1}]
    lines = [line | facts[index % 2] for index, line in enumerate(LINES)]
    (images / "manifest.jsonl").write_text("\n".join(map(json.dumps, lines)))
    found = read(str(images))
    values = dict(
        zip(found.names, zip(*map(found.attribute, ("clip", "safe", "seed", "none")), strict=True), strict=True)
    )
    assert values[LINES[0]["path"]] == ("0.25", "True", "3", "")
    assert values[LINES[1]["path"]] == ("-0.001", "False", "-1", "")
