"""The programs in docs/ print what was said; those that need an SDK are run by tests/sdks."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from hark.clients.samples import Sample, find_sample
from hark.clients.server_process import ServerProcess

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.rglob("*.md"))


def programs(page: Path) -> list[str]:
    return re.findall(r"```python\n(.*?)```", page.read_text("utf-8"), re.DOTALL)


def words(text: str) -> list[str]:
    return re.findall(r"\w+", text.lower())


@pytest.mark.parametrize("name", ["vllm", "vosk", "jitsi"])
def test_the_program_prints_what_was_said(
    name: str, real_server: ServerProcess, samples: list[Sample]
) -> None:
    [program] = programs(DOCS / "dialects" / f"{name}.md")
    program = program.replace("ws://127.0.0.1:8765", real_server.url)
    program = program.replace("lecture.wav", "alarm.wav")
    ran = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert ran.returncode == 0, ran.stderr
    last_line = ran.stdout.splitlines()[-1].removeprefix("ann: ")
    assert words(last_line) == words(find_sample(samples, "alarm").text)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_links_lead_somewhere(page: Path) -> None:
    text = page.read_text("utf-8")
    for target in re.findall(r"\]\((?!http)([^)#]+)", text):
        assert (page.parent / target).exists(), target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_recordings_are_there(page: Path) -> None:
    for recording in re.findall(r"clients/samples/\w+\.wav", page.read_text("utf-8")):
        assert (ROOT / recording).exists(), recording
