"""How parameters are read and written: one spelling for one meaning, and nothing is lost by it."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.degradations import DegradationKind, NumberRange, parse_degradation
from protocols.degradations.kind import ParameterList, Word, no_parameters, number_text, to_levels


@given(st.floats(0.05, 100, allow_nan=False))
def test_every_number_keeps_its_value_in_its_spelling(number):
    degradation = parse_degradation(f"blur:{number_text(number)}")
    assert degradation.steps[0][1] == (number,)
    assert degradation.name == f"blur:{number_text(number)}"
    assert parse_degradation(degradation.name) == degradation


@pytest.mark.parametrize(
    ("text", "spelling"), [("2.50", "2.5"), ("3.0", "3"), ("007", "7"), ("0.0500001", "0.0500001"), ("100", "100")]
)
def test_zeros_that_say_nothing_are_left_out(text, spelling):
    assert parse_degradation(f"blur:{text}").name == f"blur:{spelling}"


@pytest.mark.parametrize("text", ["", "1e2", "+3", "-3", "3.", ".5", "3,5", " 3", "nan", "inf", "٣", "3\n"])
def test_what_is_no_plain_number_is_refused(text):
    assert NumberRange(0, 100, whole=False)(text) is None


def test_negative_numbers_are_read_where_there_are_some():
    read = NumberRange(-2, 2, whole=True)
    assert read("-2") == (-2,)
    assert read("-2.5") is None
    assert read("--2") is None
    assert str(read("-0")) == "(0.0,)"


def test_lists_have_all_their_parameters_and_no_more():
    read = ParameterList((NumberRange(0, 9, whole=True), Word(("a", "b")), NumberRange(0, 9, whole=True)), ("a", 5))
    assert read("1") == (1, "a", 5)
    assert read("1:b") == (1, "b", 5)
    assert read("1:b:7") == (1, "b", 7)
    assert [read(text) for text in ("", "1:", "1:c", "1:7", "1:b:7:1", "1::7")] == [None] * 6


def test_the_shortest_spelling_is_taken():
    read = ParameterList((NumberRange(0, 9, whole=False), Word(("a", "b"))), ("a",))
    kind = DegradationKind(lambda sample: sample, 1, read, "kind:N or kind:N:WORD (nothing)")
    assert [kind.spell(text, read(text)) for text in ("1.0", "1:a", "1.50:b")] == ["1", "1", "1.5:b"]
    plain = DegradationKind(lambda sample: sample, 1, no_parameters, "plain (nothing)")
    assert plain.spell("", ()) == ""
    picky = DegradationKind(lambda sample: sample, 1, lambda text: (float(text),), "picky:N (raises for no text)")
    assert picky.spell("2.0", (2.0,)) == "2"
    own = DegradationKind(lambda sample: sample, 1, lambda text: (3,) if text == "three" else None, "own:three (3)")
    assert own.spell("three", (3,)) == "three"


def test_a_sweep_of_its_own_stands_before_the_severities_of_a_kind():
    few = DegradationKind(lambda sample: sample, 1, NumberRange(1, 900, whole=True), "few:N (nothing)", ("3", "2"))
    many = replace(few, sweep=lambda short_side: [str(short_side // step) for step in (2, 3)])
    assert list(few.steps(90)) == ["3", "2"]
    assert list(many.steps(90)) == ["45", "30"]
    assert few.identity((3,)) == many.identity((3,))  # scores under one severity are the same


def test_a_chain_by_torch_has_the_same_name_and_another_key_for_the_steps_that_torch_takes():
    chain = parse_degradation("lr:50+jpeg:75+blur:1")
    by_torch = chain.on("cuda:1")
    assert by_torch.name == chain.name
    assert by_torch.key == "lr:50@1[torch on cuda]+jpeg:75@1+blur:1@1[torch on cuda]"
    assert by_torch.key == chain.on("cuda").key != chain.on("cpu").key
    assert [step.key for step in by_torch.apart()] == by_torch.key.split("+")
    assert chain.on("") == chain != by_torch
    assert by_torch.on("cuda:1") == by_torch


def test_levels_are_rounded_to_the_nearest_and_clipped():
    values = np.array([[[-7.0, 0.5, 1.5], [254.51, 255.4, 900.0]]])
    levels = to_levels(values)
    assert levels.dtype == np.uint8
    assert levels.tolist() == [[[0, 0, 2], [255, 255, 255]]]
