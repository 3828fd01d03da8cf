"""Where segments begin and end: on real speech, in noise, at any cut of the audio."""

from itertools import pairwise
from typing import Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks import scenes
from hark.engine.audio.voice import VAD_FRAME_SAMPLES, VoiceDetector
from hark.engine.engine import Engine
from hark.engine.limits import EngineLimits
from hark.engine.offline import transcribe
from hark.engine.streams.endpointing import Begin, End, new_endpointer, quietest_cut
from hark.engine.types import (
    SAMPLE_RATE,
    Endpointing,
    Final,
    SpeechEnded,
    SpeechStarted,
    StreamOptions,
)
from tests.engine.models import small_runner, tiny_model, tiny_tokenizer

TOKENIZER = tiny_tokenizer()
MODEL = tiny_model(TOKENIZER)
MS = SAMPLE_RATE // 1000


def segments(
    blocks: list[np.ndarray], endpointing: Endpointing | None = None
) -> list[tuple[int, int, int]]:
    """(start, last speech, end) of every segment, in samples; what is said does not matter."""
    runner = small_runner(MODEL, page_tokens=2048, num_pages=3)
    engine = Engine(runner, TOKENIZER, EngineLimits(1, 30, 2048, ()), model_name="tiny")
    options = StreamOptions(partials=False, endpointing=endpointing or Endpointing())
    said = list(transcribe(engine, blocks, options))
    starts = [u.start_sample for u in said if isinstance(u, SpeechStarted)]
    voices = [u.end_sample for u in said if isinstance(u, SpeechEnded)]
    ends = [u.end_sample for u in said if isinstance(u, Final)]
    return list(zip(starts, voices, ends, strict=True))


def silence(seconds: float) -> np.ndarray:
    return np.zeros(int(seconds * SAMPLE_RATE), np.float32)


def voiced_span(clip: np.ndarray) -> tuple[int, int]:
    loud = np.flatnonzero(np.abs(clip) > 0.02)
    return int(loud[0]), int(loud[-1])


@pytest.fixture(scope="module")
def conversation(speech: list[np.ndarray]) -> tuple[np.ndarray, list[tuple[int, int]]]:
    """Three recordings with 1.5 s of silence around each, and where the voice is."""
    parts, spans, at = [silence(1.5)], [], int(1.5 * SAMPLE_RATE)
    for clip in speech[1:4]:
        begin, end = voiced_span(clip)
        spans.append((at + begin, at + end))
        parts += [clip, silence(1.5)]
        at += clip.shape[0] + int(1.5 * SAMPLE_RATE)
    return np.concatenate(parts), spans


def test_one_segment_for_each_utterance(
    conversation: tuple[np.ndarray, list[tuple[int, int]]],
) -> None:
    audio, spans = conversation
    found = segments([audio])
    # An utterance may hold a pause of its own: its segments together must cover its voice.
    for begin, end in spans:
        mine = [s for s in found if s[0] < end and s[2] > begin]
        assert mine
        assert -700 * MS <= mine[0][0] - begin <= 0  # with its first sound, and not much before
        assert abs(mine[-1][1] - end) <= 350 * MS
        assert 500 * MS <= mine[-1][2] - mine[-1][1] <= 700 * MS  # the pause ended it
    for one, following in pairwise(found):
        assert one[2] <= following[0]


def test_segments_do_not_depend_on_the_network(
    conversation: tuple[np.ndarray, list[tuple[int, int]]],
) -> None:
    audio, _ = conversation
    whole = segments([audio])
    chance = np.random.default_rng(3)
    edges = np.sort(chance.integers(0, audio.shape[0], 300))
    assert segments(np.split(audio, edges)) == whole
    assert segments(np.split(audio, range(0, audio.shape[0], 1600))) == whole


def test_finalize_keeps_a_word_too_short_for_a_segment(speech: list[np.ndarray]) -> None:
    begin, _ = voiced_span(speech[0])
    blip = speech[0][begin : begin + 6 * VAD_FRAME_SAMPLES]
    [(start, _, end)] = segments([silence(1.0), blip])
    assert start <= SAMPLE_RATE
    assert end == SAMPLE_RATE + blip.shape[0]


@pytest.mark.parametrize("kind", ["digital silence", "hiss", "hum"])
def test_no_speech_no_segment(kind: str) -> None:
    time = np.arange(20 * SAMPLE_RATE) / SAMPLE_RATE
    noise = np.random.default_rng(1).standard_normal(time.shape[0]).astype(np.float32)
    signal = {
        "digital silence": 0 * noise,
        "hiss": 0.003 * noise,
        "hum": (0.02 * np.sin(2 * np.pi * 50 * time)).astype(np.float32),
    }[kind]
    assert segments([signal]) == []


def test_a_voice_in_noise_is_told_from_the_noise(
    conversation: tuple[np.ndarray, list[tuple[int, int]]],
) -> None:
    """webrtcvad alone hears one voice from the first second to the last."""
    audio, spans = conversation
    chance = np.random.default_rng(5)
    time = np.arange(audio.shape[0]) / SAMPLE_RATE
    hum = sum(np.sin(2 * np.pi * 50 * k * time) / k for k in range(1, 9))
    hiss = chance.standard_normal(time.shape[0])
    voiced = np.concatenate([audio[begin:end] for begin, end in spans])
    for noise in (hum, hiss):
        gain = np.sqrt(np.mean(voiced**2) / np.mean(noise**2) / 10)  # 10 dB under the voice
        found = segments([(audio + gain * noise).astype(np.float32)])
        for begin, end in spans:
            assert any(start <= begin + 20 * MS < stop for start, _, stop in found)
            assert any(400 * MS <= stop - end <= 900 * MS for _, _, stop in found)


@pytest.mark.parametrize(
    ("hz", "amplitude"), [(0, 0.05), (0, -0.2), (5, 0.2), (20, 0.1), (50, 0.05)]
)
def test_what_is_slower_than_a_voice_is_no_sound(
    speech: list[np.ndarray], hz: int, amplitude: float
) -> None:
    """A microphone's offset, wind, rumble, the mains: they hid who speaks softly."""
    audio = np.concatenate([silence(1.5), *(part for c in speech for part in (c, silence(1.5)))])
    soft = 0.3 * audio
    ends = ends_of(soft)
    assert len(ends) >= len(speech)
    slow = amplitude * np.cos(2 * np.pi * hz * np.arange(soft.shape[0]) / SAMPLE_RATE)
    found = ends_of((soft + slow).astype(np.float32))
    assert all(min(abs(at - end) for at in found) <= 300 * MS for end in ends)


@pytest.mark.parametrize("at_s", [1.2, 3.0, 6.0, 9.0])
def test_a_hole_says_nothing_about_the_noise(
    conversation: tuple[np.ndarray, list[tuple[int, int]]], at_s: float
) -> None:
    """Lost packets and short mutes are zeros; after them all noise was taken for a voice."""
    audio, _ = conversation
    noise = np.random.default_rng(7).standard_normal(audio.shape[0])
    noisy = (audio + 0.01 * noise).astype(np.float32)
    ends = ends_of(noisy)
    at = int(at_s * SAMPLE_RATE) // VAD_FRAME_SAMPLES * VAD_FRAME_SAMPLES
    noisy[at : at + 100 * MS] = 0.0
    with_hole = ends_of(noisy)
    assert len(with_hole) == len(ends)
    assert max(abs(one - other) for one, other in zip(ends, with_hole, strict=True)) <= 300 * MS


def test_a_pause_is_heard_through_the_voices_behind(speech: list[np.ndarray]) -> None:
    """Seven voices at once, 10 dB under the one that speaks, go on while that one pauses.

    An end is late where they are taken for it: 8 of 27 were, had babble no threshold of its own.
    """
    spans, at, parts = [], int(1.5 * SAMPLE_RATE), [silence(1.5)]
    for clip in speech:
        begin, end = voiced_span(clip)
        spans.append((at + begin, at + end))
        parts += [clip, silence(1.5)]
        at += clip.shape[0] + int(1.5 * SAMPLE_RATE)
    audio = np.concatenate(parts)
    voiced = np.concatenate([audio[begin:end] for begin, end in spans])
    delays_ms: list[float] = []
    for seed in (3, 4, 5):
        chance = np.random.default_rng(seed)
        talk = np.resize(np.concatenate([c[slice(*voiced_span(c))] for c in speech]), audio.shape)
        babble = sum(np.roll(talk, chance.integers(talk.shape[0])) for _ in range(7))
        gain = np.sqrt(np.mean(voiced**2) / np.mean(babble**2) / 10)
        ends = ends_of((audio + gain * babble).astype(np.float32))
        delays_ms += [
            min((at - end for at in ends if at >= end), default=0) / MS for _, end in spans
        ]
    assert sum(not 400 <= delay <= 1000 for delay in delays_ms) <= 1


def test_no_word_is_cut_in_babble() -> None:
    """At 5 dB a soft last word is no louder than the seven behind: by level one in 25 was cut."""
    scene = scenes.compose(scenes.sentences(), 8)
    noisy = scenes.in_noise(scene, "babble", 5.0, 8)
    begins = [words[0][0] for words in scene.utterances] + [noisy.shape[0]]
    ends = [0] + [words[-1][1] for words in scene.utterances]
    voices = [at - Endpointing().pause_ms * MS for at in ends_of(noisy)]
    assert len(voices) >= len(scene.utterances)
    for at in voices:  # where one was last heard: in a pause, or just before it
        assert any(end - 300 * MS <= at < begin for end, begin in zip(ends, begins, strict=True))


def test_babble_alone_begins_nothing() -> None:
    """But for the first seconds, in which whoever speaks at once is heard."""
    for seed in (7, 20, 21):
        babble = np.float32(0.5) * scenes.make_noise("babble", 60 * SAMPLE_RATE, seed)
        begun = [sample for sample, _ in spans_of(babble)]
        assert all(sample < 2.5 * SAMPLE_RATE for sample in begun)
        assert len(begun) <= 2
        assert sum(end - begin for begin, end in spans_of(babble)) < 5 * SAMPLE_RATE


@pytest.mark.parametrize("kind", ["white noise", "hum"])
@pytest.mark.parametrize(("quiet_s", "noise_s"), [(0.0, 0.0), (3.0, 5.5), (3.0, 7.5)])
def test_who_speaks_as_noise_becomes_known_is_heard(
    kind: str, quiet_s: float, noise_s: float
) -> None:
    """In a stream's first sample, or when a fan has run for some seconds: no word was ever lost."""
    for number, spoken in enumerate(scenes.sentences()[:6]):
        at = int((quiet_s + noise_s) * SAMPLE_RATE)
        samples = np.concatenate([silence(quiet_s + noise_s), spoken.samples, silence(1.5)])
        words = [(at + begin, at + end) for begin, end in spoken.words]
        noisy = scenes.in_noise(scenes.Scene(samples, [words]), kind, 10.0, number)
        noisy[: int(quiet_s * SAMPLE_RATE)] = 0.0
        found = spans_of(noisy)
        for begin, end in words:
            inside = (min(end, stop) - max(begin, start) for start, stop in found)
            assert sum(max(0, part) for part in inside) > 0.5 * (end - begin)


def spans_of(audio: np.ndarray) -> list[tuple[int, int]]:
    """Where segments begin and end, the last one with the audio; no engine, no model."""
    detector, options, spans = VoiceDetector(), Endpointing(), []
    endpointer, begin = new_endpointer(options, detector, 0), None
    for clock in range(VAD_FRAME_SAMPLES, audio.shape[0] + 1, VAD_FRAME_SAMPLES):
        match endpointer.hear(audio[clock - VAD_FRAME_SAMPLES : clock], clock):
            case Begin(sample=begin):
                pass
            case End(sample=end):
                assert begin is not None
                spans.append((begin, end))
                endpointer, begin = new_endpointer(options, detector, clock), None
    return spans if begin is None else [*spans, (begin, audio.shape[0])]


def ends_of(audio: np.ndarray) -> list[int]:
    """When pauses end segments, as samples heard until then; no engine, no model."""
    detector, options, ends = VoiceDetector(), Endpointing(), []
    endpointer = new_endpointer(options, detector, 0)
    for clock in range(VAD_FRAME_SAMPLES, audio.shape[0] + 1, VAD_FRAME_SAMPLES):
        if isinstance(endpointer.hear(audio[clock - VAD_FRAME_SAMPLES : clock], clock), End):
            ends.append(clock)
            endpointer = new_endpointer(options, detector, clock)
    return ends


@pytest.mark.parametrize("before_ms", [0, 200, 1000])
def test_padding_and_what_it_leaves(
    conversation: tuple[np.ndarray, list[tuple[int, int]]], before_ms: int
) -> None:
    audio, _ = conversation
    whole = segments([audio])
    padded = segments([audio], Endpointing(pad_before_ms=before_ms, pad_after_ms=100))
    assert len(padded) == len(whole)
    before = default_before = 0
    for (start, voice, end), (default_start, default_voice, default_end) in zip(
        padded, whole, strict=True
    ):
        if default_start > default_before:  # the padding is all there
            assert start == max(before, default_start + (300 - before_ms) * MS)
        assert start >= before
        assert (voice, end) == (default_voice, default_voice + 100 * MS)
        before, default_before = end, default_end


def test_little_voice_is_not_speech_where_more_is_asked_for(
    conversation: tuple[np.ndarray, list[tuple[int, int]]], speech: list[np.ndarray]
) -> None:
    begin, _ = voiced_span(speech[0])
    blip = speech[0][begin : begin + 12 * VAD_FRAME_SAMPLES]
    audio = np.concatenate([silence(1.0), blip, silence(1.0)])
    assert len(segments([audio], Endpointing(min_speech_ms=60))) == 1
    assert segments([audio], Endpointing(min_speech_ms=800)) == []


@pytest.mark.parametrize("mode", ["manual", "off"])
def test_without_endpoints_nothing_is_left_out(mode: Literal["manual", "off"]) -> None:
    chance = np.random.default_rng(3)
    audio = (0.01 * chance.standard_normal(SAMPLE_RATE * 12 + 77)).astype(np.float32)
    blocks = np.split(audio, np.sort(chance.integers(0, audio.shape[0], 300)))
    found = segments(blocks, Endpointing(mode))
    assert [(start, end) for start, _, end in found] == [(0, audio.shape[0])]


@given(st.integers(0, 30_000), st.integers(0, 2**16))
def test_the_cut_is_where_it_is_quiet(at: int, seed: int) -> None:
    samples = np.random.default_rng(seed).uniform(-1, 1, 48_000).astype(np.float32)
    samples[at : at + 3_200] *= 0.01
    assert at <= quietest_cut(samples) <= at + 3_200
