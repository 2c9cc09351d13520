"""What the columns of a table say: found by usual names, by values, or as a user states; and what is refused."""

import pytest

from bench.images.annotations.column_roles import explained_numbers, label_like, require_columns, table_facts
from bench.images.annotations.records import TextRecords
from bench.images.annotations.stated_facts import SKIPPED
from bench.images.reading import Reading
from bench.images.vocabulary.known_tables import COMMUNITY_FORENSICS
from bench.platform.errors import InputError

TWO = {"label": ["real", "fake"]}
NUMBERS = {"label": [0, 1, 0, 1, 2, 1, 1]}


def facts_of(table, taken=None, **stated):
    records, reading = TextRecords("/d/t.csv", table), Reading(**stated)
    return table_facts(records, reading, taken or {}, explained_numbers([(records, ())], reading))


def labels_of(values, name="label", **more):
    return facts_of({name: values}, **more).labels


def refused(table, **stated):
    with pytest.raises(InputError) as error:
        facts_of(table, **stated)
    assert str(error.value).startswith("/d/t.csv ")
    assert "\n" not in str(error.value)
    return str(error.value)


@pytest.mark.parametrize(
    "column", ["label", "Label", "is_fake", "class_label", "target", "label_A", "typ", "class", "type"]
)
def test_words_are_labels_in_any_usual_column(column):
    assert labels_of(["REAL", "Fake", "0_real", "AI-generated", "nature"][:4], column) == [0, 1, 0, 1]


@pytest.mark.parametrize("values", [[1, 0], [True, False], [1.0, 0.0], ["1", "0"], ["True", "false"], ["1.0", "0.0"]])
def test_numbers_are_labels_where_the_name_of_the_column_says_what_true_is(values):
    for name in ("is_fake", "IsFake", "is_generated", "is_ai", "ai_generated"):
        assert labels_of(values, name) == [1, 0]
    assert labels_of(values, "is_real") == [0, 1]


def test_numbers_without_names_are_refused_with_three_examples_of_each():
    told = refused(NUMBERS)
    assert "labels that are numbers without names in label; say what each means, such as" in told
    assert "--classes 0=real,1=generated,2=skip (0: row 1, row 3; 1: row 2, row 4, row 6; 2: row 5)" in told


@pytest.mark.parametrize(
    "values", [NUMBERS["label"], list(map(str, NUMBERS["label"])), list(map(float, NUMBERS["label"]))]
)
def test_classes_that_a_user_states_are_taken_in_all_spellings(values):
    classes = {"0": "generated", "1": "real", "2": "skip"}
    assert labels_of(values, classes=classes) == [1, 0, 1, 0, SKIPPED, 0, 0]


def test_a_single_number_suggests_no_class():
    assert "--classes 1=real|generated|skip (1: row 1, row 2)" in refused({"label": [1, 1]})


@pytest.mark.parametrize(("numbers", "labels"), [([0, 1, 0, 2], [0, 1, 0, 1]), ([1, 0, 1, 0], [0, 1, 0, 1])])
def test_numbers_that_a_column_of_generators_explains_are_read_whatever_they_are(numbers, labels):
    found = facts_of({"label": numbers, "generator": ["", "sd", "real", "flux"]})
    assert found.labels == labels
    assert found.generators == ["", "sd", "", "flux"]


@pytest.mark.parametrize("makers", [["sd", "sd", "flux"], ["real", "sd", "sd"], ["real", "sd", "tampered"]])
def test_numbers_that_generators_explain_in_part_are_refused(makers):
    numbers = [0, 1, 0] if makers[-1] != "tampered" else [0, 1, 2]
    assert "numbers without names" in refused({"label": numbers, "model": makers})


def test_a_known_table_is_recognised_by_all_its_columns_and_by_no_less():
    columns = {name: ["x", "x"] for name in COMMUNITY_FORENSICS} | {"label": [0, 1], "split": ["train", "test"]}
    assert facts_of(columns).labels == [0, 1]
    del columns["architecture"]
    assert "numbers without names" in refused(columns)


def test_a_third_class_needs_to_be_stated():
    values = ["real", "fake", "tampered", "fake"]
    assert "--classes tampered=real|generated|skip (tampered: row 3)" in refused({"label": values})
    for meaning, label in (("skip", SKIPPED), ("generated", 1), ("real", 0)):
        assert labels_of(values, classes={"tampered": meaning}) == [0, 1, label, 1]


@pytest.mark.parametrize("empty", [None, "", " "])
def test_a_row_without_a_label_is_refused_or_left_out_as_stated(empty):
    assert "none=real|generated|skip (none: row 2)" in refused({"label": ["real", empty, "fake"]})
    assert labels_of(["real", empty, "fake"], classes={"none": "skip"}) == [0, SKIPPED, 1]


def test_texts_beside_real_are_the_generators():
    found = facts_of({"label": ["real", "stable-diffusion-1.4", "flux"]})
    assert (found.labels, found.generators) == ([0, 1, 1], ["", "SDv1.4", "flux"])


@pytest.mark.parametrize("names", [("cat", "dog"), ("deepfake", "original_x"), ("not_real", "AI_Art")])
def test_texts_that_say_no_class_are_refused(names):
    told = refused({"label": list(names)})
    assert "say neither real nor generated" in told
    assert all(f"{name}=" in told for name in names)
    assert "not_real=real," not in told


def test_two_columns_of_labels_agree_or_are_refused_and_numbers_yield_to_words():
    assert facts_of(TWO | {"is_fake": [0, 1]}).labels == [0, 1]
    assert "label and is_fake, which differ; name one: --columns label=label" in refused(TWO | {"is_fake": [1, 0]})
    assert facts_of(TWO | {"is_fake": [1, 0]}, columns={"label": "is_fake"}).labels == [1, 0]
    assert facts_of({"label": [0, 1], "label_str": ["fake", "real"]}).labels == [1, 0]


@pytest.mark.parametrize("column", ["split", "Split", "partition", "subset", "set", "phase"])
def test_splits_are_found_under_any_usual_name_in_any_case(column):
    assert facts_of(TWO | {column: ["Training", "val2017"]}).splits == ["train", "val"]


@pytest.mark.parametrize("values", [["train", "holdout"], ["test", "fold 2"]])
@pytest.mark.parametrize("column", ["split", "subset"])
def test_a_split_that_is_none_is_refused(column, values):
    assert f"splits that are not known, {values[1]}; wanted are train, val and test" in refused(TWO | {column: values})


def test_a_subset_of_other_things_is_no_split_but_one_that_is_stated_must_be():
    columns = TWO | {"subset": ["systematic", "manual"]}
    assert facts_of(columns).splits == ["", ""]
    assert "splits that are not known, manual, systematic" in refused(columns, columns={"split": "subset"})
    assert "splits that are not known, a, b" in refused(TWO | {"split": ["a", "b"]})


@pytest.mark.parametrize("column", ["generator", "model", "model_name", "Source_Model", "generative_model"])
def test_generators_are_found_under_any_usual_name(column):
    assert facts_of(TWO | {column: ["", "flux"]}).generators == ["", "flux"]
    assert facts_of({column: ["real", "flux"]}).labels == [0, 1]


@pytest.mark.parametrize(
    ("makers", "told"),
    [
        (["real", "Real-ESRGAN"], "'Real-ESRGAN' in model, which may be real images or a generator"),
        (["real", "tampered"], "'tampered' in model, which may be real images or a generator"),
        ([0, 1, 2], "numbers without names in model; say what each means, such as --classes 0=real"),
    ],
)
def test_generators_alone_that_leave_a_class_open_are_refused(makers, told):
    assert told in refused({"model": makers})


@pytest.mark.parametrize("empty", ["", "None", "NaN", "null", "N/A", "-"])
def test_a_generator_that_is_not_stated_is_none(empty):
    found = facts_of({"model": ["flux", empty, "real"]})
    assert (found.labels, found.generators) == ([1, None, 0], ["flux", "", ""])
    found = facts_of({"label": ["fake", "real", "fake"], "model": ["flux", "real", empty]})
    assert (found.labels, found.generators) == ([1, 0, 1], ["flux", "", ""])
    assert facts_of({"model": ["flux", empty]}, classes={"none": "real"}).labels == [1, 0]
    told = refused({"label": ["fake", "real"], "model": [empty, "flux"]})
    assert "generated rows whose model is ''; are the classes swapped?" in told


@pytest.mark.parametrize("value", ["real_compressed", "uncertain", "Unlabeled", "n/a"])
def test_labels_that_are_neither_class_are_no_generators(value):
    assert f"say what each means, such as --classes {value}=" in refused({"label": ["real", "flux", value]})


def test_generators_of_an_open_class_are_read_as_stated():
    found = facts_of(
        {"model": ["real", "Real-ESRGAN", "tampered"]}, classes={"real-esrgan": "generated", "tampered": "skip"}
    )
    assert (found.labels, found.generators) == ([0, 1, SKIPPED], ["", "Real-ESRGAN", ""])


def test_generated_rows_of_real_makers_are_refused():
    assert "generated rows whose model is 'real'; are the classes swapped?" in refused(TWO | {"model": ["x", "real"]})


def test_columns_that_a_user_states_override_the_usual_ones():
    columns = {"label": ["real", "fake"], "kind": ["fake", "real"], "which": ["flux", ""], "part": ["train", "test"]}
    stated = {"label": "kind", "generator": "which", "split": "part", "content": "label"}
    found = facts_of(columns, columns=stated)
    assert (found.labels, found.generators, found.splits) == ([1, 0], ["flux", ""], ["train", "test"])
    assert found.contents == ["real", "fake"]


@pytest.mark.parametrize("role", ["label", "generator", "split", "content", "group"])
def test_a_column_that_is_stated_is_taken_where_it_is_and_must_be_in_one_table(role):
    usual = {
        "label": ["real", "fake"],
        "generator": ["real", "flux"],
        "split": ["train", "test"],
        "class": ["cat", "dog"],
    }
    reading = Reading(columns={role: "mine"})
    one, other = (TextRecords(f"/d/{name}.csv", columns) for name, columns in (("a", {"mine": [1]}), ("b", usual)))
    assert role not in table_facts(other, reading, {}).roles
    require_columns([one, other], reading)
    require_columns([], reading)
    for tables, told in (
        ([other], "b.csv has no column mine"),
        ([other, other], "none of 2 tables, such as /d/b.csv,"),
    ):
        with pytest.raises(InputError, match=f"{told}.* --columns {role}=mine names; its columns are label, generator"):
            require_columns(tables, reading)


@pytest.mark.parametrize(
    ("columns", "likeliest"),
    [
        ({"x": ["a", "b"], "y": ["real", "fake"]}, "y"),
        ({"x": ["a"] * 4, "y": [0, 1, 0, 1]}, "y"),
        ({"steps": list(range(8)), "y": ["cat", "dog"] * 4}, "y"),
    ],
)
def test_the_column_that_looks_most_like_labels(columns, likeliest):
    for order in (1, -1):
        ordered = dict(list(columns.items())[::order])
        assert label_like(TextRecords("/d/t.csv", ordered), list(ordered))[1] == likeliest
    assert label_like(TextRecords("/d/t.csv", columns), []) == (0, "")


def test_content_and_groups_are_found_and_a_group_may_be_stated():
    found = facts_of(TWO | {"category": ["cat", "dog"], "video_id": ["a", None], "shot": ["x", "y"]})
    assert (found.contents, found.groups) == (["cat", "dog"], ["a", ""])
    assert facts_of(TWO | {"video_id": ["a", "b"], "shot": ["x", "y"]}, group="shot").groups == ["x", "y"]


def test_lists_are_refused():
    assert "lists or structs in label" in refused({"label": [["real"], ["fake"]]})


def test_every_column_is_told_with_what_it_was_taken_for():
    columns = {"file": ["a", "b"], "prompt": ["p", "p"], "width": [1, 1]} | TWO
    assert facts_of(columns, {"path": "file"}).description("t.csv") == (
        "columns of t.csv: file is the path, label is the label; kept as attributes: prompt, width"
    )
    assert (
        facts_of({"prompt": ["p"]}).description("t.csv")
        == "columns of t.csv: none has a role; kept as attributes: prompt"
    )


@pytest.mark.parametrize("column", ["label", "generator", "split", "class", "group"])
@pytest.mark.parametrize("late", [["fake"], {"a": 1}])
def test_a_list_or_struct_in_any_row_is_refused(column, late):
    values = ["train" if column == "split" else "real"] * 5 + [late]
    assert f"has lists or structs in {column}, one value is wanted" in refused({"x": [1] * 6, column: values})


@pytest.mark.parametrize("value", ["9" * 400, 10**400, -(10**30), "1" * 16, float("inf"), float("nan"), 1e300])
def test_numbers_that_stand_for_no_class_are_labels_that_say_nothing(value):
    assert "labels that say neither real nor generated in label" in refused({"label": ["real", value]})


@pytest.mark.parametrize("column", ["data_split", "Usage", "dataset_split", "SplitName", "set_type", "data-set"])
def test_splits_are_found_under_all_usual_names(column):
    table = {"label": ["real", "fake", "real"], column: ["Training", "PublicTest", "PrivateTest"]}
    assert facts_of(table).splits == ["train", "test", "test"]
    assert facts_of(table | {column: ["commercial", "free", "free"]}).others == (column,)
