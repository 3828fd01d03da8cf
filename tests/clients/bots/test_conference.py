"""`hark conference`: from its words to the transcript, with late speakers and cut lines."""

import argparse
import asyncio
import io
import time
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from hark.clients import HarkError
from hark.clients.bots import conference, participant
from hark.clients.bots.conference import read_speakers, transcript
from hark.clients.bots.conference_screen import ConferenceScreen
from hark.clients.bots.participant import Clock, Participant, Speaker
from hark.clients.errors import UsageError
from hark.clients.samples import Sample, find_sample, same_words
from hark.clients.server_process import ServerProcess
from hark.clients.settings import Options
from hark.engine.audio.files import AudioFile, open_audio
from hark.streaming.events import Event, Final, Partial, SpeechStarted

from ...fakes import words
from ...sdks.gateway import gateway_to
from ...streaming.support import serving_ready
from ..tones import tone, write_audio


def arguments(*given: object) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    conference.add_arguments(parser)
    return parser.parse_args(list(map(str, given)))


def final(start_ms: int, text: str) -> Final:
    return Final(
        start_ms=start_ms,
        text=text,
        language="English",
        confidence=0.9,
        stable_words_replaced=0,
        queue_ms=0.0,
        compute_ms=0.0,
    )


async def test_each_speaker_has_a_stream_and_a_place_in_time(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    joins = {"bob": (0.3, "@62.5"), "ann": (1.0, ""), "cy": (0.2, "@3")}
    said = [
        f"{name}={write_audio(tmp_path / f'{name}.wav', tone(seconds=seconds))}{at}"
        for name, (seconds, at) in joins.items()
    ]
    out = tmp_path / "out.txt"
    async with serving_ready() as server:
        args = arguments(*said, "--fast", "--url", server.address, "--out", out)
        assert await asyncio.to_thread(conference.run, args) == 0
    assert out.read_text() == (
        f"[00:00] ann: {words(10)}\n[00:03] cy: {words(2)}\n[01:02] bob: {words(3)}\n"
    )
    lines = capsys.readouterr().err.splitlines()
    assert sorted(lines) == [
        f"00:00  ann  {words(10)}",
        f"00:03  cy   {words(2)}",
        f"01:02  bob  {words(3)}",
    ]


async def test_a_lost_line_loses_no_word_and_doubles_none(
    real_server: ServerProcess, samples: list[Sample], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(participant, "FIRST_PAUSE_S", 0.0)
    sample = find_sample(samples, "lecture")
    troubles: list[HarkError] = []
    async with gateway_to(f"127.0.0.1:{real_server.port}") as line:

        def cut_the_line(event: Event) -> None:
            if isinstance(event, Partial) and event.segment == 2 and not troubles:
                line.drop()

        speaker = Speaker("maria", sample.path, joins_ms=60_000)
        maria = Participant(speaker, open_audio(sample.path), cut_the_line, troubles.append)
        await maria.take_part(line.address, Options(), Clock(None))
    assert len(troubles) == 1
    assert same_words(" ".join(final.text for final in maria.finals), sample.text)
    assert [final.segment for final in maria.finals] == list(range(len(maria.finals)))
    spans = [time_ms for final in maria.finals for time_ms in (final.start_ms, final.end_ms)]
    assert spans == sorted(spans) and spans[0] >= 60_000 and spans[-1] <= 76_500


async def test_a_recording_that_breaks_silences_no_other(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sound = tone(seconds=0.5)
    broken = np.concatenate([sound, np.full(8_000, np.nan, np.float32)])
    write_audio(tmp_path / "ann.wav", sound)
    write_audio(tmp_path / "bob.wav", broken, codec="pcm_f32le")
    said = [f"{name}={tmp_path / name}.wav" for name in ("ann", "bob")]
    async with serving_ready() as server:
        args = arguments(*said, "--fast", "--url", server.address)
        assert await asyncio.to_thread(conference.run, args) == conference.EXIT_FAILED
    out, err = capsys.readouterr()
    assert f"[00:00] ann: {words(5)}\n" in out
    assert "bob  was not heard to the end" in err and "NaN" in err


async def test_a_refusal_ends_the_attempts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = f"ann={write_audio(tmp_path / 'ann.wav', tone())}"
    async with serving_ready() as server:
        args = arguments(said, "--fast", "--url", server.address, "--language", "Klingon")
        assert await asyncio.to_thread(conference.run, args) == conference.EXIT_FAILED
    assert "Klingon" in capsys.readouterr().err


def test_the_transcript_is_in_the_order_of_speech() -> None:
    def speaker(name: str, *finals: Final) -> Participant:
        unread = AudioFile(Path("unread.wav"), None)
        heard = Speaker(name, unread.path)
        return Participant(heard, unread, lambda event: None, lambda error: None, list(finals))

    ann = speaker("ann", final(500, " Hello. "), final(9_000, "So am I."))
    bob = speaker("bob", final(2_000, "I am here."), final(4_000, ""), final(3_600_000, "Bye."))
    assert transcript([bob, ann]) == (
        "[00:00] ann: Hello.\n[00:02] bob: I am here.\n[00:09] ann: So am I.\n[1:00:00] bob: Bye.\n"
    )


@pytest.mark.parametrize(
    ("word", "speaker"),
    [
        ("ann=a.wav", Speaker("ann", Path("a.wav"))),
        ("Ann B.=a=b.wav@2.25", Speaker("Ann B.", Path("a=b.wav"), 2_250)),
        ("ann=a@home.wav", Speaker("ann", Path("a@home.wav"))),
        ("ann=a@home.wav@7", Speaker("ann", Path("a@home.wav"), 7_000)),
    ],
)
def test_a_speaker_s_words(word: str, speaker: Speaker) -> None:
    assert read_speakers([word]) == [speaker]


@pytest.mark.parametrize("given", [["ann"], ["=a.wav"], ["ann="], ["ann=a.wav", "ann=b.wav"]])
def test_words_that_name_no_speakers(given: list[str]) -> None:
    with pytest.raises(UsageError):
        read_speakers(given)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["ann=/nowhere.wav"], "/nowhere.wav does not exist"),
        (["ann=x.wav", "--url", "ftp://x"], "'ftp://x' is no server address"),
        (["ann=x.wav", "--out", "/nowhere/out.txt"], "--out is /nowhere/out.txt"),
    ],
)
def test_what_cannot_be_done_is_said(
    given: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert conference.run(arguments(*given)) == conference.EXIT_USAGE
    assert said in capsys.readouterr().err.replace("\n", " ")


async def test_a_block_is_sent_when_its_last_sample_is_spoken(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    monkeypatch.setattr(asyncio, "sleep", sleep)
    monkeypatch.setattr(time, "monotonic", lambda: 101.0)
    for time_ms in (3_000, 500):
        await Clock(100.0).wait_until(time_ms)
        await Clock(None).wait_until(time_ms)
    assert slept == [2.0, 0.0]


def test_the_terminal_has_a_growing_line_for_each_who_speaks() -> None:
    console = Console(file=io.StringIO(), force_terminal=True, width=80, color_system=None)
    partial = Partial(
        start_ms=4_000,
        stable="Does Daniel",
        unstable=" live",
        language="English",
        confidence=0.9,
        steps=1,
        queue_ms=0.0,
        compute_ms=0.0,
    )
    with ConferenceScreen(console, ["maria", "bo"]) as screen:
        screen.show("bo", SpeechStarted(start_ms=4_000), 0.5)
        screen.show("bo", partial, 0.5)
        screen.show("maria", SpeechStarted(start_ms=1_000), 0.5)
        grown = io.StringIO()
        Console(file=grown, width=80).print(screen._growing())
        assert grown.getvalue() == "00:01  maria  …\n00:04  bo     Does Daniel live\n"
        screen.show("bo", final(4_000, "Does Daniel live?"), 0.95)
    assert isinstance(console.file, io.StringIO)
    assert "00:04  bo     Does Daniel live?  (unsure)" in console.file.getvalue()
