"""Microphones through PortAudio: which there are, and their samples; knows no server, no screen.

`sounddevice` is an extra and is imported when it is needed, so that its absence can be explained.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from types import ModuleType, TracebackType
from typing import Any, Self

import numpy as np

from .captions import METER_FLOOR_DB

BLOCK_S = 0.04
MAX_WAITING_S = 10.0
MAX_SAMPLE_RATE = 48_000


class MicrophoneError(Exception):
    """No microphone can be used; the message says what is missing and how to get it."""


@dataclass(frozen=True, slots=True)
class InputDevice:
    """A device that can record, as PortAudio names it. `sample_rate` in Hz."""

    index: int
    name: str
    channels: int
    sample_rate: int
    is_default: bool


def list_devices() -> list[InputDevice]:
    """All devices that can record.

    Raises:
        MicrophoneError: sounddevice or PortAudio is not installed.
    """
    sounddevice = _import_sounddevice()
    default = sounddevice.default.device[0]
    return [
        InputDevice(
            index=index,
            name=info["name"],
            channels=info["max_input_channels"],
            sample_rate=min(MAX_SAMPLE_RATE, round(info["default_samplerate"])),
            is_default=index == default,
        )
        for index, info in enumerate(sounddevice.query_devices())
        if info["max_input_channels"] > 0
    ]


def find_device(devices: Sequence[InputDevice], wanted: str | None) -> InputDevice:
    """The device with this index, this name or this part of a name; None takes the default.

    Raises:
        MicrophoneError: there is none, or the part fits several.
    """
    if not devices:
        raise MicrophoneError("no microphone was found; plug one in, or check the sound settings")
    if wanted is None:
        return next((device for device in devices if device.is_default), devices[0])
    if wanted.isdecimal():
        fitting = [device for device in devices if device.index == int(wanted)]
    else:
        exact = [device for device in devices if device.name == wanted]
        part = [device for device in devices if wanted.lower() in device.name.lower()]
        fitting = exact or part
    if len(fitting) == 1:
        return fitting[0]
    fault = "fits several devices" if fitting else "is no input device"
    names = ", ".join(f"{device.index} {device.name!r}" for device in fitting or devices)
    raise MicrophoneError(f"{wanted!r} {fault}: {names}")


class Capture:
    """A microphone's blocks, float32 [n] mono in -1..1, at the device's own rate.

    At most 10 s wait to be taken; what comes on top is dropped and counted in `dropped_s`.
    `recorded_s` counts all seconds, `level_db` is the newest block's power in dBFS.
    """

    def __init__(self, device: InputDevice) -> None:
        self.device = device
        self.level_db = METER_FLOOR_DB
        self.recorded_s = 0.0
        self.dropped_s = 0.0
        self._waiting: asyncio.Queue[np.ndarray | None] = asyncio.Queue()
        self._max_waiting = round(MAX_WAITING_S / BLOCK_S)
        self._loop = asyncio.get_running_loop()
        self.stopping = False
        self._stream = self._open()

    async def __aenter__(self) -> Self:
        self._stream.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
        self._stream.close()

    def stop(self) -> None:
        """Stop recording; `blocks` ends after what has been recorded."""
        if not self.stopping:
            self.stopping = True
            self._stream.abort()

    async def blocks(self) -> AsyncIterator[np.ndarray]:
        """What the microphone hears until `stop`.

        Raises:
            MicrophoneError: the device went away.
        """
        while (block := await self._waiting.get()) is not None:
            yield block
        if not self.stopping:
            raise MicrophoneError(f"{self.device.name} was disconnected")

    def _open(self) -> Any:
        sounddevice = _import_sounddevice()

        def on_block(data: np.ndarray, frames: int, time: object, status: object) -> None:
            # PortAudio's thread, and its buffer: copy and hand over.
            mono = data.mean(axis=1, dtype=np.float32)
            self._loop.call_soon_threadsafe(self._take, mono)

        def on_finished() -> None:
            self._loop.call_soon_threadsafe(self._take, None)

        try:
            return sounddevice.InputStream(
                device=self.device.index,
                channels=min(2, self.device.channels),
                samplerate=self.device.sample_rate,
                blocksize=round(BLOCK_S * self.device.sample_rate),
                dtype="float32",
                callback=on_block,
                finished_callback=on_finished,
            )
        except sounddevice.PortAudioError as error:
            raise MicrophoneError(f"cannot record from {self.device.name}: {error}") from None

    def _take(self, block: np.ndarray | None) -> None:
        if block is None:
            self._waiting.put_nowait(None)
            return
        power = float(np.mean(np.square(block)))
        self.level_db = max(METER_FLOOR_DB, 10 * float(np.log10(power + 1e-12)))
        block_s = len(block) / self.device.sample_rate
        self.recorded_s += block_s
        if self._waiting.qsize() < self._max_waiting:
            self._waiting.put_nowait(block)
        else:
            self.dropped_s += block_s


def _import_sounddevice() -> ModuleType:
    try:
        import sounddevice
    except ModuleNotFoundError:
        raise MicrophoneError(
            "the microphone needs the package sounddevice: "
            "pip install sounddevice (the extra [mic])"
        ) from None
    except OSError:
        raise MicrophoneError(
            "the microphone needs the PortAudio library: apt-get install libportaudio2, "
            "dnf install portaudio, or brew install portaudio"
        ) from None
    return sounddevice
