"""The clips of the load test: their sentences are held out, and their FLAC loses nothing."""

import json
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from hark.clients.bench.clips import CLIPS_FOLDER
from hark.clients.samples import spoken_words
from hark.engine.audio.files import open_audio
from training import bench_clips
from training.language import text


def test_no_sentence_may_be_trained_on() -> None:
    entries = json.loads((CLIPS_FOLDER / bench_clips.MANIFEST).read_text("utf-8"))
    sentences = [entry["text"] for entry in entries]
    assert all(text.is_test(sentence) for sentence in sentences)
    assert len(set(sentences)) == len(sentences)
    for entry in entries:
        assert entry["licence"] in bench_clips.LICENCES.values()
        assert [word for word, _, _ in entry["words"]] == entry["text"].split()
        assert spoken_words(entry["text"])


@settings(max_examples=10, deadline=None)
@given(st.integers(1, 20_000), st.integers(0, 2**32 - 1))
def test_flac_gives_back_every_sample(length: int, seed: int) -> None:
    samples = np.random.default_rng(seed).integers(-(2**15), 2**15, length).astype(np.int16)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "noise.flac"
        bench_clips.write_flac(path, samples)
        heard = np.concatenate(list(open_audio(path).blocks(16_000)))
    assert np.array_equal(heard * 32_768, samples)
