"""What a listener sees while someone speaks: broken-off clips, stable words, and speed."""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import numpy as np
import torch

from hark.engine.config import EngineConfig
from hark.engine.load import load_engine
from hark.engine.types import Endpointing, EngineUpdate, Final, Partial, StreamOptions
from training.evaluation import measure, scoring, testsets
from training.evaluation.evaluate import TestClip
from training.evaluation.exam import Exam
from training.language import text
from training.synthesis.speech import SAMPLE_RATE

_LEAD_S, _TAIL_S = 0.4, 1.0
"""Silence around a clip in a stream."""
_WHOLE_WINDOW_S = StreamOptions().final_window_s
_LATE_S = 26
"""From here on a segment is long."""


def partials(exam: Exam) -> dict:
    """Clips broken off at random points, against the words fully spoken by then.

    Counted twice: strictly, and with the word that is being spoken at the cut allowed.
    """
    rng = exam.rng("partials")
    cuts = [
        testsets.cut(testsets.joined_clip(exam.engines, rng, 3, 12), rng)
        for _ in range(exam.sizes.cut_clips)
    ]
    clips = [clip for clip, _ in cuts]
    longer = [replace(clip, text=begun) for clip, begun in cuts]
    answers = measure.in_both_windows(clips, exam.answers)
    rows = measure.window_rows(clips, answers, {"strict": range(len(clips))})
    lenient = rows["last word allowed"] = {}
    for window, some in answers.items():
        strict, words = measure.errors_of(clips, some)
        allowed, _ = measure.errors_of(longer, some)
        lenient[window] = asdict(scoring.rate(list(map(min, strict, allowed)), words))
    return {"rows": rows}


@dataclass
class Shown:
    """What one stream showed of one clip."""

    stable: list[str] = field(default_factory=list)
    delays_ms: list[float] = field(default_factory=list)
    with_compute_ms: list[float] = field(default_factory=list)
    retracted: int = 0
    replaced: int = 0
    last: list[str] = field(default_factory=list)  # words of the segments' last partials
    final: list[str] = field(default_factory=list)


def stream(exam: Exam) -> dict:
    """Clips streamed through the engine: stable words taken back, and how late they come.

    Also what streaming costs in words: last partials against finals, and finals of the segments
    against the clips decoded whole.
    """
    rng = exam.rng("stream")
    clips = [testsets.joined_clip(exam.engines, rng, 5, 14) for _ in range(exam.sizes.streams)]
    shown = [watch(clip, exam.hear(_surrounded(clip), StreamOptions())) for clip in clips]
    stable = [len(s.stable) for s in shown]
    last, words = measure.errors_of(clips, [("", " ".join(s.last)) for s in shown])
    final, _ = measure.errors_of(clips, [("", " ".join(s.final)) for s in shown])
    whole, _ = measure.errors_of(clips, exam.answers(clips, _WHOLE_WINDOW_S))
    return {
        "clips": len(clips),
        "stable words": sum(stable),
        "stable words retracted by partials": sum(s.retracted for s in shown),
        "stable words replaced by finals": asdict(
            scoring.rate([s.replaced for s in shown], stable)
        ),
        "delay of stable words, ms of audio": scoring.spread(
            [delay for s in shown for delay in s.delays_ms]
        ),
        "delay with the time to compute, ms": scoring.spread(
            [delay for s in shown for delay in s.with_compute_ms]
        ),
        "words of last partials": asdict(scoring.rate(last, words)),
        "words of finals": asdict(scoring.rate(final, words)),
        "words of whole clips": asdict(scoring.rate(whole, words)),
        "last partials minus finals": asdict(scoring.difference(last, final, words)),
        "finals minus whole clips": asdict(scoring.difference(final, whole, words)),
    }


def speed(exam: Exam) -> dict:
    """Sizes on disk, the time to load, and the time of a 320 ms step on one core."""
    folder = exam.inputs.model
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        loading = pool.apply(_loading_time, (folder,))
    rng = exam.rng("speed")
    clip = testsets.joined_clip(exam.engines, rng, 24, 40, "English")
    samples = np.resize(clip.samples, 29 * SAMPLE_RATE)
    with _one_thread():
        updates = exam.hear(samples, StreamOptions(endpointing=Endpointing("manual")))
    steps = [update for update in updates if isinstance(update, Partial)]
    late = [step.compute_ms for step in steps if step.end_sample >= _LATE_S * SAMPLE_RATE]
    sizes = {path.name: path.stat().st_size for path in sorted(folder.iterdir())}
    return {
        "bytes": sizes,
        "bytes in all": sum(sizes.values()),
        "parameters": sum(p.numel() for p in exam.model.parameters()),
        "loading s": round(loading, 2),
        "load average": round(os.getloadavg()[0], 1),
        "step ms": scoring.spread([step.compute_ms for step in steps]),
        f"step ms after second {_LATE_S}": scoring.spread(late),
    }


def _loading_time(folder: Path) -> float:
    """Seconds from the files to an engine that can hear, torch being there already."""
    begin = time.perf_counter()
    load_engine(EngineConfig(model=str(folder), device="cpu"))
    return time.perf_counter() - begin


def watch(clip: TestClip, updates: Sequence[EngineUpdate]) -> Shown:
    """Follow the stable text of every segment, word by word, on the audio's clock."""
    shown, times, costs = Shown(), [], []
    before, segment, whole = "", -1, ""
    for update in updates:
        if isinstance(update, Partial):
            if update.segment != segment:
                before, segment = "", update.segment
            shown.retracted += _retracted(before, update.stable)
            new = update.stable.split()[len(before.split()) :]
            shown.stable += new
            times += [update.end_sample * 1000 / SAMPLE_RATE] * len(new)
            costs += [update.compute_ms] * len(new)
            before, whole = update.stable, update.stable + update.unstable
        elif isinstance(update, Final):
            shown.replaced += update.stable_words_replaced
            shown.last += whole.split()
            shown.final += update.text.split()
            whole = ""
    spoken, written = _plain(clip.text.split()), _plain(shown.stable)
    for i, j in scoring.matches(spoken, written):
        delay = times[j] - 1000 * (_LEAD_S + clip.words[i][1])
        shown.delays_ms.append(delay)
        shown.with_compute_ms.append(delay + costs[j])
    return shown


def _retracted(before: str, now: str) -> int:
    """Words of the stable text ``before`` that ``now`` does not begin with."""
    old, new = before.split(), now.split()
    agreed = 0
    while agreed < min(len(old), len(new)) and old[agreed] == new[agreed]:
        agreed += 1
    return len(old) - agreed


def _plain(words: Sequence[str]) -> list[str]:
    """Words as they are compared; the list stays as long."""
    return [text.normalise(word).replace(" ", "") for word in words]


def _surrounded(clip: TestClip) -> np.ndarray:
    """The clip's samples with silence before and after."""
    lead, tail = int(_LEAD_S * SAMPLE_RATE), int(_TAIL_S * SAMPLE_RATE)
    return np.pad(clip.samples, (lead, tail))


@contextmanager
def _one_thread() -> Iterator[None]:
    """One core for torch, as a server with many streams has it."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
