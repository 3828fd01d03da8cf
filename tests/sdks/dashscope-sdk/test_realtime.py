"""DashScope's own SDK, pointed here: turns by server VAD, by commit, and an orderly end."""

import base64
import threading
from typing import Any

from dashscope.audio.qwen_omni import (
    AudioFormat,
    MultiModality,
    OmniRealtimeCallback,
    OmniRealtimeConversation,
)
from dashscope.audio.qwen_omni.omni_realtime import TranscriptionParams

from common import SAMPLES, WS_URL, Sample, frames, words

PREFIX = "conversation.item.input_audio_transcription"


class Heard(OmniRealtimeCallback):
    """Keeps events; `closed` is set when the server has closed."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self.closed = threading.Event()
        self.created = threading.Event()

    def on_event(self, message: Any) -> None:
        self.events.append(message)
        if message["type"] == "session.created":
            self.created.set()

    def on_close(self, close_status_code: Any, close_msg: Any) -> None:
        self.closed.set()

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [event for event in self.events if event["type"] == kind]

    @property
    def text(self) -> str:
        return " ".join(event["transcript"] for event in self.of(f"{PREFIX}.completed"))


def talk(sample: Sample, **session: Any) -> Heard:
    """Everything that is said of a recording, up to the end of the session."""
    heard = Heard()
    conversation = OmniRealtimeConversation(
        model="qwen3-asr-flash-realtime",
        url=f"{WS_URL}/api-ws/v1/realtime",
        callback=heard,
        api_key="any",
    )
    conversation.connect()
    assert heard.created.wait(60)
    conversation.update_session(output_modalities=[MultiModality.TEXT], **session)
    for frame in frames(sample.pcm(), 3_200):
        conversation.append_audio(base64.b64encode(frame).decode())
    if not session.get("enable_turn_detection", True):
        conversation.commit()
    conversation.end_session(timeout=60)
    conversation.close()
    assert heard.closed.wait(60)
    return heard


def test_turns_found_by_the_server() -> None:
    sample = SAMPLES["lecture"]
    heard = talk(sample, transcription_params=TranscriptionParams(language="en"))
    assert words(heard.text) == words(sample.text)
    assert heard.of("session.finished")
    shown = heard.of(f"{PREFIX}.text")
    assert any(event["text"] for event in shown)
    assert any(event["stash"] for event in shown)
    assert {event["language"] for event in heard.of(f"{PREFIX}.completed")} == {"en"}
    assert not heard.of("error")


def test_a_turn_ended_by_a_commit_with_the_legacy_format() -> None:
    sample = SAMPLES["spanish"]
    heard = talk(
        sample,
        enable_turn_detection=False,
        input_audio_format=AudioFormat.PCM_16000HZ_MONO_16BIT,
    )
    assert words(heard.text) == words(sample.text)
    [completed] = heard.of(f"{PREFIX}.completed")
    assert completed["language"] == "es"
