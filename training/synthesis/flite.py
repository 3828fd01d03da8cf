"""Speech from flite through its C library, with word and phone times.

Its text analysis is English. In other languages espeak-ng says which phones to speak.
"""

from __future__ import annotations

import ctypes
from dataclasses import dataclass, replace

import numpy as np

from training.synthesis.accent import Accent
from training.synthesis.diphone_tables import RADIO
from training.synthesis.intonation import audible
from training.synthesis.speech import Speech, SynthesisError, load_library, resample

_LIBRARIES = (
    "libflite.so.1",
    "libflite_cmulex.so.1",
    "libflite_usenglish.so.1",
)
VOICES = ("kal", "kal16", "awb", "rms", "slt")
_ACCENT = Accent(RADIO)
_PHONE_TEMPO = {"awb": 0.85, "slt": 0.75}
"""Stretch that makes up for a voice's slowness when it gets phones without their words."""


class _Voice(ctypes.Structure):
    _fields_ = [("name", ctypes.c_char_p), ("features", ctypes.c_void_p)]


class _Wave(ctypes.Structure):
    _fields_ = [
        ("type", ctypes.c_char_p),
        ("sample_rate", ctypes.c_int),
        ("num_samples", ctypes.c_int),
        ("num_channels", ctypes.c_int),
        ("samples", ctypes.POINTER(ctypes.c_short)),
    ]


@dataclass(frozen=True)
class Prosody:
    """How a flite voice speaks.

    ``stretch`` > 1 is slower. ``pitch`` is in Hz, for the diphone voices only; 0 keeps the
    voice's own. ``pitch_factor`` scales the pitch of the other voices. ``shift`` > 1 plays the
    voice faster and higher, as a shorter vocal tract would.
    """

    stretch: float = 1.0
    pitch: float = 0.0
    pitch_factor: float = 1.0
    shift: float = 1.0


class Flite:
    """The library with its five English voices."""

    def __init__(self) -> None:
        for name in _LIBRARIES:
            load_library(name, "libflite1")
        self._lib = ctypes.CDLL("libflite.so.1")
        self._declare()
        self._lib.flite_init()
        self._voices: dict[str, ctypes._Pointer] = {}
        for name in VOICES:
            library = load_library(f"libflite_cmu_us_{name}.so.1", "libflite1")
            register = getattr(library, f"register_cmu_us_{name}")
            register.restype = ctypes.POINTER(_Voice)
            self._voices[name] = register(None)

    def _declare(self) -> None:
        """Types of the functions used; without them ctypes cuts pointers to 32 bits."""
        pointer, text, real = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_float
        for name, result, arguments in (
            ("flite_synth_text", pointer, [text, pointer]),
            ("flite_synth_phones", pointer, [text, pointer]),
            ("delete_utterance", None, [pointer]),
            ("utt_wave", ctypes.POINTER(_Wave), [pointer]),
            ("utt_relation", pointer, [pointer, text]),
            ("relation_head", pointer, [pointer]),
            ("item_next", pointer, [pointer]),
            ("item_prev", pointer, [pointer]),
            ("item_daughter", pointer, [pointer]),
            ("item_last_daughter", pointer, [pointer]),
            ("item_as", pointer, [pointer, text]),
            ("item_feat_string", text, [pointer, text]),
            ("item_feat_float", real, [pointer, text]),
            ("flite_feat_set_float", None, [pointer, text, real]),
        ):
            function = getattr(self._lib, name)
            function.restype, function.argtypes = result, arguments

    def speak(self, text: str, voice: str, prosody: Prosody) -> Speech:
        """Speak English ``text`` with one of ``VOICES``."""
        handle = self._prepared(voice, prosody)
        utterance = self._lib.flite_synth_text(text.encode(), handle)
        if not utterance:
            raise SynthesisError(f"flite failed on {text!r}")
        try:
            return self._collect(utterance, text, prosody.shift)
        finally:
            self._lib.delete_utterance(utterance)

    def speak_phones(self, source: Speech, language: str, voice: str, prosody: Prosody) -> Speech:
        """Speak the phones that espeak-ng gave ``source``, with flite's own timing."""
        spelling = [
            (label, end, _ACCENT.names(label, language)) for label, end in audible(source.phones)
        ]
        names = [name for _, _, own in spelling for name in own]
        tempo = prosody.stretch * _PHONE_TEMPO.get(voice, 1.0)
        handle = self._prepared(voice, replace(prosody, stretch=tempo))
        utterance = self._lib.flite_synth_phones(" ".join(names).encode(), handle)
        if not utterance:
            raise SynthesisError(f"flite failed on the phones {names}")
        try:
            ends = [end / prosody.shift for _, end in self._segments(utterance)]
            samples = self._samples(utterance, prosody.shift)
        finally:
            self._lib.delete_utterance(utterance)
        if len(ends) != len(names):
            raise SynthesisError(f"flite spoke {len(ends)} phones of {len(names)}")
        last = np.cumsum([len(own) for _, _, own in spelling]) - 1
        old = [0.0, *(end for _, end, _ in spelling)]
        new = [0.0, *(ends[index] for index in last)]
        words = [(float(a), float(b)) for a, b in np.interp(source.words, old, new).tolist()]
        phones = [(label, end) for (label, _, _), end in zip(spelling, new[1:], strict=True)]
        return Speech(samples, words, phones)

    def _prepared(self, voice: str, prosody: Prosody) -> ctypes._Pointer:
        """The voice with its prosody set."""
        handle = self._voices[voice]
        features = handle.contents.features
        self._lib.flite_feat_set_float(features, b"duration_stretch", prosody.stretch)
        self._lib.flite_feat_set_float(features, b"f0_shift", prosody.pitch_factor)
        if prosody.pitch and voice.startswith("kal"):
            self._lib.flite_feat_set_float(features, b"int_f0_target_mean", prosody.pitch)
        return handle

    def _samples(self, utterance: int, shift: float) -> np.ndarray:
        wave = self._lib.utt_wave(utterance).contents
        pcm = np.ctypeslib.as_array(wave.samples, (wave.num_samples,)).astype(np.float32) / 32768
        return resample(pcm, wave.sample_rate * shift)

    def _collect(self, utterance: int, text: str, shift: float) -> Speech:
        words = [(a / shift, b / shift) for a, b in self._words(utterance)]
        if len(words) != len(text.split()):
            raise SynthesisError(f"flite reads {text!r} as {len(words)} words")
        phones = [(label, end / shift) for label, end in self._segments(utterance)]
        return Speech(self._samples(utterance, shift), words, phones)

    def _items(self, utterance: int, relation: bytes):
        item = self._lib.relation_head(self._lib.utt_relation(utterance, relation))
        while item:
            yield item
            item = self._lib.item_next(item)

    def _segments(self, utterance: int) -> list[tuple[str, float]]:
        lib = self._lib
        return [
            (
                "_" if (name := lib.item_feat_string(item, b"name").decode()) == "pau" else name,
                lib.item_feat_float(item, b"end"),
            )
            for item in self._items(utterance, b"Segment")
        ]

    def _words(self, utterance: int) -> list[tuple[float, float]]:
        """(start, end) of each written word; one read as several spans them all."""
        spans = []
        for token in self._items(utterance, b"Token"):
            word, ends = self._lib.item_daughter(token), []
            while word:
                ends += self._syllable_span(word)
                word = self._lib.item_next(word)
            if ends:
                spans.append((min(ends), max(ends)))
        return spans

    def _syllable_span(self, word: int) -> list[float]:
        """Start of the first and end of the last segment of a word."""
        lib = self._lib
        structure = lib.item_as(word, b"SylStructure")
        if not structure or not lib.item_daughter(structure):
            return []
        first = lib.item_daughter(lib.item_daughter(structure))
        last = lib.item_last_daughter(lib.item_last_daughter(structure))
        if not first or not last:
            return []
        segment = lib.item_as(first, b"Segment")
        before = lib.item_prev(segment)
        start = lib.item_feat_float(before, b"end") if before else 0.0
        return [start, lib.item_feat_float(lib.item_as(last, b"Segment"), b"end")]
