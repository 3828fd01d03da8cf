"""Where lines may end, and how well."""

import unicodedata
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hark.clients.line_breaks import Break, break_behind, characters, columns, may_part
from hark.clients.subtitles import TimedWord, cues


@pytest.mark.parametrize(
    "parts",
    [
        "今|日|は、|東|京|へ。",
        "「そ|う」|『笑』っ|て",
        "コー|ヒー|100|円",
        "「GPT」|と|3.5|の|差",
        "で|す。|OK",
        "un-broken,don't",
        "한국어",
        "ส|วั|ส|ดี|เก่า",
        "ភា|សា|ខ្មែ|រ",
    ],
)
def test_where_text_without_a_space_in_it_may_part(parts: str) -> None:
    glyphs = characters(parts.replace("|", ""))
    may = [may_part(left[-1], right[0]) for left, right in pairwise(glyphs)]
    ends = ["|" * parted + glyph for parted, glyph in zip([False, *may], glyphs, strict=True)]
    assert "".join(ends) == parts


@given(
    st.lists(
        st.sampled_from(["今", "日", "は、", "「そう」", "。", "っ", "ー", "『笑』"]), max_size=60
    )
)
def test_japanese_lines_begin_and_end_as_they_may(units: list[str]) -> None:
    # One mark may repeat until it fills a line; then it has to be broken.
    text = "".join(unit for unit, after in pairwise([*units, ""]) if unit != after)
    found = cues([TimedWord(text, 0, 0.4 * len(text))])
    for line in (line for cue in found for line in cue.lines):
        assert unicodedata.category(line[-1]) != "Ps"
        if not text.startswith(line):
            assert line[0] not in "、。」）っー"  # noqa: RUF001


@pytest.mark.parametrize(
    ("word", "behind"),
    [
        ("end.", Break.SENTENCE),
        ('end?"', Break.SENTENCE),
        ("好。」", Break.SENTENCE),
        ("first,", Break.CLAUSE),
        ("、", Break.CLAUSE),
        ("word", Break.WORD),
        ("3.5", Break.WORD),
        ("The", Break.HELD),
        ("Mr.", Break.HELD),
        ("J.", Break.HELD),
        ("'\"", Break.WORD),
    ],
)
def test_what_a_line_would_end_behind(word: str, behind: Break) -> None:
    assert break_behind(word) is behind


@pytest.mark.parametrize(
    ("text", "num_characters", "num_columns"),
    [
        ("cafe\u0301", 4, 4),
        ("今日は", 3, 6),
        ("ｶﾅ", 2, 2),
        ("วัน", 2, 2),
        ("한국", 2, 4),
        ("", 0, 0),
    ],
)
def test_characters_and_columns(text: str, num_characters: int, num_columns: int) -> None:
    assert (len(characters(text)), columns(text)) == (num_characters, num_columns)


def test_joined_emoji_are_one_character() -> None:
    assert characters("a👩‍👩‍👧👋🏽b") == ["a", "👩‍👩‍👧", "👋🏽", "b"]
