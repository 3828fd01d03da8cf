"""`hark demo` as a user runs it, in a process of its own, and what it compares."""

import json
import re
import signal
import socket
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path

import pytest

from hark.clients import demo
from hark.clients.errors import UsageError
from hark.clients.samples import Sample, find_sample, load_samples, same_words
from hark.clients.server_process import ServerProcess, ServerStartError, free_port, running_server
from hark.streaming.cli import main

from .tones import tone, write_audio

HARK = [sys.executable, "-c", "import sys; from hark.streaming.cli import main; sys.exit(main())"]


@pytest.fixture
def server_runs(monkeypatch: pytest.MonkeyPatch, real_server: ServerProcess) -> None:
    """The demo finds a server that runs already, to save its start."""
    monkeypatch.setattr(demo, "running_server", lambda port, flags: nullcontext(real_server))


@pytest.mark.usefixtures("server_runs")
def test_once_hears_the_words_of_the_sample(
    samples: list[Sample], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["demo", "--once", "--samples", str(samples[0].path.parent)]) == 0
    lines = capsys.readouterr().out.splitlines()
    captions = " ".join(line.removeprefix("00:") for line in lines if line.startswith("00:"))
    assert same_words(re.sub(r"\d\d  ", "", captions), samples[0].text)
    assert any("These are the words that were spoken." in line for line in lines)


@pytest.mark.usefixtures("server_runs")
def test_once_fails_when_the_words_are_wrong(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_audio(tmp_path / "tone.wav", tone(seconds=0.5))
    entry = {"file": "tone.wav", "text": "Nobody said this.", "language": "English", "voice": ""}
    (tmp_path / "samples.json").write_text(json.dumps([entry]))
    assert main(["demo", "--once", "--samples", str(tmp_path)]) == 1
    assert "These are not the words that were spoken." in capsys.readouterr().out


def test_the_server_stays_up_until_ctrl_c(model_folder: Path, samples: list[Sample]) -> None:
    port = free_port()
    flags = ["--model", str(model_folder), "--samples", str(samples[0].path.parent)]
    command = [*HARK, "demo", "--port", str(port), *flags]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert any(f"http://127.0.0.1:{port}/" in line for line in process.stdout)
        socket.create_connection(("127.0.0.1", port)).close()
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=30) == 0
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port))


def test_a_server_that_cannot_start_is_explained() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        fault = rf"port {port}: Address already in use"
        with pytest.raises(ServerStartError, match=fault), running_server(port):
            pass
    fault = "did not start\n.*unrecognized arguments: --no-such-flag"
    with (
        pytest.raises(ServerStartError, match=re.compile(fault, re.DOTALL)),
        running_server(free_port(), ["--no-such-flag"]),
    ):
        pass


def test_faults_are_said_in_a_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", "--samples", str(tmp_path)]) == 1
    assert "no samples in" in capsys.readouterr().err
    (tmp_path / "samples.json").write_text(
        '[{"file": "a.wav", "text": "", "language": "English", "voice": ""}]'
    )
    assert main(["demo", "--samples", str(tmp_path), "--sample", "b"]) == 1
    assert "there are: a" in capsys.readouterr().err


def test_samples_are_found_by_name(tmp_path: Path) -> None:
    entry = {"text": "", "language": "English", "voice": "", "licence": "", "source": ""}
    entries = [{**entry, "file": name} for name in ("a.wav", "b.wav")]
    (tmp_path / "samples.json").write_text(json.dumps(entries))
    loaded = load_samples(tmp_path)
    assert find_sample(loaded, None) == loaded[0]
    assert find_sample(loaded, "b").path == tmp_path / "b.wav"
    with pytest.raises(UsageError):
        find_sample([], None)


@pytest.mark.parametrize(
    ("text", "other", "same"),
    [
        ("Turn on the light.", "turn on, the light", True),
        ("¿Qué tal?", "qué tal", True),
        ("It's seven.", "its seven", False),
        ("seven minutes", "seven minute", False),
        ("", "a", False),
    ],
)
def test_same_words(text: str, other: str, same: bool) -> None:
    assert same_words(text, other) is same
