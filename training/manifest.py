"""What the shipped model was trained on, kept next to the recipe.

``manifest/sentences.npy`` holds the sorted 64-bit hashes of all training sentences, so that a
test can prove that a sentence was never seen; ``manifest/corpus.json`` holds counts, voices,
versions and the corpus hash.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from functools import cache
from pathlib import Path

import numpy as np

from training import corpus, digits, mel, text, voices
from training.espeak import Espeak
from training.speech import load_library

FOLDER = Path(__file__).parent / "manifest"


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
    output.mkdir(parents=True, exist_ok=True)
    clips = [clip for shard, _ in corpus.load(folder) for clip in shard]
    sentences = {text.text_hash(s) for clip in clips for s in text.split_sentences(clip.text)}
    np.save(output / "sentences.npy", np.array(sorted(sentences), np.uint64))
    description = {
        **json.loads((folder / "corpus.json").read_text()),
        "corpus_sha256": _corpus_hash(folder),
        "shards": len(list(folder.glob("shard-*.json"))),
        "clips": len(clips),
        "sentences": len(sentences),
        "hours": round(sum(c.frames for c in clips) / mel.FRAMES_PER_SECOND / 3600, 2),
        "clips_per_family": dict(sorted(Counter(voices.family(c.voice) for c in clips).items())),
        "english_accents": sorted(voices.ENGLISH_ACCENTS),
        "spanish_accents": sorted(voices.SPANISH_ACCENTS),
        "espeak_variants": sorted(voices.VARIANTS),
        "held_out_variants": sorted(voices.HELD_OUT_VARIANTS),
        "synthesisers": synthesiser_versions(),
        "digit_recordings": digits.DigitVoices(digit_folder).train_names(),
    }
    (output / "corpus.json").write_text(json.dumps(description, indent=1) + "\n")
    return description


def read(folder: Path = FOLDER) -> dict:
    """The description written by ``write``."""
    return json.loads((folder / "corpus.json").read_text())


def synthesiser_versions() -> dict[str, str]:
    """Versions of the installed synthesisers; flite tells it only by the name of its file."""
    load_library("libflite.so.1", "libflite1")
    mapped = re.search(r"libflite\.so\.(\S+)", Path("/proc/self/maps").read_text())
    return {"espeak-ng": Espeak().version, "flite": mapped[1] if mapped else "unknown"}


@cache
def _sentences() -> np.ndarray:
    return np.load(FOLDER / "sentences.npy")


def _corpus_hash(folder: Path) -> str:
    """SHA-256 over the transcripts, voices and times of all shards, in order."""
    whole = hashlib.sha256()
    for path in sorted(folder.glob("shard-*.json")):
        whole.update(path.read_bytes())
    return whole.hexdigest()
