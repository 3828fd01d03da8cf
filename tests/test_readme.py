"""What the README shows works as it stands there."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from hark.clients.samples import Sample, find_sample
from hark.clients.server_process import ServerProcess
from hark.streaming.config import read_settings

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text("utf-8")


def block(kind: str) -> str:
    [text] = re.findall(rf"```{kind}\n(.*?)```", README, re.DOTALL)
    return text


def test_the_settings_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "hark.toml").write_text(block("toml"), "utf-8")
    monkeypatch.chdir(tmp_path)
    settings = read_settings({}, {})
    assert settings.engine.model == "Qwen/Qwen3-ASR-0.6B"
    assert settings.server.host == "0.0.0.0"


def test_the_program_shows_captions(real_server: ServerProcess, samples: list[Sample]) -> None:
    program = block("python").replace("ws://127.0.0.1:8765", real_server.url)
    program = program.replace("lecture.wav", "alarm.wav")
    ran = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert ran.returncode == 0, ran.stderr
    assert "Partial(" in ran.stdout
    assert find_sample(samples, "alarm").text in ran.stdout


def test_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\((?!http)([^)#]+)\)", README):
        assert (ROOT / target).exists(), target
