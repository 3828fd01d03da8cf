"""Anything in any order: a dialect on the rig, driven by bytes that hypothesis makes up.

Each byte is a step: a frame that is right, or damaged, or garbage; an update of the engine, as it
may come; time that passes; a line that has no room. At the end the client leaves, and every line
that is being closed is closed: then the connection has to be over.
"""

from collections.abc import Sequence
from random import Random

from hark.engine.types import BadAudioError, Failed, Refused
from hark.streaming.errors import CapacityError
from hark.streaming.protocols.base import Door, Frame, Handshake
from hark.streaming.session import State
from tests.streaming.dialects.rig import (
    Rig,
    closed,
    final,
    finalized,
    opened,
    partial,
    started,
    stopped,
)


def play(door: Door, handshake: Handshake, frames: Sequence[Frame], tape: bytes) -> Rig:
    """Nothing raises, whatever the tape says."""
    rig = Rig.enter(door, handshake)
    random = Random(tape)
    said_hello: set[str] = set()
    segments: dict[str, int] = {}
    for byte in tape:
        if rig.hangup is not None:
            return rig
        match byte % 10:
            case 0 | 1 | 2 | 3 | 4:
                rig.client(random.choice(frames))
            case 5:
                rig.client(_damaged(random.choice(frames), random))
            case 6 | 7:
                _say_something(rig, random, said_hello, segments)
            case 8:
                rig.at(rig.now + random.choice([0.01, 0.1, 1.0, 40.0]))
            case _:
                rig.refusal = random.choice([None, None, CapacityError("full", 5.0)])
    return _end(rig)


def _end(rig: Rig) -> Rig:
    if rig.hangup is not None:
        return rig
    rig.refusal = None
    rig.leave()
    for line in list(rig.sessions):
        if line in rig.sessions and rig.sessions[line].state is not State.CLOSING:
            raise AssertionError(f"line {line} is not asked for what it still has to say")
        rig.hear(opened(), closed(1_000), line=line)
    assert not rig.sessions
    return rig


def _say_something(
    rig: Rig, random: Random, said_hello: set[str], segments: dict[str, int]
) -> None:
    """The next update of one line: in the order in which the engine says things."""
    if not rig.sessions:
        return
    line = random.choice(list(rig.sessions))
    state = rig.sessions[line].state
    if line not in said_hello:
        said_hello.add(line)
        rig.hear(opened(), line=line)
        return
    number = segments.setdefault(line, 0)
    at = number * 1_000
    match random.randrange(8):
        case 0:
            rig.hear(started(number, at), line=line)
        case 1 | 2:
            rig.hear(partial(number, at, at + 900, "one", random.choice(["", " two"])), line=line)
        case 3 | 4:
            segments[line] += 1
            text = random.choice(["", "One two.", "\u4e00\u4e8c"])
            rig.hear(stopped(number, at, at + 900), final(number, at, at + 900, text), line=line)
        case 5:
            rig.hear(finalized("x", at), line=line)
        case 6:
            rig.hear(Refused(BadAudioError("no")), line=line)
        case _ if state is State.CLOSING:
            rig.hear(closed(at), line=line)
        case _:
            if random.random() < 0.2:
                rig.hear(Failed(BadAudioError("no audio")), line=line)


def _damaged(frame: Frame, random: Random) -> Frame:
    """A frame with a piece cut out or exchanged, of the other kind, or nothing but noise."""
    at = random.randrange(len(frame) + 1)
    to = at + random.randrange(20)
    noise = random.randbytes(random.randrange(8))
    match frame, random.randrange(4):
        case bytes(), 0:
            return frame.decode("latin-1")
        case str(), 0:
            return frame.encode()
        case bytes(), 1:
            return noise
        case str(), 1:
            return noise.decode("utf-16-le", "surrogatepass") if len(noise) % 2 == 0 else "null"
        case bytes(), _:
            return frame[:at] + noise + frame[to:]
        case _:
            filler = random.choice(["", "[" * 2_000, '"', "9" * 30, "null", "\\ud800", ":", "{}"])
            return str(frame[:at]) + filler + str(frame[to:])
