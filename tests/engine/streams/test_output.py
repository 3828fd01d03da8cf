from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hark.engine.model.tokenizer import Tokenizer
from hark.engine.streams.output import (
    fix_repetitions,
    parse_output,
    split_hypothesis,
    spoken_text,
)
from tests.parity.checkpoints import small_tokenizer


@pytest.mark.parametrize(
    ("raw", "language", "text"),
    [
        ("language English<asr_text>Hello.", "English", "Hello."),
        ("  language english <asr_text> Hello. ", "English", "Hello."),
        ("LANGUAGE ENGLISH<asr_text>Hello.", "English", "Hello."),
        ("language None<asr_text>", "", ""),
        ("language none<asr_text>uh", "", "uh"),
        ("language English\nlanguage None<asr_text>uh", "", "uh"),
        ("\nnoise\nlanguage Chinese\nlanguage English<asr_text>你好", "Chinese", "你好"),
        ("English<asr_text>Hello.", "", "Hello."),
        ("language<asr_text>Hello.", "", "Hello."),
        ("language English<asr_text>one<asr_text>two", "English", "one<asr_text>two"),
        ("language English", "", "language English"),
        (" Hello. ", "", "Hello."),
        (" \n", "", ""),
        ("", "", ""),
        (f"language English<asr_text>{'na ' * 30}.", "English", "na ."),
    ],
)
def test_output_is_parsed_as_published(raw: str, language: str, text: str) -> None:
    assert parse_output(raw) == (language, text)


@pytest.mark.parametrize(
    ("raw", "parsed"),
    [
        (" Hello. ", ("Spanish", "Hello.")),
        ("language English<asr_text>Hello.", ("Spanish", "language English<asr_text>Hello.")),
        (" ", ("", "")),
    ],
)
def test_a_forced_language_leaves_text_only(raw: str, parsed: tuple[str, str]) -> None:
    assert parse_output(raw, "Spanish") == parsed


@pytest.mark.parametrize(
    ("looping", "fixed"),
    [
        ("a" * 20, "a" * 20),
        ("a" * 21, "a"),
        ("x" + "ha" * 20 + "!", "xha!"),
        ("x" + "ha" * 19 + "!", "x" + "ha" * 19 + "!"),
        ("the cat " * 25 + "end", "the cat end"),
        ("abcdefghij0123456789" * 20, "abcdefghij0123456789"),
        ("abcdefghij0123456789_" * 30, "abcdefghij0123456789_" * 30),
        ("so " * 20 + "and " * 20 + "on", "so and on"),
        ("a" * 20 + "b" * 20, "a" + "b" * 20),
    ],
)
def test_loops_are_cut_to_one_copy(looping: str, fixed: str) -> None:
    assert fix_repetitions(looping) == fixed


@settings(deadline=None)
@given(st.text(st.sampled_from("ab c"), max_size=60))
def test_text_without_loops_is_left_alone(text: str) -> None:
    loops = any(unit * 20 in text for size in range(1, 4) for unit in _units(text, size))
    if not loops:
        assert fix_repetitions(text) == text


def _units(text: str, size: int) -> set[str]:
    return {text[at : at + size] for at in range(len(text) - size + 1)}


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return Tokenizer(small_tokenizer(), source="test")


def test_a_growing_hypothesis_never_shows_its_tag_or_half_a_character(
    tokenizer: Tokenizer,
) -> None:
    ids = [
        *tokenizer.encode("language English"),
        tokenizer.asr_text_id,
        *tokenizer.encode("Hi 😀!"),
        tokenizer.im_end_id,
    ]
    seen = [split_hypothesis(ids[:end], tokenizer) for end in range(len(ids) + 1)]
    texts = [text for _, text in seen]
    assert seen[-1] == ("English", "Hi 😀!")
    assert all(later.startswith(earlier) for earlier, later in pairwise(texts))
    assert all("\ufffd" not in text and "<" not in text for text in texts)
    before_tag = ids.index(tokenizer.asr_text_id)
    assert set(seen[: before_tag + 1]) == {(None, "")}


def test_no_tag_is_ever_text(tokenizer: Tokenizer) -> None:
    """The published package leaves a second tag in; who reads captions shall not see it."""
    again = [*tokenizer.encode("one "), tokenizer.asr_text_id, *tokenizer.encode("two")]
    whole = [*tokenizer.encode("language English"), tokenizer.asr_text_id, *again]
    for ids, forced in ((whole, None), (again, "English")):
        assert split_hypothesis(ids, tokenizer, forced) == ("English", "one two")
        written = tokenizer.decode(ids, final=True)
        assert spoken_text(written, forced) == ("English", "one two")


def test_a_hypothesis_of_no_speech(tokenizer: Tokenizer) -> None:
    ids = [*tokenizer.encode("language None"), tokenizer.asr_text_id, tokenizer.im_end_id]
    assert split_hypothesis(ids, tokenizer) == (None, "")


def test_a_hypothesis_under_a_forced_language_is_text(tokenizer: Tokenizer) -> None:
    ids = tokenizer.encode("Hello.")
    assert split_hypothesis(ids, tokenizer, "English") == ("English", "Hello.")
    assert split_hypothesis(ids, tokenizer) == (None, "")
