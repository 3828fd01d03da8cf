"""The `hark` command as a user meets it: its words, its exit status, its signals."""

import logging
import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from hark.streaming.cli import main
from hark.streaming.serve import ScarceWarnings

SERVE = """
import sys
from hark.engine.config import EngineConfig
from hark.streaming.config import ServerConfig, Settings
from hark.streaming.serve import serve
from tests.fakes import FakeEngine
sys.exit(serve(Settings(ServerConfig(port=0), EngineConfig()), FakeEngine))
"""


LOADING = """
import atexit, sys, threading
from hark.engine.config import EngineConfig
from hark.streaming.config import ServerConfig, Settings
from hark.streaming.serve import serve
atexit.register(print, "the interpreter goes away beneath the thread that loads")
load_for_ever = lambda *_: threading.Event().wait()
sys.exit(serve(Settings(ServerConfig(port=0), EngineConfig()), load_for_ever))
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_server_that_loads_its_model_leaves_at_once(number: signal.Signals) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", LOADING], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert "loading" in process.stdout.readline()
        process.send_signal(number)
        rest, errors = process.communicate(timeout=60)
    assert (process.returncode, rest, errors) == (0, "Stopping the server.\n", "")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_serve_says_where_it_is_and_stops_in_order(number: signal.Signals) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", SERVE],
        cwd=Path(__file__).parents[2],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        banner = ""
        while "Ready" not in banner:
            line = process.stdout.readline()
            assert line, process.communicate()[1]
            banner += line
        page = re.search(r"http://127\.0\.0\.1:\d+/", banner)
        assert page is not None
        assert httpx.get(page[0] + "readyz", trust_env=False).json()["model"] == "fake"
        process.send_signal(number)
        rest, errors = process.communicate()
    assert process.returncode == 0
    assert rest == "Stopping the server.\n"
    assert "Traceback" not in errors
    assert "fake on none, up to 4 streams" in banner
    assert re.search(r"ws://127\.0\.0\.1:\d+/v1/stream", banner)


CRASHING = """
import sys, threading
from hark.engine.config import EngineConfig
from hark.streaming.config import ServerConfig, Settings
from hark.streaming.serve import serve
from tests.fakes import FakeEngine
def start(publish, on_crash):
    engine = FakeEngine(publish, on_crash)
    threading.Timer(0.5, engine.crash, [RuntimeError("out of memory")]).start()
    return engine
sys.exit(serve(Settings(ServerConfig(port=0), EngineConfig()), start))
"""


def test_a_server_whose_engine_has_died_does_not_end_well() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", CRASHING],
        cwd=Path(__file__).parents[2],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        line = process.stderr.readline()
        assert "the engine stopped: out of memory" in line
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "RuntimeError: out of memory" in errors


@pytest.mark.parametrize(("keys", "warns"), [("", True), ("one", False)])
def test_a_client_s_key_is_not_taken_for_a_server_s(
    keys: str, warns: bool, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("HARK_API_KEY", "one")
    main(["serve", "--model", "/nowhere", "--port", "0", "--api-keys", keys])
    assert any("every client is let in" in line for line in caplog.messages) is warns


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["serve", "--port", "x"], "hark: port (from --port) is 'x', allowed is a whole number"),
        (["serve", "--model", "/nowhere", "--port", "0"], "/nowhere"),
    ],
)
def test_errors_are_one_line(
    arguments: list[str],
    words: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 2
    errors = capsys.readouterr().err.splitlines()
    assert errors[-1].startswith("hark: ")
    assert words in errors[-1]
    assert not any("Traceback" in line for line in errors)


def test_a_port_in_use_is_said_so(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert main(["serve", "--port", str(port)]) == 2
    assert capsys.readouterr().err == (
        f"hark: cannot listen on 127.0.0.1 port {port}: Address already in use; "
        "choose another with --port\n"
    )


@pytest.mark.parametrize("arguments", [[], ["listen"], ["serve", "--prot", "1"]])
def test_wrong_usage_exits_2_and_shows_the_usage(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert "usage: hark" in capsys.readouterr().err


def test_it_says_its_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["--version"])
    assert caught.value.code == 0
    assert re.fullmatch(r"hark \d+\.\d+\.\d+\n", capsys.readouterr().out)


@pytest.mark.parametrize("command", ["serve", "file", "mic", "demo"])
def test_every_command_has_help(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main([command, "--help"])
    assert caught.value.code == 0
    assert f"usage: hark {command}" in capsys.readouterr().out


def test_help_and_serve_need_no_client_and_no_torch() -> None:
    script = (
        "import sys\n"
        "from hark.streaming.cli import main\n"
        "try: main(['serve', '--help'])\n"
        "except SystemExit: pass\n"
        "sys.exit(any(name in sys.modules for name in ('torch', 'av', 'hark.clients')))\n"
    )
    subprocess.run(
        [sys.executable, "-c", script], check=True, stdout=subprocess.DEVNULL, env=os.environ
    )


def test_a_want_of_file_descriptors_does_not_fill_the_log() -> None:
    scarce = ScarceWarnings()

    def said(message: str, at: float) -> bool:
        record = logging.makeLogRecord({"msg": message, "created": at})
        return scarce.filter(record)

    out = "socket.accept() out of system resource"
    times = (100.0, 100.1, 105.0, 110.0, 111.0)
    assert [said(out, at) for at in times] == [True, False, False, True, False]
    assert said("something else", 111.0)
