"""WhisperLive's own clients: a recording played to the end, and audio as it comes."""

import wave
from pathlib import Path

import pytest
from whisper_live.client import StreamingTranscriptionClient, TranscriptionClient

from common import HOST, PORT, SAMPLES, assert_times_run_on, frames, words

PATIENCE_S = 5  # without new words, before the client ends; 15 of its own


def test_a_recording_becomes_subtitles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # the client writes beside itself
    sample = SAMPLES["alarm"]
    with wave.open("spoken.wav", "wb") as spoken:
        spoken.setparams((1, 2, 16_000, 0, "NONE", ""))
        spoken.writeframes(sample.pcm())
    client = TranscriptionClient(
        HOST,
        int(PORT),
        log_transcription=False,
        mute_audio_playback=True,
        output_transcription_path="spoken.srt",
    )
    client.client.disconnect_if_no_response_for = PATIENCE_S
    heard = client("spoken.wav")
    assert words(heard) == words(sample.text)
    assert client.client.language == "en"
    lines = Path("spoken.srt").read_text("utf-8").splitlines()
    captions = [line for line in lines if line and "-->" not in line and not line.isdecimal()]
    assert words(" ".join(captions)) == words(sample.text)


@pytest.mark.parametrize("name", ["lecture", "spanish"])
def test_a_stream_commits_every_word(name: str) -> None:
    sample = SAMPLES[name]
    committed: list[str] = []
    partials: list[str] = []
    with StreamingTranscriptionClient(
        HOST,
        int(PORT),
        on_committed_transcript=lambda text, _: committed.append(text),
        on_partial_transcript=lambda text, _: partials.append(text),
    ) as client:
        for frame in frames(sample.pcm(), 6_400):
            client.send(frame, pcm_format="int16")
    assert words(" ".join(committed)) == words(sample.text)
    assert partials
    spans = [(float(each["start"]), float(each["end"])) for each in client.transcript]
    assert_times_run_on(spans, sample.duration_s)
