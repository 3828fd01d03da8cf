"""`hark file` as a user runs it: arguments in; standard output, files and exit status out."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest

from hark.clients.journal import Journal
from hark.engine.types import Endpointing, Open
from hark.streaming.cli import main
from hark.streaming.events import Final

from ..fakes import words
from ..streaming.support import Running, serving_ready
from .tones import tone, write_audio


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


@pytest.mark.parametrize(
    ("arguments", "endpointing", "partials"),
    [
        ([], Endpointing("vad", 600), False),
        (["--pause-ms", "900"], Endpointing("vad", 900), False),
        (["--endpointing", "manual"], Endpointing("manual"), False),
        # It goes by what partials say.
        (["--endpointing", "semantic", "--pause-ms", "900"], Endpointing("semantic", 900), True),
    ],
)
async def test_what_ends_a_segment_is_asked_of_the_server(
    server: Running, tone_file: Path, arguments: list[str], endpointing: Endpointing, partials: bool
) -> None:
    assert await hark_file("--url", server.address, *arguments, tone_file) == 0
    [options] = [each.options for each in server.engine.requests if isinstance(each, Open)]
    assert (options.endpointing.mode, options.endpointing.pause_ms) == (
        endpointing.mode,
        endpointing.pause_ms,
    )
    assert options.partials is partials


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
        (["--output", "tone.wav"], 2, "tone.wav is a recording itself"),
        (["--output", "nowhere/tone.srt"], 2, "nowhere, where --output is to be written, is no"),
        (["--language", "Klingon"], 2, "Klingon"),
        (["--window", "9"], 2, "--window is 9"),
        (["--endpointing", "loud"], 2, "--endpointing mode is 'loud', allowed are 'vad', "),
        (["--pause-ms", "10"], 2, "--pause-ms is 10, allowed are 200 to 5000"),
        (["--pause-ms", "900", "--endpointing", "off"], 2, "nothing with --endpointing off"),
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
        assert not journal.is_other
    with Journal(path, {"audio": "b.wav"}) as journal:
        assert journal.finals == []
        assert journal.is_other, "so that hark file can say it begins anew"
