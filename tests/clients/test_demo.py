"""`hark demo` as a user runs it, in a process of its own, and what it compares."""

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from hark.clients.errors import UsageError
from hark.clients.samples import Sample, find_sample, load_samples, same_words
from hark.clients.server_process import ServerStartError, free_port, running_server
from hark.streaming.cli import main

HARK = [sys.executable, "-c", "import sys; from hark.streaming.cli import main; sys.exit(main())"]


def flags(model_folder: Path, samples: list[Sample]) -> list[str]:
    return ["--model", str(model_folder), "--samples", str(samples[0].path.parent)]


def test_once_shows_growing_captions_and_the_spoken_words(
    model_folder: Path, samples: list[Sample]
) -> None:
    demo = subprocess.run(
        [*HARK, "demo", "--once", *flags(model_folder, samples)],
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
    assert demo.returncode == 0, demo.stdout + demo.stderr
    lines = demo.stdout.splitlines()
    assert any("[" in line and "]" in line for line in lines), "no caption had unstable words"
    assert same_words(" ".join(line[7:] for line in lines if line[:3] == "00:"), samples[0].text)
    assert "These are the words that were spoken." in demo.stdout


def test_wrong_words_are_a_failure(
    model_folder: Path, samples: list[Sample], tmp_path: Path
) -> None:
    entry = {"file": str(samples[0].path), "text": "Nobody said this.", "language": "English"}
    (tmp_path / "samples.json").write_text(json.dumps([{**entry, "voice": "somebody"}]))
    demo = subprocess.run(
        [*HARK, "demo", "--once", "--model", str(model_folder), "--samples", str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
    assert demo.returncode == 1
    assert "These are not the words that were spoken." in demo.stdout


def test_the_server_stays_up_until_ctrl_c(model_folder: Path, samples: list[Sample]) -> None:
    port = free_port()
    command = [*HARK, "demo", "--port", str(port), *flags(model_folder, samples)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as demo:
        assert demo.stdout is not None
        assert any(f"http://127.0.0.1:{port}/" in line for line in demo.stdout)
        socket.create_connection(("127.0.0.1", port)).close()
        os.kill(demo.pid, signal.SIGINT)
        assert demo.wait(timeout=30) == 0
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port))


def test_a_server_that_cannot_start_is_explained() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ServerStartError, match=rf"port {port}: Address already in use"):
            with running_server(port):
                pass
    with pytest.raises(ServerStartError, match="/no/such/model"):
        with running_server(free_port(), ["--model", "/no/such/model"]):
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
