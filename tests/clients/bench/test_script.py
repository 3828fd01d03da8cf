"""What a load says: its shape, its words and its bytes."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hark.clients.bench.audio import ENCODINGS, EncodedClips, StreamAudio, encode
from hark.clients.bench.clips import CLIPS_FOLDER, Clip, load_clips
from hark.clients.bench.script import PROFILES, Script, compose, voiced_share
from hark.clients.errors import UsageError
from hark.clients.samples import spoken_words
from hark.engine.audio.decoder import AudioDecoder
from hark.engine.types import SAMPLE_RATE, AudioFormat, Encoding

CLIPS = load_clips()
ENCODED = {encoding: EncodedClips(CLIPS, encoding) for encoding in ENCODINGS}
MAX_BUNDLED_BYTES = 3_000_000

streams = st.integers(0, 10_000)
encodings = st.sampled_from(ENCODINGS)


def lecture(stream: int, seconds: float = 120.0, *, joins_midway: bool = False) -> Script:
    return compose(
        CLIPS,
        PROFILES["lecture"],
        seed=3,
        stream=stream,
        seconds=seconds,
        joins_midway=joins_midway,
    )


def whole_audio(script: Script) -> np.ndarray:
    """The same stream put together the plain way, int16 [n]."""
    samples = np.zeros(script.num_samples + 60 * SAMPLE_RATE, np.int16)
    for utterance in script.utterances:
        for placed in utterance.placed:
            clip = CLIPS[placed.clip]
            samples[placed.start : placed.start + clip.num_samples] = clip.samples
    return samples[: script.num_samples]


def test_the_bundled_clips_are_small_and_their_words_lie_in_them() -> None:
    assert len(CLIPS) >= 40
    assert sum(file.stat().st_size for file in CLIPS_FOLDER.iterdir()) <= MAX_BUNDLED_BYTES
    for clip in CLIPS:
        assert clip.words[0].start >= 0
        assert clip.words[-1].end <= clip.num_samples
        assert all(word.start < word.end for word in clip.words)
        assert all(a.end <= b.end for a, b in pairwise(clip.words))


def test_a_folder_without_clips_is_explained(tmp_path) -> None:
    with pytest.raises(UsageError, match="no clips in"):
        load_clips(tmp_path)
    (tmp_path / "clips.json").write_text("[]")
    with pytest.raises(UsageError, match="lists no clip"):
        load_clips(tmp_path)


@given(streams)
def test_a_lecture_is_speech_in_long_utterances_with_short_pauses(stream: int) -> None:
    script = lecture(stream)
    assert voiced_share(CLIPS, script.utterances) >= 0.85
    for utterance in script.utterances:
        assert 10 * SAMPLE_RATE <= utterance.end - utterance.start <= 28 * SAMPLE_RATE
        for a, b in pairwise(utterance.placed):
            gap = b.start - a.start - CLIPS[a.clip].num_samples
            assert 0 < gap < 0.3 * SAMPLE_RATE  # shorter than any endpoint
    for a, b in pairwise(script.utterances):
        assert 0.4 * SAMPLE_RATE <= b.start - a.end <= 0.8 * SAMPLE_RATE + 1


def test_streams_that_join_midway_begin_with_utterances_of_any_length() -> None:
    scripts = [lecture(stream, joins_midway=True) for stream in range(40)]
    lengths = [[(u.end - u.start) / SAMPLE_RATE for u in s.utterances] for s in scripts]
    firsts = sorted(each[0] for each in lengths)
    assert firsts[8] < 8
    assert firsts[32] > 12
    assert all(10 <= length <= 28 for each in lengths for length in each[1:])


@given(streams)
def test_a_conversation_is_speech_for_two_fifths(stream: int) -> None:
    profile = PROFILES["conversation"]
    script = compose(CLIPS, profile, seed=0, stream=stream, seconds=120)
    assert voiced_share(CLIPS, script.utterances) == pytest.approx(0.4, abs=0.001)


def test_in_silence_nobody_speaks() -> None:
    script = compose(CLIPS, PROFILES["silence"], seed=0, stream=0, seconds=2.5)
    assert script.whole == []
    audio = StreamAudio(script, ENCODED[Encoding.PCM_S16LE])
    assert audio.read(0, 40_000) == bytes(80_000)


def test_streams_differ_from_each_other_and_from_other_seeds() -> None:
    scripts = [lecture(stream).utterances for stream in range(100)]
    scripts.append(compose(CLIPS, PROFILES["lecture"], seed=4, stream=0, seconds=120.0).utterances)
    assert len(set(scripts)) == len(scripts)


@given(streams, st.floats(1, 120), st.floats(1, 120))
def test_a_longer_script_begins_as_the_shorter_one(stream: int, one: float, other: float) -> None:
    short, long = (lecture(stream, seconds) for seconds in sorted((one, other)))
    assert long.utterances[: len(short.utterances)] == short.utterances


@given(streams)
def test_words_are_where_the_clips_put_them(stream: int) -> None:
    for utterance in lecture(stream).utterances:
        wanted = [
            (word.text, placed.start + word.start, placed.start + word.end)
            for placed in utterance.placed
            for word in CLIPS[placed.clip].words
        ]
        assert [(word.text, word.start, word.end) for word in utterance.words] == wanted
        assert len({CLIPS[placed.clip].voice for placed in utterance.placed}) == 1


@given(streams, st.floats(0.5, 60), st.sampled_from([320, 1600, 3200, 16_000]))
def test_pieces_are_the_stream_on_its_grid_cut_where_utterances_end(
    stream: int, seconds: float, frame: int
) -> None:
    script = lecture(stream, seconds)
    pieces = list(script.pieces(frame))
    assert (pieces[0][0], pieces[-1][1]) == (0, script.num_samples)
    assert all(a[1] == b[0] for a, b in pairwise(pieces))
    ends = [end for _, end, is_end in pieces if is_end]
    assert ends == [utterance.end for utterance in script.whole]
    for start, end, _ in pieces:
        assert 0 < end - start <= frame
        assert end % frame == 0 or end in ends or end == script.num_samples


@settings(max_examples=30, deadline=None)
@given(streams, encodings, st.data())
def test_any_cut_of_the_audio_is_the_audio(
    stream: int, encoding: Encoding, data: st.DataObject
) -> None:
    script = lecture(stream, 40.0)
    audio = StreamAudio(script, ENCODED[encoding])
    cuts = sorted(data.draw(st.sets(st.integers(0, script.num_samples), max_size=20)))
    edges = [0, *cuts, script.num_samples]
    joined = b"".join(audio.read(a, b) for a, b in pairwise(edges))
    assert joined == encode(whole_audio(script), encoding)


@pytest.mark.parametrize(
    ("encoding", "coarse", "fine"), [("pcm_s16le", 0, 0), ("pcm_f32le", 0, 0), ("mulaw", 650, 4)]
)
def test_the_server_hears_what_was_encoded(encoding: str, coarse: int, fine: int) -> None:
    """To within half a step of the encoding, of 32768: anywhere, and where it is quiet."""
    samples = np.arange(-32_767, 32_768, 7)
    payload = encode(samples.astype(np.int16), Encoding(encoding))
    heard = AudioDecoder(AudioFormat(Encoding(encoding))).push(payload)
    error = np.abs(heard * 32_768 - samples)
    assert error.max() <= coarse
    assert error[np.abs(samples) < 100].max() <= fine


def test_what_is_written_as_one_word_may_be_several() -> None:
    assert spoken_words("Twenty-one, it's «nueve»!") == ["twenty", "one", "it's", "nueve"]
    assert all(isinstance(clip, Clip) and clip.samples.dtype == np.int16 for clip in CLIPS)
