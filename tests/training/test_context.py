"""Contexts of training rows list what they should, and nothing else."""

import random

import numpy as np
import pytest

from training import mel
from training.language.text import LANGUAGES
from training.learning import context
from training.learning.rows import Row, silent


def row(text: str, names: tuple[int, ...] = (), language: str = "English") -> Row:
    words = text.split()
    spans = [(10 * i, 10 * i + 9) for i in range(len(words))]
    return Row(np.zeros((400, mel.BINS), np.float32), words, spans, np.zeros(400), language, names)


def other_words(rng: random.Random, language: str) -> list[str]:
    return ["Trains", "arrive", "late,", f"said{rng.randrange(5)}."]


def contexts(of: Row, count: int = 600) -> list[str]:
    rng = random.Random(1)
    return [context.give([of], rng, other_words)[0].context for _ in range(count)]


def test_names_of_several_words_stay_together() -> None:
    spoken = row("Ask Acksaner Blairie, Menix's brother.", (1, 2, 3))
    assert context.spoken_names(spoken) == ["Acksaner Blairie", "Menix"]


def test_about_half_of_the_contexts_hold_the_spoken_names() -> None:
    drawn = contexts(row("We drove from Gannis to Menix.", (3, 5)))
    holding = [text for text in drawn if "Gannis" in text]
    assert all("Menix" in text for text in holding)
    assert 0.45 < len(holding) / len(drawn) < 0.62
    assert 0.25 < sum(not text for text in drawn) / len(drawn) < 0.42
    assert any(text.index("Gannis") > text.index("Menix") for text in holding)


def test_most_rows_without_names_have_no_context() -> None:
    drawn = contexts(row("Trains never arrive on time."))
    assert 0.6 < sum(not text for text in drawn) / len(drawn) < 0.85
    assert any("arrive" in text for text in drawn)
    assert any("late" in text for text in drawn)


def test_silence_gets_contexts_too() -> None:
    drawn = contexts(silent(200))
    assert 0.05 < sum(bool(text) for text in drawn) / len(drawn) < 0.25


@pytest.mark.parametrize("language", [*LANGUAGES, "None"])
def test_every_style_holds_every_name_once(language: str) -> None:
    listed = ["Gannis", "Menix Ola", "Brimena"]
    written = {context.written(listed, language, random.Random(seed)) for seed in range(60)}
    assert len(written) >= 4 - (language == "None")
    assert all(text.count(name) == 1 for text in written for name in listed)
    assert context.written([], language, random.Random(0)) == ""
