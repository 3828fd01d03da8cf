"""Word lists for the aligner, and where their entries stand in the text."""

# ruff: noqa: RUF001 (texts in many scripts)

import importlib.machinery
import sys
import unicodedata
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hark.engine.alignment.splitting import ALIGNER_LANGUAGES, Word, WordSplitter, punctuated
from hark.engine.types import ConfigError, OptionError
from tests.needs import missing

NEED_NO_LIBRARY = [name for name in ALIGNER_LANGUAGES if name not in ("Japanese", "Korean")]

# Texts, the words nagisa 0.2.11 finds in them, and the entries of qwen-asr 0.0.6: "entry" where it
# was written like that, else "entry=as written".
JAPANESE = [
    ("今日は良い天気ですね。", "今日 は 良い 天気 です ね 。", "今日 は 良い 天気 です ね"),
    (
        "「東京タワー」に、１０時３０分に行きます!",
        "「 東京 タワー 」 に 、 1 0 時 3 0 分 に 行き ます !",
        "東京 タワー に 1=１ 0=０ 時 3=３ 0=０ 分 に 行き ます",
    ),
    (
        "ｶﾞﾗｽとＡＩの話 by Ken's",
        "ガラス と AI の 話 \u3000 by \u3000 Ken's",
        "ガラス=ｶﾞﾗｽ と AI=ＡＩ の 話 by Ken's",
    ),
    (
        "㈱ホンダと㍿トヨタ",
        "(株) ホンダ と 株式 会社 トヨタ",
        "株=㈱ ホンダ と 株式=㍿ 会社=㍿ トヨタ",
    ),
    ("ガ\u3099か\u3099がく", "ガ\u3099 が がく", "ガ=ガ\u3099 が=か\u3099 がく"),
    ("3.14％のコーヒー", "3 . 1 4 % の コーヒー", "3 1 4 の コーヒー"),
]

# Texts, the entries of qwen-asr 0.0.6 (with the words of its dictionary that occur in them), and
# those of transformers, which has no dictionary.
KOREAN_WORDS = "날씨 10 x\n안녕\n\n김철 3\n서울\n사람\n"
KOREAN = [
    ("오늘 날씨가 좋네요.", "오늘 날씨 가 좋네요", "오늘 날씨가 좋네요"),
    (
        "안녕하세요, KBS뉴스의 김철수입니다!",
        "안녕 하세요 KBS뉴스의 김철 수입니다",
        "안녕하세요 KBS뉴스의 김철수입니다",
    ),
    ("2024년 5월 3일 don't", "2024년 5월 3일 don't", "2024년 5월 3일 don't"),
    (
        "서울특별시에서는 사람들이 漢字와",
        "서울 특별시에서는 사람 들이 漢字와",
        "서울특별시에서는 사람들이 漢字와",
    ),
    ("날씨.가", "날씨 가", "날씨가=날씨.가"),
]

OTHERS = [
    (
        "English",
        "Mr. Quilter's well-known, e.g. 3.14%",
        "Mr Quilter's wellknown=well-known eg=e.g 314=3.14",
    ),
    ("Chinese", "你好，ABC公司2024年", "你 好 ABC 公 司 2024 年"),
    ("Cantonese", "佢哋喺度食飯。OK?", "佢 哋 喺 度 食 飯 OK"),
    ("French", "L’été, c'est «naïf» — œuvre", "Lété=L’été c'est naïf œuvre"),
    ("French", "e\u0301te\u0301.", "été=e\u0301te\u0301"),
    ("Russian", "Ёлка, 5-го мая: «привет»", "Ёлка 5го=5-го мая привет"),
    ("German", " Über\u00a0q\u0307y, ﬁn\n", "Über qy=q\u0307y ﬁn"),
    ("Spanish", "¿Qué? — ¡…!", "Qué"),
    ("Korean", "…", ""),
    ("Japanese", " 。\u3000", ""),
]


def as_written(text: str, words: list[Word]) -> str:
    """The entries in the notation of the tables above."""
    pairs = [(word.text, text[word.begin_char : word.end_char]) for word in words]
    return " ".join(entry if entry == slice_ else f"{entry}={slice_}" for entry, slice_ in pairs)


@pytest.mark.usefixtures("recorded_nagisa")
@pytest.mark.parametrize(("language", "text", "entries"), OTHERS)
def test_words_between_spaces_and_ideographs(language: str, text: str, entries: str) -> None:
    assert as_written(text, WordSplitter().split(text, language)) == entries


@pytest.fixture
def recorded_nagisa(monkeypatch: pytest.MonkeyPatch) -> None:
    """In place of the library of the extra: what it said."""
    answers = {
        unicodedata.normalize("NFKC", text): SimpleNamespace(words=words.split(" "))
        for text, words, _ in JAPANESE
    }
    nagisa = ModuleType("nagisa")
    nagisa.__spec__ = importlib.machinery.ModuleSpec("nagisa", None)
    nagisa.__dict__["tagging"] = answers.__getitem__
    monkeypatch.setitem(sys.modules, "nagisa", nagisa)


@pytest.mark.usefixtures("recorded_nagisa")
@pytest.mark.parametrize(("text", "words", "entries"), JAPANESE)
def test_japanese(text: str, words: str, entries: str) -> None:
    del words
    assert as_written(text, WordSplitter().split(text, "Japanese")) == entries


def test_korean(tmp_path: Path) -> None:
    dictionary = tmp_path / "korean.dict"
    dictionary.write_text(KOREAN_WORDS, "utf-8")
    for text, with_dictionary, without in KOREAN:
        assert as_written(text, WordSplitter(dictionary).split(text, "ko")) == with_dictionary
        assert as_written(text, WordSplitter().split(text, "Korean")) == without


@pytest.mark.filterwarnings("ignore")  # of the library's own
def test_nagisa_answers_as_recorded() -> None:
    try:
        nagisa = importlib.import_module("nagisa")
    except ImportError as error:
        missing(f"needs nagisa: pip install nagisa ({error})")
    for text, words, entries in JAPANESE:
        assert nagisa.tagging(text).words == words.split(" ")
        assert as_written(text, WordSplitter().split(text, "Japanese")) == entries


def test_a_library_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "nagisa", None)
    with pytest.raises(
        OptionError, match=r"need nagisa: pip install nagisa \(the extra \[ja-ko\]\)"
    ):
        WordSplitter().split("…", "ja")
    assert WordSplitter().split("word", "en"), "others do without"


def test_a_language_no_aligner_knows() -> None:
    with pytest.raises(OptionError) as refused:
        WordSplitter().split("merhaba", "Turkish")
    assert "Turkish" in str(refused.value)
    assert all(name in str(refused.value) for name in ALIGNER_LANGUAGES)
    assert len(ALIGNER_LANGUAGES) == 11


def test_a_dictionary_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"korean_dictionary .*none\.dict cannot be read"):
        WordSplitter(tmp_path / "none.dict")


def test_characters_as_they_are_written() -> None:
    [word] = WordSplitter().split("«we\u0301-ll»", "French")
    assert [(part.text, part.begin_char, part.end_char) for part in word.characters] == [
        ("w", 1, 2),
        ("é", 2, 4),
        ("l", 5, 6),
        ("l", 6, 7),
    ]


@pytest.mark.usefixtures("recorded_nagisa")
def test_letters_written_as_one_character_are_one() -> None:
    text = JAPANESE[3][0]
    company = WordSplitter().split(text, "Japanese")[3]
    assert company.characters == [Word("株式", ((5, 6), (5, 6)))]


# Letters, marks that merge with them or change places, jamo, ideographs old and new, punctuation.
texts = st.text(
    st.sampled_from("ae\u0301\u0323\u0308ﬁ\u1100\u1161\u11a8가你\uf900\U0002f800\u2019' .-1")
    | st.characters(exclude_categories=["Cs", "Cn"]),
    max_size=24,
)


@given(texts, st.sampled_from(NEED_NO_LIBRARY))
def test_entries_come_from_where_they_say(text: str, language: str) -> None:
    words = WordSplitter().split(text, language)
    normal = unicodedata.normalize("NFC", text)
    kept = [c for c in normal if c == "'" or unicodedata.category(c)[0] in "LN"]
    assert [character for word in words for character in word.text] == kept, "none lost or added"
    before = (0, 0)
    for word in words:
        for character, origin in zip(word.text, word.origins, strict=True):
            assert character in unicodedata.normalize("NFC", text[slice(*origin)])
            assert origin == before or before[1] <= origin[0] < origin[1]
            before = origin


@given(texts)
def test_the_normal_form_of_a_text_does_not_matter(text: str) -> None:
    for form in ("NFC", "NFD"):
        same = WordSplitter().split(unicodedata.normalize(form, text), "English")
        assert [word.text for word in same] == [
            word.text for word in WordSplitter().split(text, "English")
        ]


PUNCTUATED = [
    ("«Mr. Quilter's», he said — twice!", "«Mr.|Quilter's»,|he|said —|twice!"),
    ("Il dit : « Voilà ! » et sort.", "Il|dit :|« Voilà ! »|et|sort."),
    ('So "this" (or that) costs $5.', 'So|"this"|(or|that)|costs|$5.'),
    ("好?¡好!", "好?|¡好!"),
    ("他说：“你好”。", "他|说：|“你|好”。"),
    ("\u300c東京\u300d、よ", "\u300c東|京\u300d、|よ"),
    ("  … one ", "… one"),
    ("?!", ""),
]


@pytest.mark.parametrize(("text", "shown"), PUNCTUATED)
def test_words_get_their_punctuation_back(text: str, shown: str) -> None:
    spans = [(word.begin_char, word.end_char) for word in WordSplitter().split(text, "French")]
    assert "|".join(text[slice(*span)] for span in punctuated(text, spans)) == shown


@given(texts)
def test_nothing_but_spaces_is_left_over(text: str) -> None:
    spans = [(word.begin_char, word.end_char) for word in WordSplitter().split(text, "English")]
    at = 0
    for (begin, end), grown in zip(spans, shown := punctuated(text, spans), strict=True):
        assert grown[0] <= begin < end <= grown[1]
        assert at <= grown[0]
        assert text[at : grown[0]].strip() == ""
        at = grown[1]
    assert text[at:].strip() == "" or not shown
