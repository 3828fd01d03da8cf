"""Hark's events, audio and errors in LiveKit's terms; pure, opens nothing."""
# pyright: reportMissingImports=false

from http import HTTPStatus
from statistics import fmean

import numpy as np
from livekit import rtc
from livekit.agents import APIConnectionError, APIError, APIStatusError, LanguageCode, stt
from livekit.agents.types import TimedString

from hark.streaming.events import Final, Partial

from ..errors import ConnectionLostError, HarkError, ServerUnreachableError
from .tags import iso_tag


def final_data(finals: list[Final], offset_s: float = 0.0) -> stt.SpeechData:
    """Finals in a row as one transcript; times in seconds, from `offset_s` on."""
    if not finals:
        return stt.SpeechData(language=LanguageCode(""), text="")
    words = [
        TimedString(
            text=word["text"],
            start_time=word["start_ms"] / 1000 + offset_s,
            end_time=word["end_ms"] / 1000 + offset_s,
            confidence=word["confidence"],
            start_time_offset=offset_s,
        )
        for final in finals
        for word in final.words
    ]
    return stt.SpeechData(
        language=LanguageCode(iso_tag(finals[0].language)),
        text=" ".join(final.text.strip() for final in finals),
        start_time=finals[0].start_ms / 1000 + offset_s,
        end_time=finals[-1].end_ms / 1000 + offset_s,
        confidence=fmean(final.confidence for final in finals),
        words=words or None,
    )


def interim_data(partial: Partial, offset_s: float) -> stt.SpeechData:
    """A partial as a transcript; times in seconds, from `offset_s` on."""
    return stt.SpeechData(
        language=LanguageCode(iso_tag(partial.language)),
        text=(partial.stable + partial.unstable).strip(),
        start_time=partial.start_ms / 1000 + offset_s,
        end_time=partial.end_ms / 1000 + offset_s,
        confidence=partial.confidence,
    )


def mono(frame: rtc.AudioFrame) -> bytes:
    """The samples of a frame; several channels are averaged."""
    samples = np.frombuffer(frame.data, np.int16).reshape(-1, frame.num_channels)
    return samples.mean(axis=1).astype("<i2").tobytes()


def api_error(error: HarkError) -> APIError:
    """The error by which LiveKit knows whether to try again; a refused key never is."""
    if error.code == "unauthorized":
        return APIStatusError(
            str(error), status_code=HTTPStatus.UNAUTHORIZED, body={"code": error.code}
        )
    if isinstance(error, ServerUnreachableError | ConnectionLostError):
        return APIConnectionError(str(error), retryable=error.retry)
    return APIError(str(error), body={"code": error.code}, retryable=error.retry)
