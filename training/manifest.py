"""What the shipped model was trained on, kept next to the recipe.

``manifest/sentences.npy`` holds the sorted 64-bit hashes of all training sentences, so that a
test can prove that a sentence was never seen; ``manifest/corpus.json`` holds counts, voices,
versions and the corpus hash.
"""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
from collections import Counter
from functools import cache
from pathlib import Path

import numpy as np

from training import corpus, mel
from training.corpus import Clip
from training.language import text
from training.synthesis import digits, voices
from training.synthesis.espeak import Espeak
from training.synthesis.speech import MissingSynthesiserError, load_library

FOLDER = Path(__file__).parent / "manifest"
_KINDS = ("open", "names", "words", "human")
"""Groups of clips that are no grammar's."""


def contains_text(transcript: str) -> bool:
    """True if any sentence of the transcript was trained on."""
    hashes = _sentences()
    for sentence in text.split_sentences(transcript):
        value = np.uint64(text.text_hash(sentence))
        place = int(np.searchsorted(hashes, value))
        if place < len(hashes) and hashes[place] == value:
            return True
    return False


def write(folder: Path, digit_folder: Path, output: Path = FOLDER) -> dict:
    """Describe the corpus in ``folder``; returns what ``corpus.json`` says."""
    identity = corpus.identify(folder)
    shards = corpus.finished_shards(folder)
    clips = [clip for path in shards for clip in corpus.read_shard(path)[0]]
    sentences = {text.text_hash(s) for clip in clips for s in text.split_sentences(clip.text)}
    description = {
        **identity,
        "corpus_sha256": _corpus_hash(shards),
        "shards": len(shards),
        "clips": len(clips),
        "sentences": len(sentences),
        "hours": _hours(clips),
        "hours_per_language": {
            language: _hours([clip for clip in clips if clip.language == language])
            for language in text.LANGUAGES
        },
        "clips_per_kind": dict(Counter(_kind(clip) for clip in clips).most_common()),
        "clips_per_family": dict(sorted(Counter(voices.family(c.voice) for c in clips).items())),
        "espeak_accents": {lang: list(some) for lang, some in voices.ESPEAK_ACCENTS.items()},
        "espeak_variants": sorted(voices.VARIANTS),
        "held_out_variants": sorted(voices.HELD_OUT_VARIANTS),
        "left_out_voice": voices.LEFT_OUT,
        "left_out_speaker": digits.HELD_OUT_SPEAKER,
        "synthesisers": synthesiser_versions(),
        "digit_recordings": digits.DigitVoices(digit_folder).train_names(),
    }
    output.mkdir(parents=True, exist_ok=True)
    np.save(output / "sentences.npy", np.array(sorted(sentences), np.uint64))
    (output / "corpus.json").write_text(json.dumps(description, indent=1) + "\n")
    return description


def read(folder: Path = FOLDER) -> dict:
    """The description written by ``write``."""
    return json.loads((folder / "corpus.json").read_text())


def synthesiser_versions() -> dict[str, str]:
    """Versions of the installed synthesisers; flite tells it only by the name of its file."""
    load_library("libflite.so.1", "libflite1")
    flite = re.search(r"libflite\.so\.(\S+)", Path("/proc/self/maps").read_text())
    return {
        "espeak-ng": Espeak().version,
        "flite": flite[1] if flite else "unknown",
        "festival": _festival_version(),
    }


@cache
def _sentences() -> np.ndarray:
    return np.load(FOLDER / "sentences.npy")


def _festival_version() -> str:
    try:
        said = subprocess.run(
            ["/usr/bin/festival", "--version"], capture_output=True, text=True, check=True
        ).stdout
    except FileNotFoundError as error:
        raise MissingSynthesiserError(
            "there is no festival; install it with: apt-get install festival"
        ) from error
    found = re.search(r"\d+\.\d+(\.\d+)?", said)
    return found[0] if found else "unknown"


def _kind(clip: Clip) -> str:
    return clip.group if clip.group in _KINDS else "grammar"


def _hours(clips: list[Clip]) -> float:
    return round(sum(clip.frames for clip in clips) / mel.FRAMES_PER_SECOND / 3600, 2)


def _corpus_hash(shards: list[Path]) -> str:
    """SHA-256 over the transcripts, voices and times of all shards, in order."""
    whole = hashlib.sha256()
    for path in shards:
        whole.update(path.read_bytes())
    return whole.hexdigest()
