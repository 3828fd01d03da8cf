"""From hypotheses to stable and unstable text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hark.engine.streams.hypothesis import Stabiliser, ends_sentence, split_units

words = st.lists(
    st.sampled_from(["so", "we", "turn", "left,", "now", "今", "日", "は"]), max_size=9
)
texts = words.map(" ".join)


@given(texts)
def test_units_are_the_text(text: str) -> None:
    assert "".join(split_units(text)) == text


def test_units() -> None:
    assert split_units("We met, at noon.") == ["We", " met,", " at", " noon."]
    assert split_units("你好 hello 世界。") == ["你", "好", " hello", " 世", "界。"]
    assert split_units("สวัสดี") == ["ส", "วั", "ส", "ดี"]


@pytest.mark.parametrize(
    "text",
    [
        "At noon.",
        "Really?!",
        'He said "no."',
        "(So it is.)",
        "你好。",
        "「はい。」",
        "क्या हुआ।",
        "متى؟",
        "¿Sí? ",
    ],
)
def test_sentences_end_in_the_marks_of_their_script(text: str) -> None:
    assert ends_sentence(text)


@pytest.mark.parametrize(
    "text", ["", " ", "At noon", "At noon,", "Well...", "Well…", "你好\uff0c", "¿Sí", '"']
)
def test_other_texts_end_no_sentence(text: str) -> None:
    assert not ends_sentence(text)


@given(st.lists(texts, max_size=12), st.lists(st.booleans(), min_size=12, max_size=12))
def test_stable_is_never_taken_back(hypotheses: list[str], frozen: list[bool]) -> None:
    stabiliser, before = Stabiliser(), ""
    for number, text in enumerate(hypotheses):
        stable, unstable = stabiliser.update(text, 320.0 * number, frozen=frozen[number])
        assert stable.startswith(before)
        if text.startswith(stable):
            assert stable + unstable == text
        if frozen[number]:
            assert stable == before
        before = stable


def test_stable_after_two_sightings_and_a_while() -> None:
    stabiliser = Stabiliser(hold_ms=250)
    assert stabiliser.update("We met", 600) == ("", "We met")
    assert stabiliser.update("We met at", 800) == ("", "We met at")  # seen twice, but too fresh
    assert stabiliser.update("We met at noon", 900) == ("We met", " at noon")
    assert stabiliser.update("We met at noon", 2000) == ("We met at", " noon")  # never the last


def test_a_contradiction_is_shown_behind_stable_text() -> None:
    stabiliser = Stabiliser()
    for at in (500, 900):
        stabiliser.update("We met Ann at noon", at)
    assert stabiliser.stable == "We met Ann at"
    assert stabiliser.update("We met Anne at noon today", 1200) == (
        "We met Ann at noon",
        " today",
    )
    assert stabiliser.conflicts == 1


def test_words_behind_a_contradiction_become_stable() -> None:
    stabiliser = Stabiliser()
    for at in (500, 900):
        stabiliser.update("We met Ann at noon", at)
    for at in (1200, 1500):
        stabiliser.update("We met Anne at noon today and", at)
    assert stabiliser.stable == "We met Ann at noon today"
    assert stabiliser.words_replaced("We met Anne at noon today and talked.") == 1


@pytest.mark.parametrize(
    ("before", "after", "stable"),
    [
        ("We met Ann at noon", "We met Ann, at noon then", "We met Ann at noon"),  # a comma
        ("We met Ann so", "We met Anne so then", "We met Ann so"),  # the last stable word
        ("We met Ann at noon", "We met an eight noon then", "We met Ann at noon"),  # two of them
        ("We met so", "Our cat sat on the mat", "We met sat on the"),  # another text altogether
        ("你好啊今", "你号啊今OK啦走", "你好啊今OK啦"),  # no space that is not there
    ],
)
def test_a_word_that_changed_is_not_said_twice(before: str, after: str, stable: str) -> None:
    stabiliser = Stabiliser()
    for at, text in ((500, before), (900, before), (1200, after), (1600, after)):
        stabiliser.update(text, at)
    assert stabiliser.stable == stable


def test_words_are_not_run_together() -> None:
    stabiliser = Stabiliser()
    for at in (500, 900):
        stabiliser.update("How are", at)
    assert stabiliser.update("Our next", 1200) == ("How", " next")
    assert stabiliser.update("", 1500) == ("How", "")


@pytest.mark.parametrize(
    ("final", "replaced"),
    [("We met Ann at noon.", 0), ("We met Anne at noon.", 1), ("Met Ann at one.", 1), ("", 4)],
)
def test_words_replaced(final: str, replaced: int) -> None:
    stabiliser = Stabiliser()
    for at in (500, 900):
        stabiliser.update("We met Ann at noon", at)
    if final.startswith("Met"):
        replaced = 2  # "We" is missing and "met" is written otherwise
    assert stabiliser.words_replaced(final) == replaced
