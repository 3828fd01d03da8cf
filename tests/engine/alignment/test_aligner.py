"""Word times: what they come from, in which grain, and what an aligner refuses."""

import sys
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch

from hark.engine.alignment import aligner as module
from hark.engine.alignment.aligner import Aligner, Utterance
from hark.engine.alignment.word_times import WordTime
from hark.engine.attention.paged import PagedAttention
from hark.engine.model.speech_model import SpeechModel
from hark.engine.model.tokenizer import Tokenizer
from hark.engine.types import BadAudioError, CheckpointError, ConfigError, EngineError, OptionError
from tests.engine.models import bursts, tiny_model, tiny_tokenizer
from tests.engine.test_attention import slow_kernel
from tests.parity.checkpoints import randomise

TEXT = "Well-known: 3.14, «você» 你好!"
ENTRIES = ["Wellknown", "314", "você", "你", "好"]
UTTERANCES = [
    Utterance(bursts(3.2, seed=1), TEXT, "pt"),
    Utterance(bursts(9.07, seed=2), " … ", "English"),
    Utterance(bursts(0.4, seed=3), "It's noon.", "English"),
    Utterance(bursts(8.9, seed=4), "turn left, then right", "english"),
]


def tiny_aligner(tokenizer: Tokenizer | None = None, **changes: Any) -> Aligner:
    """Random weights; `changes` are fields of its ModelConfig."""
    tokenizer = tokenizer or tiny_tokenizer()
    config = tiny_model(tokenizer).config
    aligner = {"timestamp_token_id": tokenizer.timestamp_id, "num_time_classes": 5000}
    languages = {"languages": ("English", "Portuguese", "Turkish", "Japanese")}
    model = SpeechModel(replace(config, **(aligner | languages | changes)))
    randomise(model, seed=6)
    return Aligner(model.prepare(), tokenizer)


@pytest.fixture(scope="module")
def aligner() -> Aligner:
    return tiny_aligner()


def test_words_and_where_they_are_written(aligner: Aligner) -> None:
    first, nothing, second, third = aligner.align(UTTERANCES)
    assert [word.text for word in first] == ENTRIES
    written = [TEXT[word.begin_char : word.end_char] for word in first]
    assert written == ["Well-known", "3.14", "você", "你", "好"]
    assert nothing == []
    assert [word.text for word in second] == ["It's", "noon"]
    for words in (first, second, third):
        times = [time for word in words for time in (word.start_s, word.end_s)]
        assert all(before <= after for before, after in pairwise(times))
        assert times[0] < times[-1]
    assert aligner.align([]) == aligner.align([], "segment") == []


def test_characters_share_the_time_of_their_word(
    aligner: Aligner, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = [1, 10, 10, 12, 99, 14, 20, 20, 21, 22]  # 99 is out of order
    monkeypatch.setattr(aligner, "_choose", lambda batch: [steps])
    [words] = aligner.align(UTTERANCES[:1])
    assert [(word.text, word.start_s, word.end_s) for word in words] == [
        ("Wellknown", 0.08, 0.8),
        ("314", 0.8, 0.96),
        ("você", 0.96, 1.12),
        ("你", 1.6, 1.6),
        ("好", 1.68, 1.76),
    ]
    [characters] = aligner.align(UTTERANCES[:1], "character")
    assert [each.start_s for each in characters] == [
        *(0.08, 0.16, 0.24, 0.32, 0.4, 0.48, 0.56, 0.64, 0.72),
        *(0.8, 0.853, 0.907),
        *(0.96, 1.0, 1.04, 1.08),
        *(1.6, 1.68),
    ]
    ends = [each.end_s for each in characters]
    assert ends == [*(each.start_s for each in characters[1:-2]), 1.12, 1.6, 1.76]
    assert "".join(each.text for each in characters) == "".join(ENTRIES)
    assert "".join(TEXT[each.begin_char : each.end_char] for each in characters) == "".join(ENTRIES)


def test_a_segment_is_all_its_words(aligner: Aligner) -> None:
    words, segments = aligner.align(UTTERANCES), aligner.align(UTTERANCES, "segment")
    for utterance, own, segment in zip(UTTERANCES, words, segments, strict=True):
        text = utterance.text
        expected = [WordTime(text, own[0].start_s, own[-1].end_s, 0, len(text))] if own else []
        assert segment == expected


def test_many_clips_take_several_passes(aligner: Aligner, monkeypatch: pytest.MonkeyPatch) -> None:
    many = UTTERANCES * 3
    together = aligner.align(many)
    lengths: list[int] = []
    encode = module.encode_clips

    def count(model: Any, attention: Any, clips: list[np.ndarray]) -> list[torch.Tensor]:
        lengths.append(len(clips))
        return encode(model, attention, clips)

    monkeypatch.setattr(module, "encode_clips", count)
    monkeypatch.setattr(module, "_BATCH_TOKENS", 150)
    assert aligner.align(many) == together
    assert sum(lengths) == 9, "clips without words are not encoded"
    assert 3 < len(lengths) < 9


def test_rows_lie_in_whole_pages_of_a_paged_backend(aligner: Aligner) -> None:
    paged = PagedAttention("slow", slow_kernel)
    other = Aligner(aligner.model, aligner.tokenizer, attention=paged)
    longest = Utterance(bursts(25.0, seed=9), "many pages", "English")
    both = (each.slot_logits([longest, *UTTERANCES]) for each in (aligner, other))
    for ours, theirs in zip(*both, strict=True):
        assert torch.allclose(ours, theirs, atol=1e-4)


SECOND = np.zeros(16_000, np.float32)
REFUSALS: list[tuple[dict[str, Any], type[EngineError], str]] = [
    ({"samples": SECOND[:0]}, BadAudioError, r"0\.00 s long, an aligner takes at most 180 s"),
    ({"samples": np.zeros(180 * 16_000 + 1, np.float32)}, BadAudioError, "at most 180 s"),
    ({"samples": np.full(16_000, np.nan, np.float32)}, BadAudioError, "NaN or infinite"),
    ({"language": "de"}, OptionError, r"'de', allowed are English \(en\), Port\S+ \(pt\), Jap"),
    ({"language": "Turkish"}, OptionError, "'Turkish', allowed are English"),
    (
        {"text": "a " * 1600},
        OptionError,
        "1600 words, .* are 4815 tokens, allowed are at most 4096",
    ),
]


@pytest.mark.parametrize(("changes", "error", "message"), REFUSALS)
def test_what_is_refused(
    changes: dict[str, Any], error: type[EngineError], message: str, aligner: Aligner
) -> None:
    utterance = replace(Utterance(SECOND, "noon", "English"), **changes)
    with pytest.raises(error, match=message):
        aligner.align([UTTERANCES[0], utterance])


def test_a_granularity_there_is_not(aligner: Aligner) -> None:
    wrong: Any = "phone"
    with pytest.raises(OptionError, match="'phone', allowed are word, character, segment"):
        aligner.align(UTTERANCES, wrong)


def test_languages_are_checked_without_loading_a_library(
    aligner: Aligner, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert aligner.languages == ("English", "Portuguese", "Japanese")
    assert aligner.check_language("PT") == "Portuguese"
    monkeypatch.setitem(sys.modules, "nagisa", None)
    with pytest.raises(OptionError, match=r"the extra \[ja-ko\]"):
        aligner.check_language("Japanese")


def test_a_short_time_head_bounds_the_clip() -> None:
    short = tiny_aligner(num_time_classes=512)
    assert short.max_clip_s == 40.88
    with pytest.raises(BadAudioError, match=r"41\.00 s long, an aligner takes at most 40\.88 s"):
        short.align([Utterance(np.zeros(41 * 16_000, np.float32), "noon", "English")])


def test_other_checkpoints_are_refused() -> None:
    tokenizer = tiny_tokenizer()
    with pytest.raises(ConfigError, match="a recogniser, not a forced aligner"):
        Aligner(tiny_model(tokenizer), tokenizer)
    with pytest.raises(CheckpointError, match="timestamp_token_id is 3"):
        tiny_aligner(tokenizer, timestamp_token_id=3)
