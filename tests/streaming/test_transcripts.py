"""Whole conversations as data, replayed against adapter, session and outbox without any I/O.

Each line of a transcript is one input and everything it leads to. Inputs: `client` (a message),
`audio` (that many bytes), `text` (a text frame as it is), `engine` (an update), `time`, `drain`,
`paused`, `resumed`, `gone`. Outputs, in `then`: `engine` (a request), `send` (a message), `hangup`.
"""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import msgpack
import pytest

from hark.engine import types as engine
from hark.streaming.effects import Effect, Emit, Hangup, ToEngine
from hark.streaming.errors import StreamError
from hark.streaming.outbox import Outbox
from hark.streaming.protocols.base import Frame, Say
from hark.streaming.protocols.native import (
    JSON_SUBPROTOCOL,
    MSGPACK_SUBPROTOCOL,
    Native,
    choose_adapter,
)
from hark.streaming.session import Session
from hark.streaming.terms import Terms
from tests.streaming.support import pack

TRANSCRIPTS = sorted((Path(__file__).parent.parent / "data" / "protocol").glob("*.jsonl"))
STREAM = 7
TERMS = Terms(languages=("English", "Spanish"), max_segment_s=28, unsure_below=0.5)


def conversations() -> list[tuple[Path, str]]:
    """Every transcript in both framings; those of broken text in JSON only."""
    framings = [JSON_SUBPROTOCOL, MSGPACK_SUBPROTOCOL]
    return [
        (path, framing)
        for path in TRANSCRIPTS
        for framing in (framings[:1] if path.read_text().startswith('{"text":') else framings)
    ]


@pytest.mark.parametrize(("path", "subprotocol"), conversations())
def test_conversation(path: Path, subprotocol: str) -> None:
    replay = Replay(subprotocol)
    for number, line in enumerate(path.read_text().splitlines(), start=1):
        step = json.loads(line)
        got = replay.put(step)
        assert got == step.get("then", []), f"{path.name}, line {number}"


def test_there_are_conversations() -> None:
    assert len(TRANSCRIPTS) >= 10


class Replay:
    """Adapter, session and outbox of one stream, driven by steps of a transcript."""

    def __init__(self, subprotocol: str) -> None:
        adapter = choose_adapter([subprotocol])
        assert adapter is not None
        self._adapter = adapter
        self._dialect = Native(adapter)
        self._session = Session(STREAM, "s-1", terms=TERMS, now=0.0)
        self._outbox = Outbox(256)

    def put(self, step: dict[str, Any]) -> list[dict[str, Any]]:
        return [self._show(effect) for effect in self._effects(step)]

    def _effects(self, step: dict[str, Any]) -> list[Effect]:
        now = step.get("at", 0.0)
        match step:
            case {"engine": [name, fields]}:
                return self._session.engine_said(_update(name, fields))
            case {"time": True}:
                return self._session.handle_timeout(now)
            case {"drain": True}:
                return self._session.drain()
            case {"gone": True}:
                return self._session.disconnected()
            case {"paused": True}:
                self._session.reading_paused()
                return []
            case {"resumed": True}:
                self._session.reading_resumed(now)
                return []
            case _:
                return self._obey(self._frame(step), now)

    def _obey(self, frame: Frame, now: float) -> list[Effect]:
        try:
            command = self._adapter.decode(frame)
        except StreamError as error:
            return self._session.refuse(error)
        return self._session.receive(command, now)

    def _frame(self, step: dict[str, Any]) -> Frame:
        as_msgpack = self._adapter.subprotocol == MSGPACK_SUBPROTOCOL
        match step:
            case {"text": str(text)}:
                return text
            case {"audio": int(num_bytes)}:
                audio = bytes(num_bytes)
                return pack({"type": "audio", "data": audio}) if as_msgpack else audio
            case {"client": message}:
                return pack(message) if as_msgpack else json.dumps(message)
            case _:
                raise AssertionError(f"no input in {step}")

    def _show(self, effect: Effect) -> dict[str, Any]:
        match effect:
            case ToEngine(request=request):
                fields = asdict(request)
                assert fields.pop("stream") == STREAM
                if "payload" in fields:
                    fields["payload"] = len(fields["payload"])
                return {"engine": [type(request).__name__, fields]}
            case Hangup(code=code, reason=reason):
                return {"hangup": [code, reason]}
            case Emit(event=event):
                [said] = self._dialect.said("", event, 0.0)
                assert isinstance(said, Say)
                self._outbox.put(said)
                assert self._outbox.take() == said
                frame = self._dialect.encode(said.message)
                message = msgpack.unpackb(frame) if isinstance(frame, bytes) else json.loads(frame)
                return {"send": message}


def _update(name: str, fields: dict[str, Any]) -> engine.EngineUpdate:
    if name == "Failed":
        return engine.Failed(getattr(engine, fields["error"])(fields["message"]))
    if "words" in fields:
        fields = {**fields, "words": tuple(engine.Word(**word) for word in fields["words"])}
    return getattr(engine, name)(**fields)
