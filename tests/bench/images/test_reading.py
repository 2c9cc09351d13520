"""What a user states of a data set: classes, columns, levels; and the words that are refused."""

import pytest

from bench.images.reading import Reading, parse_classes, parse_columns, parse_levels
from bench.platform.errors import InputError


def test_classes_are_taken_in_any_case_and_with_spaces():
    classes = parse_classes(" 0=real, Full Synthetic = Generated,2=SKIP,a=b=real,")
    assert classes == {"0": "real", "full synthetic": "generated", "2": "skip", "a=b": "real"}
    reading = Reading(classes)
    assert [reading.class_of(value) for value in (0, "FULL synthetic ", "x", None)] == ["real", "generated", None, None]


def test_columns_and_levels():
    assert parse_columns("split=subset,label=Label A") == {"split": "subset", "label": "Label A"}
    assert parse_levels("Split, class,generator") == ("split", "class", "generator")
    assert (parse_classes(""), parse_columns(""), parse_levels(" ")) == ({}, {}, ())


@pytest.mark.parametrize(
    ("parse", "text", "told"),
    [
        (parse_classes, "0=reel", "--classes 0=reel is not understood; write 0=real, 0=generated or 0=skip"),
        (parse_classes, "real", "--classes 'real' is not understood; write name=value, separated by commas"),
        (parse_classes, "=real", "--classes '=real' is not understood"),
        (parse_classes, "x=real|generated", "x=real|generated is not understood; write x=real, x=generated or x=skip"),
        (
            parse_columns,
            "splitt=subset",
            "--columns splitt=subset: there is no splitt; a column can be path, image, label",
        ),
        (parse_columns, "split", "--columns 'split' is not understood"),
        (parse_levels, "split,clas", "--levels split,clas: there is no clas; folders can be split, class, generator"),
        (parse_levels, "split,,class", "there is no empty level"),
    ],
)
def test_what_is_not_understood_is_refused_with_what_there_is(parse, text, told):
    with pytest.raises(InputError) as error:
        parse(text)
    assert told in str(error.value)
