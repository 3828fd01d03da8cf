"""Containers as they come live: the samples FFmpeg hears in the whole file, for any cut of it."""

import tracemalloc
from collections.abc import Iterator
from itertools import count, pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hark.engine.audio.codecs.container import MAX_SILENT_BYTES, container
from hark.engine.audio.codecs.steps import Reader
from hark.engine.audio.decoder import AudioDecoder
from hark.engine.types import AudioFormat, BadAudioError, Encoding
from tests.engine.recordings import (
    CLUSTER_ID,
    NAMES,
    TRACKS_ID,
    content_of,
    element,
    opus_packets,
    recording,
)

CONTAINER = AudioFormat(Encoding.CONTAINER)
MP3_PADDING = 1152 + 1105  # samples a file may have behind its end: the stream does not know it
WEBM = b"\x1a\x45\xdf\xa3\x80"  # an EBML header with nothing in it
MAGICS = (
    b"RIFF\0\0\0\0WAVEfmt ",
    b"OggS",
    WEBM,
    b"fLaC",
    b"ID3\x04",
    b"\xff\xfb",
)
names = st.sampled_from(NAMES)
# Cuts anywhere, and many in the header, where a format has its most states.
cuts = st.tuples(st.lists(st.floats(0, 1), max_size=8), st.sets(st.integers(0, 150), max_size=20))


def hear(parts: list[bytes]) -> np.ndarray:
    decoder = AudioDecoder(CONTAINER)
    return np.concatenate([*map(decoder.push, parts), decoder.flush()])


def parted(data: bytes, where: tuple[list[float], set[int]]) -> list[bytes]:
    shares, places = where
    edges = sorted([0, *(int(share * len(data)) for share in shares), *places, len(data)])
    return [data[a:b] for a, b in pairwise(edges)]


@pytest.mark.parametrize("name", NAMES)
def test_what_is_heard_is_what_ffmpeg_hears_in_the_whole_file(name: str) -> None:
    wanted = recording(name).samples
    heard = hear([recording(name).data])
    surplus = heard.shape[0] - wanted.shape[0]
    assert 0 <= surplus <= (MP3_PADDING if name.endswith("mp3") else 0)
    # With padding behind it, the resampled end of a file rings differently.
    num_compared = wanted.shape[0] - (400 if surplus else 0)
    assert np.abs(heard[:num_compared] - wanted[:num_compared]).max() < 1e-6
    assert np.abs(wanted).max() > 0.1


@settings(max_examples=60, deadline=None)
@given(names, cuts)
def test_any_cut_gives_the_same_samples(name: str, where: tuple[list[float], set[int]]) -> None:
    data = recording(name).data
    assert np.array_equal(hear(parted(data, where)), hear([data]))


@pytest.mark.parametrize("name", [name for name in NAMES if name != "tagged.mp3"])
def test_sound_comes_while_the_stream_goes_on(name: str) -> None:
    """At the half of the bytes about half of the samples are out, less a frame."""
    data = recording(name).data
    decoder = AudioDecoder(CONTAINER)
    first = decoder.push(data[: len(data) // 2])
    first = np.concatenate([first, decoder.flush()])
    both = np.concatenate([first, decoder.push(data[len(data) // 2 :]), decoder.flush()])
    assert first.shape[0] > 0.25 * both.shape[0]
    assert abs(both.shape[0] - hear([data]).shape[0]) <= 1


@pytest.mark.parametrize("name", ["mono.flac", "stereo.flac"])
def test_a_flush_brings_the_last_whole_frame(name: str) -> None:
    """FLAC frames end where the next begins; who flushes does not want to wait for that."""
    data = recording(name).data
    ends = [at for at in range(len(data)) if data[at : at + 2] in (b"\xff\xf8", b"\xff\xf9")]
    whole = hear([data])
    samples = [hear([data[:end]]).shape[0] for end in ends]
    for extra in range(1, 16):  # of the header behind it
        assert hear([data[: ends[2] + extra]]).shape[0] == samples[2]
    decoder = AudioDecoder(CONTAINER)
    edges = [0, ends[2] - 1, ends[2], ends[2] + 3, ends[3], len(data)]
    parts = [
        each for a, b in pairwise(edges) for each in (decoder.push(data[a:b]), decoder.flush())
    ]
    assert abs(sum(map(len, parts)) - whole.shape[0]) <= len(parts)


def test_one_recording_may_follow_another() -> None:
    """As in web radio, and where a recorder was stopped and started."""
    for name, other in (("mono.ogg", "stereo.ogg"), ("endless.webm", "mono.webm")):
        files = [recording(name).data, recording(other).data]
        wanted = [sound.samples for file in files for sound in Reader(container()).push(file)]
        both = [sound.samples for sound in Reader(container()).push(b"".join(files))]
        assert np.array_equal(np.concatenate(both), np.concatenate(wanted))


def test_other_tracks_are_passed_over() -> None:
    """A track of pictures before the sound, blocks of it between, and one too long to be kept."""
    file = recording("mono.webm").data
    pictures = element(b"\xae", element(b"\xd7", b"\x02") + element(b"\x86", b"V_VP8"))
    tracks = element(TRACKS_ID, pictures + content_of(file, TRACKS_ID))
    _, packets = opus_packets(file)
    blocks = [element(b"\xa3", b"\x81\0\0\x80" + packet) for packet in packets]
    picture = element(b"\xa3", b"\x82\0\0\x80" + bytes(1000))
    large = element(b"\xa3", b"\x82\0\0\x80" + bytes(1 << 20))
    cluster = CLUSTER_ID + b"\xff"  # without a size
    made = file[: file.rindex(TRACKS_ID)] + tracks + cluster + picture.join(blocks) + large
    plain = file[: file.index(CLUSTER_ID)] + cluster + b"".join(blocks)
    assert np.array_equal(hear([made]), hear([plain]))
    assert hear([made]).shape[0] >= 16_000


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"GIF89a", "known are WAV, Ogg with Opus, WebM or Matroska with Opus, FLAC and MP3"),
        (b"\xff\xf1\x50\x80", "known are WAV"),  # AAC
        (b"\0\0\0\x1cftyp", "known are WAV"),  # MP4
        (b"RIFF\0\0\0\0AVI LIST", "no WAV"),
        (b"RIFF\0\0\0\0WAVEdata\0\0\0\0\0\0\0\0", "before their format"),
        (b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0\x11\0\1\0\x40\x1f\0\0\0\0\0\0\0\1\4\0", "format 17"),
        (b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0\1\0\0\0\x40\x1f\0\0\0\0\0\0\0\1\x10\0", "0 channels"),
        (b"OggS\0\2" + bytes(20) + b"\1\7\x01vorbisOggS" + bytes(23), "without Opus"),
        (b"OggS\1" + bytes(22), "version 1"),
        (b"OggS\0\2" + bytes(20) + b"\1\1\0Ogg?", "followed by something that is none"),
        (b"fLaC\x04\0\0\0", "stream info"),
        (WEBM + element(TRACKS_ID, element(b"\xae", element(b"\x86", b"A_AAC"))), "A_AAC"),
        (WEBM + element(b"\xa3", bytes(9)), "before its tracks"),
        (WEBM + b"\xec\xff", "EC"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said(data: bytes, said: str) -> None:
    with pytest.raises(BadAudioError, match=said):
        hear([data])


def test_float_samples_have_to_be_numbers_and_rates_have_to_be_sane() -> None:
    wav = bytearray(recording("float.wav").data)
    wav[-8:] = np.array([np.nan, 0], "<f4").tobytes()
    with pytest.raises(BadAudioError, match="finite"):
        hear([bytes(wav)])
    wav = bytearray(recording("8-bit.wav").data)
    wav[24:28] = (1).to_bytes(4, "little")
    with pytest.raises(BadAudioError, match="sample rate is 1, allowed are 4000 to 192000"):
        hear([bytes(wav)])


def endless(kind: str) -> Iterator[bytes]:
    """The beginning of a stream and 64 KiB pieces, for ever, that never make a sound."""
    junk = bytes(1 << 16)
    flac, mp3 = recording("mono.flac").data, recording("mono.mp3").data
    page = b"OggS\0\1" + bytes(20) + b"\xff" * 256 + bytes(255 * 255)
    match kind:
        case "WAV chunk":
            yield b"RIFF\0\0\0\0WAVEJUNK\xff\xff\xff\xff"
        case "ID3 tag":
            yield b"ID3\x04\0\0\x7f\x7f\x7f\x7f"
        case "FLAC metadata":
            yield flac[:42]
            junk = b"\1\xff\xff\xff" + bytes(0xFFFFFF)
        case "FLAC frame":
            yield flac[: flac.index(b"\xff\xf8") + 20]
        case "MP3 frame":
            yield mp3[:300]
        case "WebM element":
            yield b"\x1a\x45\xdf\xa3\x80\xec\x01" + b"\x7f" * 7
        case "Ogg tags":
            yield recording("mono.ogg").data[:47]
            junk = page
    for _ in count():
        yield junk


@pytest.mark.parametrize(
    "kind",
    [
        "WAV chunk",
        "ID3 tag",
        "FLAC metadata",
        "FLAC frame",
        "MP3 frame",
        "WebM element",
        "Ogg tags",
    ],
)
def test_what_never_completes_is_given_up_and_was_not_kept(kind: str) -> None:
    pieces = endless(kind)
    decoder = AudioDecoder(CONTAINER)
    decoder.push(next(pieces))
    piece = next(pieces)
    tracemalloc.start()
    with pytest.raises(BadAudioError, match=r"in \d+ bytes"):
        for _ in range(MAX_SILENT_BYTES // len(piece) + 2):
            decoder.push(piece)
    assert tracemalloc.get_traced_memory()[1] < 4 << 20 or len(piece) > 1 << 20
    tracemalloc.stop()


@settings(max_examples=150, deadline=None)
@given(
    names,
    st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255), st.integers(0, 40)), max_size=8),
    cuts,
)
def test_damage_ends_in_sound_or_in_bad_audio(
    name: str, damage: list[tuple[float, int, int]], where: tuple[list[float], set[int]]
) -> None:
    data = bytearray(recording(name).data)
    for share, byte, num_dropped in damage:
        at = int(share * share * (len(data) - 1))  # more of it in the header
        data[at : at + num_dropped + 1] = bytes([byte])
    check_robust(parted(bytes(data), where))


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(MAGICS), st.binary(max_size=600), cuts)
def test_noise_ends_in_sound_or_in_bad_audio(
    magic: bytes, noise: bytes, where: tuple[list[float], set[int]]
) -> None:
    check_robust(parted(magic + noise, where))


def check_robust(parts: list[bytes]) -> None:
    """Nothing but samples and BadAudioError comes of it."""
    try:
        heard = hear(parts)
    except BadAudioError:
        return
    assert np.isfinite(heard).all()
    assert np.abs(heard).max(initial=0.0) <= 1.0
