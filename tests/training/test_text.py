"""What the model is taught to write: grammar, numbers, open text, invented names."""

import random

import pytest

from training.language import agreement, names, numbers, open_text, text
from training.language.spoken import spoken


@pytest.mark.parametrize("language", text.LANGUAGES)
def test_every_template_can_be_filled(language: str) -> None:
    chance = random.Random(1)
    grammar = text.GRAMMARS[language]
    for templates in grammar.templates.values():
        for template in templates:
            sentence = grammar.fill(template, chance)
            assert sentence[-1] in ".?" and "{" not in sentence
            assert ("¿" in sentence) <= sentence.endswith("?")
            assert not any(char.isdigit() for char in sentence)


@pytest.mark.parametrize("language", text.LANGUAGES)
@pytest.mark.parametrize("test", [False, True])
def test_a_sentence_is_on_the_side_it_was_drawn_from(language: str, test: bool) -> None:
    chance = random.Random(2)
    for _ in range(50):
        assert text.is_test(text.draw(chance, language, test=test).text) == test


@pytest.mark.parametrize("language", text.LANGUAGES)
def test_invented_names_are_marked_and_split(language: str) -> None:
    chance = random.Random(3)
    train = set[str]()
    held_out = set[str]()
    for side, test in ((train, False), (held_out, True)):
        for _ in range(300):
            sentence = text.draw_named(chance, language, test=test)
            assert sentence.names
            words = sentence.text.split()
            side.update(words[index].strip(".,?") for index in sentence.names)
    assert not train & held_out


def test_the_same_seed_gives_the_same_names() -> None:
    assert names.invent(random.Random(4)) == names.invent(random.Random(4))


@pytest.mark.parametrize(
    ("value", "written"),
    [(1, "eins"), (21, "einundzwanzig"), (101, "hunderteins"), (71_000, "einundsiebzigtausend")],
)
def test_german_numbers(value: int, written: str) -> None:
    assert numbers.german(value) == written


def test_words_agree_with_what_fills_a_slot() -> None:
    assert agreement.english("a engineer and a used car") == "an engineer and a used car"
    assert agreement.spanish("veintiuno grados") == "veintiún grados"
    assert agreement.spanish("doscientos una páginas") == "doscientas una páginas"


@pytest.mark.parametrize(
    ("raw", "language", "cleaned"),
    [
        ("he's a well-known singer", "English", "He's a well known singer."),
        ("born in 1984", "English", ""),
        ("Dr. No is here.", "English", ""),
        ("the NATO summit", "English", ""),
        ("Ich weiß, daß es regnet!", "German", "Ich weiß, dass es regnet."),
        ("¡Qué bonito!", "Spanish", "Qué bonito."),
    ],
)
def test_open_text_is_written_as_it_is_spoken(raw: str, language: str, cleaned: str) -> None:
    assert open_text.clean(raw, language) == cleaned


def test_a_spelled_a_is_read_as_a_letter() -> None:
    assert spoken("A code is B A C.", "English") == "A code is B eigh C."
    assert spoken("Der Code ist B A.", "German") == "Der Code ist B A."
