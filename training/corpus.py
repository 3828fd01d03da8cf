"""The training corpus: shards of raw log mel with transcripts and word and phone times.

A shard is a function of (seed, shard number) alone, so an interrupted build continues where it
stopped and any shard can be made again on its own.
"""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
import random
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from training import grammar_en, grammar_es, mel, text, voices
from training.digits import DigitVoices
from training.speech import Speech, SynthesisError

FORMAT = 1
CLIPS_PER_SHARD = 1000
SPANISH_SHARE = 0.15
HUMAN_SHARE = 0.07
PAIR_SHARE = 0.10
"""Share of utterances that are two sentences spoken in one go."""


class CorpusVersionError(RuntimeError):
    """The folder holds a corpus of another seed, grammar or format."""


@dataclass(frozen=True)
class Clip:
    """One utterance. Times are in mel frames (10 ms); ``phones`` holds (label, end)."""

    text: str
    language: str
    voice: str
    frames: int
    words: list[tuple[int, int]]
    phones: list[tuple[str, int]]


def fingerprint(seed: int) -> str:
    """Hash of everything that determines the corpus, apart from the synthesisers."""
    parts = [
        FORMAT,
        seed,
        CLIPS_PER_SHARD,
        SPANISH_SHARE,
        HUMAN_SHARE,
        PAIR_SHARE,
        grammar_en.LISTS,
        grammar_en.TEMPLATES,
        grammar_es.LISTS,
        grammar_es.TEMPLATES,
        voices.ENGLISH_ACCENTS,
        voices.SPANISH_ACCENTS,
        voices.VARIANTS,
        voices.FLITE_WEIGHTS,
        voices.ESPEAK_SHARE,
        text.TEST_MODULUS,
    ]
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]


def build(folder: Path, digits: Path, *, seed: int, shards: int, jobs: int) -> None:
    """Make the missing ones of the first ``shards`` shards with ``jobs`` processes."""
    folder.mkdir(parents=True, exist_ok=True)
    _claim(folder, seed)
    missing = [i for i in range(shards) if not _path(folder, i, "json").exists()]
    tasks = [(folder, digits, seed, index) for index in missing]
    begin, hours = time.monotonic(), 0.0
    os.environ["OPENBLAS_NUM_THREADS"] = "1"  # inherited: workers must not share their cores
    with multiprocessing.get_context("spawn").Pool(jobs) as pool:
        for done, (index, shard_hours) in enumerate(pool.imap_unordered(_build_shard, tasks), 1):
            hours += shard_hours
            rate = hours * 3600 / (time.monotonic() - begin)
            print(
                f"shard {index}: {done}/{len(missing)} done, {hours:.1f} h, {rate:.0f}x real time",
                flush=True,
            )


def load(folder: Path) -> list[tuple[list[Clip], np.ndarray]]:
    """All finished shards as (clips, raw log mel [frames, 128] float16, memory-mapped)."""
    shards = []
    for path in sorted(folder.glob("shard-*.json")):
        clips = [Clip(**item) for item in json.loads(path.read_text())]
        shards.append((clips, np.load(path.with_suffix(".npy"), mmap_mode="r")))
    return shards


def _claim(folder: Path, seed: int) -> None:
    """Mark the folder with this corpus' identity, or refuse another one's folder."""
    mark = folder / "corpus.json"
    identity = {"fingerprint": fingerprint(seed), "seed": seed}
    if mark.exists() and json.loads(mark.read_text()) != identity:
        raise CorpusVersionError(
            f"{folder} holds another corpus ({mark.read_text().strip()}); "
            "choose an empty --dir or remove it"
        )
    mark.write_text(json.dumps(identity))


def _path(folder: Path, index: int, suffix: str) -> Path:
    return folder / f"shard-{index:04d}.{suffix}"


class _Worker:
    """The synthesisers of one process, started once."""

    instance: _Worker | None = None

    def __init__(self, digits: Path) -> None:
        self.voices = voices.Voices()
        self.digits = DigitVoices(digits)

    @classmethod
    def get(cls, digits: Path) -> _Worker:
        if cls.instance is None:
            cls.instance = cls(digits)
        return cls.instance

    def utterance(self, rng: random.Random) -> tuple[Clip, np.ndarray]:
        """A random training utterance and its raw log mel."""
        if rng.random() < HUMAN_SHARE:
            transcript, speaker, speech = self.digits.draw(rng)
            return make_clip(transcript, "English", f"human-{speaker}", speech)
        language = "Spanish" if rng.random() < SPANISH_SHARE else "English"
        while True:
            count = 2 if rng.random() < PAIR_SHARE else 1
            transcript = " ".join(text.draw(rng, language).text for _ in range(count))
            voice = voices.draw_voice(rng, language)
            try:
                speech = self.voices.speak(transcript, voice, rng)
            except SynthesisError:
                continue
            return make_clip(transcript, language, voice, speech)


def make_clip(
    transcript: str, language: str, voice: str, speech: Speech
) -> tuple[Clip, np.ndarray]:
    """Turn one spoken utterance into a corpus entry and its raw log mel [frames, 128]."""
    features = mel.raw_log_mel(speech.samples).astype(np.float16)
    last = len(features)

    def frame(seconds: float) -> int:
        return min(last, round(seconds * mel.FRAMES_PER_SECOND))

    words = [(frame(a), frame(b)) for a, b in speech.words]
    phones = [(label, frame(end)) for label, end in speech.phones]
    return Clip(transcript, language, voice, last, words, phones), features


def _build_shard(task: tuple[Path, Path, int, int]) -> tuple[int, float]:
    """Make one shard; its JSON file is written last and marks it as finished."""
    folder, digits, seed, index = task
    worker = _Worker.get(digits)
    rng = random.Random(f"{seed}/{index}")
    clips, features = zip(*(worker.utterance(rng) for _ in range(CLIPS_PER_SHARD)), strict=True)
    np.save(_path(folder, index, "npy"), np.concatenate(features))
    part = _path(folder, index, "part")
    part.write_text(json.dumps([asdict(clip) for clip in clips], ensure_ascii=False))
    part.rename(_path(folder, index, "json"))
    return index, sum(clip.frames for clip in clips) / (mel.FRAMES_PER_SECOND * 3600)
