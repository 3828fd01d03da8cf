"""Where the tokens of an answer come from: the audio of their word, and a context that lists it."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest

from training import mel
from training.language import names, text
from training.language.tokenizer import Prompt
from training.learning import context, sequence
from training.learning.rows import Row

EMBEDDED = Path(__file__).parents[2] / "engine" / "embedded" / "tokenizer.json"


@pytest.fixture(scope="module")
def prompt() -> Prompt:
    return Prompt.load(EMBEDDED)


def spoken(words: list[str], said: tuple[int, ...], given: str) -> Row:
    spans = [(30 * i, 30 * i + 25) for i in range(len(words))]
    frames = 30 * len(words) + 20
    silent = np.zeros((frames, mel.BINS), np.float32)
    return Row(silent, words, spans, np.zeros(frames), "English", said, given)


def test_a_listed_name_is_copied_from_its_entry(prompt: Prompt) -> None:
    row = spoken(["Hello,", "Zelbork."], (1,), "Karim, Zelbork, Norabel")
    built = sequence.build(prompt, row, random.Random(1))
    pairs = [(built.head[c], t) for c, t in zip(built.copies, built.answer, strict=True) if c >= 0]
    assert pairs
    assert all(source == target for source, target in pairs)
    assert prompt.tokenizer.decode([target for _, target in pairs]).strip() == "Zelbork"


def test_the_form_at_a_line_s_start_is_found_too(prompt: Prompt) -> None:
    row = spoken(["Hello,", "Zelbork."], (1,), "Norabel\nZelbork\nKarim")
    built = sequence.build(prompt, row, random.Random(1))
    first = next(c for c in built.copies if c >= 0)
    assert prompt.tokenizer.decode(built.head[first:]).startswith("Z")


def test_words_that_are_not_listed_have_no_source(prompt: Prompt) -> None:
    row = spoken(["Hello,", "Zelbork."], (1,), "Karim, Norabel")
    assert set(sequence.build(prompt, row, random.Random(1)).copies) == {-1}


@pytest.mark.parametrize("seed", range(40))
def test_copies_lie_in_the_context_and_spans_on_the_audio(prompt: Prompt, seed: int) -> None:
    rng = random.Random(seed)
    language = rng.choice(text.LANGUAGES)
    drawn = text.draw_training(rng, language)
    words = drawn.text.split()
    others = [names.invent(rng, language=language) for _ in range(4)]
    listed = [context.bare(word) for word in rng.sample(words, min(3, len(words)))] + others
    rng.shuffle(listed)
    row = spoken(words, (), context.written(listed, language, rng))
    built = sequence.build(prompt, row, rng)
    audio = [i for i, token in enumerate(built.head) if token == prompt.audio_id]
    assert len(built.copies) == len(built.spans) == len(built.answer)
    for copy, (start, end) in zip(built.copies, built.spans, strict=True):
        assert copy < audio[0] - len(prompt.middle)
        assert (start, end) == (0, 0) or audio[0] <= start < end
