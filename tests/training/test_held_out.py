"""Nothing the bundled samples hold was trained on."""

import json
import random
import re

import pytest

from hark.clients.samples import SAMPLES_FOLDER, Sample
from training import manifest
from training.language import text


@pytest.fixture(scope="module")
def bundled(samples: list[Sample]) -> list[Sample]:
    return samples


def test_no_sample_sentence_is_in_the_corpus(bundled: list[Sample]) -> None:
    assert len(bundled) >= 6
    for sample in bundled:
        assert not manifest.contains_text(sample.text), sample.name
        for sentence in text.split_sentences(sample.text):
            assert text.is_test(sentence)


def test_no_digit_recording_is_in_the_corpus() -> None:
    entries = json.loads((SAMPLES_FOLDER / "samples.json").read_text("utf-8"))
    used = {name for entry in entries for name in re.findall(r"\d_\w+?_\d+\.wav", entry["source"])}
    trained = set(manifest.read()["digit_recordings"])
    assert used
    assert len(trained) > 1000
    assert not used & trained


def test_the_manifest_knows_what_was_trained_on() -> None:
    """The check above can fail: sentences of the other side of the split are found."""
    chance = random.Random(5)
    drawn = [text.draw(chance, "English").text for _ in range(400)]
    assert any(manifest.contains_text(sentence) for sentence in drawn)


@pytest.mark.parametrize("language", ["English", "Spanish", "German"])
def test_held_out_sentences_are_not_in_the_corpus(language: str) -> None:
    chance = random.Random(6)
    for _ in range(200):
        assert not manifest.contains_text(text.draw(chance, language, test=True).text)
