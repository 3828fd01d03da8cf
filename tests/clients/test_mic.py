"""`hark mic`: device choice and explanations, and the whole thing on a virtual microphone."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from hark.clients.microphone import InputDevice, MicrophoneError, find_device
from hark.clients.samples import Sample, same_words
from hark.clients.server_process import ServerProcess
from hark.streaming.cli import main

from ..needs import missing, require_program

BUILT_IN = InputDevice(0, "Built-in Microphone", 2, 44_100, is_default=False)
HEADSET = InputDevice(3, "USB Headset", 1, 48_000, is_default=True)
CAMERA = InputDevice(4, "USB Headset Camera", 1, 48_000, is_default=False)
DEVICES = [BUILT_IN, HEADSET, CAMERA]
HARK = [sys.executable, "-c", "import sys; from hark.streaming.cli import main; sys.exit(main())"]


@pytest.mark.parametrize(
    ("wanted", "found"),
    [(None, HEADSET), ("0", BUILT_IN), ("built", BUILT_IN), ("USB Headset", HEADSET)],
)
def test_a_device_by_index_or_name(wanted: str | None, found: InputDevice) -> None:
    assert find_device(DEVICES, wanted) == found


@pytest.mark.parametrize(
    ("wanted", "fault"),
    [("usb", "fits several devices: 3 .*, 4 "), ("1", "is no input device: 0 "), ("x", "is no")],
)
def test_a_device_that_is_not_clear_names_the_choices(wanted: str, fault: str) -> None:
    with pytest.raises(MicrophoneError, match=fault):
        find_device(DEVICES, wanted)


def test_no_device_at_all() -> None:
    with pytest.raises(MicrophoneError, match="no microphone was found"):
        find_device([], None)


def test_without_the_package_the_install_line_is_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    assert main(["mic"]) == 1
    assert "pip install sounddevice (the extra [mic])" in capsys.readouterr().err


# --- on a virtual microphone ---------------------------------------------------------------------


class VirtualMicrophone:
    """A PulseAudio of our own whose microphone hears what is played on its speaker."""

    def __init__(self, folder: Path) -> None:
        self._socket = folder / "native"
        self._folder = folder
        self.environment = {
            **os.environ,
            "HOME": str(folder),
            "XDG_RUNTIME_DIR": str(folder),
            "PULSE_SERVER": f"unix:{self._socket}",
        }
        (folder / ".asoundrc").write_text("pcm.!default { type pulse }\n")

    async def start(self, resources: AsyncExitStack) -> None:
        server = await asyncio.create_subprocess_exec(
            *("pulseaudio", "-n", "--daemonize=no", "--exit-idle-time=-1", "--use-pid-file=no"),
            f"--load=module-native-protocol-unix socket={self._socket} auth-anonymous=1",
            "--load=module-null-sink sink_name=speaker rate=48000",
            "--load=module-remap-source master=speaker.monitor source_name=microphone",
            "--load=module-suspend-on-idle timeout=3600",
            env=self.environment,
            stderr=asyncio.subprocess.DEVNULL,
        )
        resources.push_async_callback(server.wait)
        resources.callback(server.terminate)
        async with asyncio.timeout(20):
            # A server that is not up yet has no other sign than its refusal.
            while await self._run("pactl", "set-default-source", "microphone"):  # noqa: ASYNC110
                await asyncio.sleep(0.1)

    async def play(self, path: Path) -> None:
        assert await self._run("paplay", "--device=speaker", str(path)) == 0

    async def _run(self, *command: str) -> int:
        process = await asyncio.create_subprocess_exec(
            *command, env=self.environment, stderr=asyncio.subprocess.DEVNULL
        )
        return await process.wait()


@pytest.fixture
async def microphone(tmp_path: Path) -> AsyncIterator[VirtualMicrophone]:
    packages = "apt-get install pulseaudio pulseaudio-utils libportaudio2 libasound2-plugins"
    for program in ("pulseaudio", "pactl", "paplay"):
        require_program(program, packages)
    try:
        __import__("sounddevice")
    except OSError:
        missing(f"needs PortAudio: {packages}")
    virtual = VirtualMicrophone(tmp_path)
    async with AsyncExitStack() as resources:
        await virtual.start(resources)
        yield virtual


async def test_what_is_spoken_is_captioned(
    microphone: VirtualMicrophone, real_server: ServerProcess, samples: list[Sample]
) -> None:
    mic = await asyncio.create_subprocess_exec(
        *HARK,
        *("mic", "--url", real_server.url, "--device", "default"),
        env=microphone.environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert mic.stdout is not None and mic.stderr is not None
    assert b"Listening" in await mic.stdout.readline()
    await microphone.play(samples[0].path)
    mic.send_signal(signal.SIGINT)
    output, errors = await mic.communicate()
    assert mic.returncode == 0, errors.decode()
    finals = [line[7:] for line in output.decode().splitlines() if line.startswith("00:")]
    assert same_words(" ".join(finals), samples[0].text), output.decode()


async def test_without_a_server_the_way_to_one_is_said(
    microphone: VirtualMicrophone, unused_tcp_port: int
) -> None:
    mic = await asyncio.create_subprocess_exec(
        *HARK,
        *("mic", "--url", f"127.0.0.1:{unused_tcp_port}"),
        env=microphone.environment,
        stderr=asyncio.subprocess.PIPE,
    )
    _, errors = await mic.communicate()
    assert mic.returncode == 1
    assert b"Connection refused" in errors and b"hark serve" in errors
    assert b"Traceback" not in errors


async def test_the_devices_are_listed(microphone: VirtualMicrophone) -> None:
    mic = await asyncio.create_subprocess_exec(
        *HARK,
        *("mic", "--list-devices"),
        env=microphone.environment,
        stdout=asyncio.subprocess.PIPE,
    )
    output, _ = await mic.communicate()
    assert mic.returncode == 0
    assert any(b"default" in line and b"Hz" in line for line in output.splitlines())
