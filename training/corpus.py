"""The training corpus: shards of raw log mel with transcripts and word and phone times.

A shard is a function of (seed, shard number) alone, so an interrupted build continues where it
stopped and any shard can be made again on its own.
"""

from __future__ import annotations

import errno
import hashlib
import io
import json
import multiprocessing
import multiprocessing.connection
import os
import random
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path

import numpy as np

from training import lock, mel
from training.errors import BadFileError, RecipeError, read_json, write_whole
from training.language import text
from training.synthesis import digits, effects, voices
from training.utterances import LANGUAGE_SHARES, LONGEST_FRAMES, PAIR_SHARE, Clip, Speaker

FORMAT = 2
CLIPS_PER_SHARD = 1000
_MEGABYTES_PER_CLIP = 0.1
_ENDING_SIGNALS = (signal.SIGTERM, signal.SIGINT)


class CorpusError(RecipeError):
    """The corpus cannot be made or read; the message says what to do."""


class CorpusVersionError(CorpusError):
    """The folder holds a corpus of another seed, grammar or format."""


@dataclass(frozen=True)
class Plan:
    """Which corpus to make, and where."""

    folder: Path
    digits: Path
    seed: int = 1
    shards: int = 50
    clips: int = CLIPS_PER_SHARD

    def identity(self) -> dict:
        """What ``corpus.json`` says about the corpus in a folder."""
        return {
            "format": FORMAT,
            "fingerprint": fingerprint(self.seed, self.clips),
            "seed": self.seed,
            "clips_per_shard": self.clips,
        }

    def path(self, index: int, suffix: str) -> Path:
        """A file of shard ``index``."""
        return self.folder / f"shard-{index:04d}.{suffix}"


def fingerprint(seed: int, clips: int = CLIPS_PER_SHARD) -> str:
    """Hash of everything that determines the corpus, apart from the synthesisers."""
    parts = [
        FORMAT,
        seed,
        clips,
        LANGUAGE_SHARES,
        PAIR_SHARE,
        LONGEST_FRAMES,
        text.fingerprint(),
        voices.recipe(),
        effects.WEIGHTS,
        digits.HELD_OUT_SPEAKER,
    ]
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]


def build(plan: Plan, jobs: int) -> None:
    """Make the plan's missing shards with ``jobs`` processes.

    Raises:
        CorpusError: the disk is full or a worker failed; finished shards stay.
        CorpusVersionError: the folder holds another corpus.
    """
    os.environ["OPENBLAS_NUM_THREADS"] = "1"  # inherited: workers must not share their cores
    with lock.held(plan.folder):
        digits.DigitVoices(plan.digits)  # fails here, not in every worker
        try:
            _claim(plan)
            _make_missing(plan, jobs)
        except OSError as error:
            if error.errno == errno.ENOSPC:
                raise CorpusError(_disk_message(plan)) from error
            raise


def _make_missing(plan: Plan, jobs: int) -> None:
    missing = _missing(plan)
    hours, begin = 0.0, time.monotonic()
    print(f"{len(missing)} of {plan.shards} shards are to be made", flush=True)
    for done, (index, shard_hours) in enumerate(_made_shards(plan, missing, jobs), start=1):
        hours += shard_hours
        print(_progress(index, done, len(missing), hours, begin), flush=True)


def _missing(plan: Plan) -> list[int]:
    return [i for i in range(plan.shards) if not plan.path(i, "json").exists()]


def load(folder: Path) -> list[tuple[list[Clip], np.ndarray]]:
    """All finished shards."""
    return [read_shard(path) for path in finished_shards(folder)]


def finished_shards(folder: Path) -> list[Path]:
    """The JSON files of the finished shards, in order of their numbers."""
    return sorted(folder.glob("shard-*.json"))


def read_shard(path: Path) -> tuple[list[Clip], np.ndarray]:
    """Clips and raw log mel [frames, 128] float16, memory-mapped, of one shard.

    Raises:
        BadFileError: one of its files is missing, cut off or another shard's.
    """
    remedy = f"remove {path} and make that shard again: the same corpus command does"
    arrays = path.with_suffix(".npy")
    try:
        clips = [Clip(**item) for item in read_json(path, remedy)]
        features = np.load(arrays, mmap_mode="r")
    except (TypeError, ValueError, EOFError, FileNotFoundError) as error:
        raise BadFileError(f"{arrays} or its JSON cannot be read ({error}); {remedy}") from None
    if features.shape != (sum(clip.frames for clip in clips), mel.BINS):
        raise BadFileError(f"{arrays} does not fit {path.name}; {remedy}")
    return clips, features


def identify(folder: Path) -> dict:
    """What ``corpus.json`` of a folder says; the folder must hold a corpus of this format."""
    mark = folder / "corpus.json"
    if not mark.exists():
        raise CorpusError(
            f"{folder} holds no corpus; make one with: python -m training corpus --dir {folder}"
        )
    identity = read_json(mark, "choose another --dir")
    if not finished_shards(folder):
        raise CorpusError(f"{folder} has no finished shard yet; wait for the first one")
    if identity.get("format") != FORMAT:
        raise CorpusVersionError(
            f"{folder} holds a corpus of format {identity.get('format', 1)}, this recipe needs "
            f"{FORMAT}; make one in an empty folder with: python -m training corpus --dir FOLDER"
        )
    return identity


def _claim(plan: Plan) -> None:
    """Mark the folder with this corpus' identity, or refuse another one's folder."""
    mark, identity = plan.folder / "corpus.json", plan.identity()
    remedy = "choose an empty --dir or remove it"
    if mark.exists() and (found := read_json(mark, remedy)) != identity:
        raise CorpusVersionError(
            f"{plan.folder} holds another corpus ({json.dumps(found)}; this recipe makes "
            f"{json.dumps(identity)}); {remedy}"
        )
    write_whole(mark, json.dumps(identity))


def _progress(index: int, done: int, total: int, hours: float, begin: float) -> str:
    elapsed = time.monotonic() - begin
    left = elapsed / done * (total - done) / 60
    rate = hours * 3600 / elapsed
    return (
        f"shard {index}: {done}/{total} done, {hours:.1f} h, {rate:.0f}x real time, "
        f"{left:.0f} min left"
    )


def _disk_message(plan: Plan) -> str:
    """What a full disk needs, from the size of the finished shards where there are any."""
    sizes = [path.stat().st_size for path in plan.folder.glob("shard-*.npy")]
    size = sum(sizes) / len(sizes) / 1e9 if sizes else plan.clips * _MEGABYTES_PER_CLIP / 1e3
    missing = len(_missing(plan))
    return (
        f"the disk of {plan.folder} is full: {missing} more shards need about "
        f"{missing * size:.1f} GB; free that much or ask for fewer --shards. The same command "
        "resumes"
    )


def _made_shards(plan: Plan, missing: list[int], jobs: int) -> Iterator[tuple[int, float]]:
    """(number, hours) of each shard as it gets ready.

    Each shard is made in a process of its own, because espeak-ng carries state from utterance to
    utterance. It is forked, so that the text is extracted once.
    """
    context = multiprocessing.get_context("fork")
    waiting = missing[::-1]
    running: dict[Connection, BaseProcess] = {}
    try:
        while waiting or running:
            while waiting and len(running) < jobs:
                reader, writer = context.Pipe(duplex=False)
                task = (writer, plan, waiting.pop())
                process = context.Process(target=_report_shard, args=task, daemon=True)
                with _signals_waiting():  # Python loses those that come while it forks
                    process.start()
                    running[reader] = process
                writer.close()
            ready = multiprocessing.connection.wait(list(running))
            for reader in [reader for reader in running if reader in ready]:
                yield _outcome(reader, running.pop(reader))
    finally:
        for process in running.values():
            process.terminate()
            process.join()


@contextmanager
def _signals_waiting() -> Iterator[None]:
    """Signals that end a program come behind the block."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _ENDING_SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _report_shard(writer: Connection, plan: Plan, index: int) -> None:
    """Make a shard and send (number, hours), or the exception that kept it from being made."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the parent, who ends its workers
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _ENDING_SIGNALS)
    try:
        writer.send(_build_shard(plan, index))
    except (RuntimeError, OSError) as error:
        with suppress(BrokenPipeError):  # nobody waits for it any more
            writer.send(error)


def _outcome(reader: Connection, process: BaseProcess) -> tuple[int, float]:
    """What a worker sent; its exception is raised."""
    try:
        outcome = reader.recv()
    except EOFError:
        raise CorpusError(
            "a worker died (killed for memory, or a synthesiser crashed); "
            "the same command resumes, with fewer --jobs if memory is short"
        ) from None
    process.join()
    if isinstance(outcome, Exception):
        raise outcome
    return outcome


def _build_shard(plan: Plan, index: int) -> tuple[int, float]:
    """Make one shard; its JSON file is renamed into place last and marks it as finished."""
    speaker, rng, parent = Speaker(plan.digits), random.Random(f"{plan.seed}/{index}"), os.getppid()
    clips, features = [], []
    for _ in range(plan.clips):
        if os.getppid() != parent:
            raise CorpusError("the process that wanted this shard is gone")
        clip, frames = speaker.utterance(rng)
        clips.append(clip)
        features.append(frames)
    arrays = plan.path(index, "npy")
    try:
        buffer = io.BytesIO()  # writing an array straight to a full disk hides the reason
        np.save(buffer, np.concatenate(features))
        arrays.write_bytes(buffer.getbuffer())
        content = json.dumps([asdict(clip) for clip in clips], ensure_ascii=False)
        write_whole(plan.path(index, "json"), content)
    except OSError:
        arrays.unlink(missing_ok=True)
        raise
    return index, sum(clip.frames for clip in clips) / (mel.FRAMES_PER_SECOND * 3600)
