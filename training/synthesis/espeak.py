"""Speech from espeak-ng through its C library, with word and phone times."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from training.synthesis.speech import Speech, SynthesisError, load_library, resample

_SYNCHRONOUS = 2
_PHONEME_EVENTS = 0x0001
_DONT_EXIT = 0x8000
_UTF8 = 1
_RATE, _VOLUME, _PITCH, _RANGE, _WORD_GAP = 1, 2, 3, 4, 7
_END_OF_LIST, _WORD, _PHONEME = 0, 1, 7


class _EventId(ctypes.Union):
    _fields_ = [("number", ctypes.c_int), ("name", ctypes.c_char_p), ("string", ctypes.c_char * 8)]


class _Event(ctypes.Structure):
    _fields_ = [
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", _EventId),
    ]


_Callback = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event)
)


@dataclass(frozen=True)
class Prosody:
    """espeak-ng's speaking parameters: words per minute, and 0-100 scales."""

    rate: int = 160
    pitch: int = 50
    pitch_range: int = 50
    word_gap: int = 0


class Espeak:
    """The library, which exists once per process and speaks one utterance at a time."""

    def __init__(self) -> None:
        self._lib = load_library("libespeak-ng.so.1", "libespeak-ng1 espeak-ng-data")
        self._lib.espeak_Info.restype = ctypes.c_char_p
        options = _PHONEME_EVENTS | _DONT_EXIT
        self._sample_rate = self._lib.espeak_Initialize(_SYNCHRONOUS, 500, None, options)
        if self._sample_rate <= 0:
            raise SynthesisError("espeak-ng does not start; are its data files installed?")
        self._pcm: list[np.ndarray] = []
        self._events: list[tuple[int, int, int, str]] = []
        self._callback = _Callback(self._receive)
        self._lib.espeak_SetSynthCallback(self._callback)
        self._voice = ""

    @property
    def version(self) -> str:
        """The library's version string."""
        return self._lib.espeak_Info(None).decode().split()[0]

    def speak(self, text: str, voice: str, prosody: Prosody) -> Speech:
        """Speak ``text`` with ``voice`` ("en-us+f2": language and variant)."""
        if voice != self._voice and self._lib.espeak_SetVoiceByName(voice.encode()) != 0:
            raise SynthesisError(f"espeak-ng has no voice {voice!r}")
        self._voice = voice
        for parameter, value in (
            (_RATE, prosody.rate),
            (_PITCH, prosody.pitch),
            (_RANGE, prosody.pitch_range),
            (_WORD_GAP, prosody.word_gap),
        ):
            self._lib.espeak_SetParameter(parameter, value, 0)
        self._pcm, self._events = [], []
        data = text.encode() + b"\0"
        status = self._lib.espeak_Synth(data, len(data), 0, 1, 0, _UTF8, None, None)
        if status != 0 or not self._pcm:
            raise SynthesisError(f"espeak-ng failed on {text!r} ({status})")
        pcm = np.concatenate(self._pcm).astype(np.float32) / 32768
        samples = resample(pcm, self._sample_rate)
        phones = self._phones(len(samples) / 16_000)
        return Speech(samples, self._words(text, phones), phones)

    def _receive(self, pcm, count: int, events) -> int:
        """Collect one block of audio and its events (called by the library)."""
        if count > 0:
            self._pcm.append(np.ctypeslib.as_array(pcm, (count,)).copy())
        index = 0
        while events[index].type != _END_OF_LIST:
            event = events[index]
            label = event.id.string.decode("utf-8", "replace") if event.type == _PHONEME else ""
            self._events.append((event.type, event.text_position, event.audio_position, label))
            index += 1
        return 0

    def _phones(self, duration: float) -> list[tuple[str, float]]:
        """(label, end) pairs; espeak reports the start of each phone."""
        starts = [(at / 1000, label) for kind, _, at, label in self._events if kind == _PHONEME]
        if not starts:
            raise SynthesisError("espeak-ng reported no phones")
        ends = [at for at, _ in starts[1:]] + [duration]
        phones = [(label or "_", end) for (_, label), end in zip(starts, ends, strict=True)]
        return [("_", starts[0][0]), *phones]

    def _words(self, text: str, phones: list[tuple[str, float]]) -> list[tuple[float, float]]:
        """(start, end) per word; a word espeak merged into another shares its span evenly."""
        offsets = _word_offsets(text)
        starts: list[float | None] = [None] * len(offsets)
        for kind, position, at, _ in self._events:
            if kind != _WORD:
                continue
            index = max(i for i, o in enumerate(offsets) if o <= max(position - 1, offsets[0]))
            if starts[index] is None:
                starts[index] = at / 1000
        filled = _interpolate(starts, _last_voiced_end(phones))
        return [(start, _trim_silence(start, end, phones)) for start, end in pairwise(filled)]


def _word_offsets(text: str) -> list[int]:
    """Character offset of each whitespace-separated word."""
    offsets, position = [], 0
    for word in text.split():
        position = text.index(word, position)
        offsets.append(position)
        position += len(word)
    return offsets


def _interpolate(starts: list[float | None], end: float) -> list[float]:
    """Known starts with the missing ones spread evenly between neighbours, plus the end."""
    known = [(i, s) for i, s in enumerate(starts) if s is not None]
    if not known or known[0][0] != 0:
        raise SynthesisError("espeak-ng reported no start for the first word")
    known.append((len(starts), max(end, known[-1][1] + 0.02)))
    filled: list[float] = []
    for (i, s), (j, t) in pairwise(known):
        filled += [s + (t - s) * k / (j - i) for k in range(j - i)]
    return [*filled, known[-1][1]]


def _is_silence(label: str) -> bool:
    return label.startswith("_")


def _last_voiced_end(phones: list[tuple[str, float]]) -> float:
    return max((end for label, end in phones if not _is_silence(label)), default=phones[-1][1])


def _trim_silence(start: float, end: float, phones: list[tuple[str, float]]) -> float:
    """The word's end without a pause that follows it."""
    begin = 0.0
    for label, until in phones:
        if _is_silence(label) and start < begin < end <= until + 0.05:
            return begin
        begin = until
    return end
