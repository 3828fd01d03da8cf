"""`hark file` as a user runs it: arguments in; standard output, files and exit status out."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import numpy as np
import pytest

from hark.clients.journal import Journal
from hark.clients.samples import Sample, same_words
from hark.clients.server_process import ServerProcess
from hark.engine.audio.files import open_audio
from hark.streaming.cli import main
from hark.streaming.events import Final

from ..fakes import words
from ..streaming.support import Running, serving_ready
from .tones import tone, write_audio

Transcribe = Callable[..., str]


@pytest.fixture
async def server() -> AsyncIterator[Running]:
    async with serving_ready() as running:
        yield running


@pytest.fixture
def tone_file(tmp_path: Path) -> Path:
    return write_audio(tmp_path / "tone.wav", tone(seconds=0.5))


async def hark_file(*arguments: object) -> int:
    """The exit status; in a thread, since the fake server runs on this one."""
    return await asyncio.to_thread(main, ["file", *map(str, arguments)])


async def test_a_bad_file_is_named_and_the_others_go_on(
    server: Running, tone_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "text.wav").write_text("no audio at all\n" * 99)
    bad = tmp_path / "text.wav"
    assert await hark_file("--url", server.address, tone_file, bad, tone_file) == 1
    output = capsys.readouterr()
    assert output.out == f"== {tone_file}\n{words(5)}\n" * 2
    assert output.err.count("\n") == 1 and f"{bad} is not an audio file" in output.err


async def test_samples_reach_the_server_unchanged(server: Running, tmp_path: Path) -> None:
    stored = np.array([0, 1, -1, 32_767, -32_768] * 400, np.int16)
    path = write_audio(tmp_path / "a.wav", stored / np.float32(32_768))
    assert await hark_file("--url", server.address, path) == 0
    assert server.engine.fed_bytes == 4 * len(stored)


async def test_captions_grow_in_real_time(
    server: Running, tone_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await hark_file("--url", server.address, "--realtime", tone_file) == 0
    output = capsys.readouterr()
    assert output.out == f"{words(5)}\n"
    assert output.err.splitlines()[0].strip() == "[w0]"
    assert output.err.splitlines()[-1] == f"00:00  {words(5)}"


async def test_json_of_several_recordings_is_one_object_a_line(
    server: Running, tone_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ("--url", server.address, "--format", "json", "--language", "es")
    assert await hark_file(*arguments, tone_file, tone_file) == 0
    for line in capsys.readouterr().out.splitlines():
        talk = json.loads(line)
        assert (talk["text"], talk["language"], talk["duration_s"]) == (words(5), "Spanish", 0.5)


async def test_subtitles_go_into_a_folder_named_after_the_recordings(
    server: Running, tone_file: Path, tmp_path: Path
) -> None:
    second = write_audio(tmp_path / "second.flac", tone(), codec="flac")
    folder = tmp_path / "made" / "here"
    arguments = ("--url", server.address, "--format", "srt", "--output", folder)
    assert await hark_file(*arguments, tone_file, second) == 0
    assert {path.name for path in folder.iterdir()} == {"tone.srt", "second.srt"}
    assert (folder / "second.srt").read_text().startswith("1\n00:00:00,000 --> 00:00:01,000\nw0")


async def test_one_recording_goes_into_the_file_that_is_named(
    server: Running, tone_file: Path, tmp_path: Path
) -> None:
    output = tmp_path / "out.vtt"
    arguments = ("--url", server.address, "--format", "vtt", "--output", output)
    assert await hark_file(*arguments, tone_file) == 0
    assert output.read_text().startswith("WEBVTT")


@pytest.mark.parametrize(
    ("arguments", "status", "fault"),
    [
        (["--url", "localhost", "--model", "embedded"], 2, "--model"),
        (["--url", "localhost", "--tokens"], 2, "--tokens"),
        (["--tokens", "--format", "srt"], 2, "segment times"),
        (["--format", "srt", "second.wav"], 2, "--output"),
        (["--output", "folder", "elsewhere/tone.mp3"], 2, "one file"),
        (["--output", "one.txt", "second.wav"], 2, "one.txt is named like a file"),
        (["--language", "Klingon"], 2, "Klingon"),
        (["--window", "9"], 2, "--window is 9"),
        (["--url", "ftp://host"], 2, "ftp://host"),
        (["--url", "127.0.0.1:1"], 1, "Connection refused"),
        (["--model", "/no/such/folder"], 2, "/no/such/folder"),
    ],
)
async def test_faults_are_said_in_a_line(
    arguments: list[str],
    status: int,
    fault: str,
    tone_file: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tone_file.parent)
    assert await hark_file(*arguments, tone_file) == status
    output = capsys.readouterr()
    assert output.out == ""
    assert fault in output.err and "Traceback" not in output.err


@pytest.mark.parametrize(
    ("redirection", "status", "out", "errors"),
    [
        ("| head -c 1", 1, "=", ""),
        (">&-", 2, "", "hark file: standard output is closed; name a file with --output\n"),
    ],
)
async def test_standard_output_that_is_not_read(
    server: Running, tone_file: Path, redirection: str, status: int, out: str, errors: str
) -> None:
    hark = (
        f"{sys.executable} -c 'import sys; from hark.streaming.cli import main; sys.exit(main())'"
    )
    recordings = f"{tone_file} " * 4
    script = f"set -o pipefail; {hark} file --url {server.address} {recordings} {redirection}"
    process = await asyncio.create_subprocess_exec(
        "bash", "-c", script, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    heard = await process.communicate()
    assert (process.returncode, heard) == (status, (out.encode(), errors.encode()))


async def test_json_is_utf_8_whatever_the_name_of_the_recording(
    server: Running, tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    odd = tmp_path / os.fsdecode(b"caf\xe9.wav")
    write_audio(odd, tone(seconds=0.5))
    arguments = ("--url", server.address, "--format", "json", odd)
    assert await hark_file(*arguments) == 0
    assert json.loads(capfdbinary.readouterr().out.decode("utf-8"))["file"] == str(odd)
    assert await hark_file(*arguments, "--output", tmp_path / "out.json") == 0
    assert json.loads((tmp_path / "out.json").read_text("utf-8"))["file"] == str(odd)


# --- with a real model ---------------------------------------------------------------------------


@pytest.fixture
def transcribe(model_folder: Path, capsys: pytest.CaptureFixture[str]) -> Transcribe:
    """Runs `hark file` in this process, on the real engine."""

    def run(*arguments: object) -> str:
        assert main(["file", "--model", str(model_folder), *map(str, arguments)]) == 0
        return capsys.readouterr().out

    return run


def test_every_sample_gives_its_words_here_and_over_a_server(
    samples: list[Sample],
    real_server: ServerProcess,
    transcribe: Transcribe,
    capsys: pytest.CaptureFixture[str],
) -> None:
    paths = [sample.path for sample in samples]
    here = transcribe("--format", "json", *paths)
    assert main(["file", "--url", real_server.url, "--format", "json", *map(str, paths)]) == 0
    there = capsys.readouterr().out
    for sample, line, other in zip(samples, here.splitlines(), there.splitlines(), strict=True):
        heard, heard_there = json.loads(line), json.loads(other)
        assert same_words(heard["text"], sample.text), f"{sample.name}: {heard['text']}"
        assert heard["language"] == sample.language
        assert heard["text"] == heard_there["text"]


@pytest.mark.parametrize(
    ("name", "codec", "rate", "channels"),
    [
        ("a.mp3", "mp3", 16_000, 1),
        ("a.wav", "pcm_s16le", 48_000, 2),
        ("a.wav", "pcm_mulaw", 8_000, 1),
    ],
)
def test_other_encodings_give_the_same_words(
    samples: list[Sample],
    transcribe: Transcribe,
    tmp_path: Path,
    name: str,
    codec: str,
    rate: int,
    channels: int,
) -> None:
    sample = samples[0]
    mono = np.concatenate(list(open_audio(sample.path).blocks(rate)))
    path = write_audio(tmp_path / name, np.stack([mono] * channels), rate=rate, codec=codec)
    heard = transcribe(path)
    assert same_words(heard, sample.text), heard


def test_tokens_are_all_ids_of_one_segment(
    samples: list[Sample], model_folder: Path, transcribe: Transcribe
) -> None:
    from hark.engine.model.tokenizer import Tokenizer

    sample = samples[0]
    clip = json.loads(transcribe("--tokens", "--format", "json", sample.path))
    decoded = Tokenizer.from_folder(model_folder).decode(clip["tokens"])
    assert decoded.startswith(f"language {sample.language}<asr_text>{clip['text']}")
    assert same_words(clip["text"], sample.text)


def test_a_language_the_model_does_not_know_is_refused(
    samples: list[Sample], model_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--model", str(model_folder), "--language", "xx", str(samples[0].path)]
    assert main(["file", *arguments]) == 2
    assert capsys.readouterr().err == (
        "hark file: language is 'xx', allowed are English (en), Spanish (es), German (de)\n"
    )


def test_a_file_that_breaks_off_does_not_harm_the_next(
    samples: list[Sample],
    model_folder: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    sample = samples[0]
    spoken = np.concatenate(list(open_audio(sample.path).blocks()))
    spoken[-100] = np.nan
    broken = write_audio(tmp_path / "broken.wav", spoken, codec="pcm_f32le")
    assert main(["file", "--model", str(model_folder), str(broken), str(sample.path)]) == 1
    output = capsys.readouterr()
    assert "NaN" in output.err
    assert same_words(output.out.partition("\n")[2], sample.text)


def test_tokens_take_no_more_than_two_minutes(
    model_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_audio(tmp_path / "long.wav", np.zeros(121 * 16_000, np.float32))
    assert main(["file", "--model", str(model_folder), "--tokens", str(path)]) == 1
    assert "longer than 120 s" in capsys.readouterr().err


def test_an_interrupted_transcription_goes_on(
    samples: list[Sample],
    model_folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    pause = np.zeros(16_000, np.float32)
    parts = [part for s in samples[:4] for part in (*open_audio(s.path).blocks(), pause)]
    talk = write_audio(tmp_path / "talk.wav", np.concatenate(parts))

    def to(name: str) -> list[str]:
        model, output = str(model_folder), str(tmp_path / name)
        return ["file", "--model", model, "--format", "json", "--output", output, str(talk)]

    def stop(journal: Journal, final: Final) -> None:
        add(journal, final)
        if len(journal.finals) == 2:
            raise KeyboardInterrupt

    add = Journal.add
    monkeypatch.setattr(Journal, "add", stop)
    assert main(to("stopped.json")) == 130
    assert "the same command goes on from here" in capsys.readouterr().err
    unfinished = tmp_path / "stopped.json.unfinished"
    assert len(unfinished.read_text().splitlines()) == 3
    with unfinished.open("ab") as file:
        file.write(b'{"type": "final", "text": "cut o \xc3')  # the machine went down in mid-word
    monkeypatch.setattr(Journal, "add", add)
    assert main(to("stopped.json")) == 0
    assert "goes on at" in capsys.readouterr().err
    assert not unfinished.exists()
    assert main(to("whole.json")) == 0
    went_on, whole = (
        json.loads((tmp_path / name).read_text()) for name in ("stopped.json", "whole.json")
    )
    assert same_words(went_on["text"], whole["text"])
    assert went_on["duration_s"] == whole["duration_s"]
    # The voice detector remembers, and begins anew where it goes on.
    for ours, theirs in zip(went_on["segments"], whole["segments"], strict=True):
        assert abs(ours["start_ms"] - theirs["start_ms"]) <= 300
        assert abs(ours["words"][0]["start_ms"] - theirs["words"][0]["start_ms"]) <= 300


def test_a_journal_of_something_else_does_not_count(tmp_path: Path) -> None:
    path = tmp_path / "a.txt.unfinished"
    said = Final(
        text="one",
        language="English",
        confidence=1.0,
        stable_words_replaced=0,
        queue_ms=0,
        compute_ms=0,
    )
    with Journal(path, {"audio": "a.wav"}) as journal:
        journal.add(said)
    with Journal(path, {"audio": "a.wav"}) as journal:
        assert journal.finals == [said]
    with Journal(path, {"audio": "b.wav"}) as journal:
        assert journal.finals == []
