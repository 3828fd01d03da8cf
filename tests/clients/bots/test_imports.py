"""What the client library needs of the environment it is used in."""

import subprocess
import sys

import pytest

# What a framework's environment may lack: everything that only Hark's server or commands need.
ABSENT = ("torch", "av", "soxr", "rich", "starlette", "uvicorn", "tokenizers", "livekit", "pipecat")


def run(program: str) -> subprocess.CompletedProcess[str]:
    hidden = f"import sys; sys.modules.update(dict.fromkeys({ABSENT!r}))\n"
    return subprocess.run(
        [sys.executable, "-c", hidden + program], capture_output=True, text=True, timeout=60
    )


def test_the_sdk_needs_nothing_of_the_server() -> None:
    ran = run("import hark.clients, hark.clients.bots.lasting, hark.streaming.events")
    assert ran.returncode == 0, ran.stderr


@pytest.mark.parametrize(
    ("module", "package"), [("livekit_stt", "livekit-agents"), ("pipecat_stt", "pipecat-ai")]
)
def test_a_missing_framework_is_said(module: str, package: str) -> None:
    ran = run(f"import hark.clients.bots.{module}")
    assert ran.returncode == 1
    assert ran.stderr.splitlines()[-1] == (
        f"ImportError: hark.clients.bots.{module} needs "
        f"{'LiveKit Agents' if module == 'livekit_stt' else 'Pipecat'}: pip install {package}"
    )
