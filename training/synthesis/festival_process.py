"""A festival process that takes Scheme over a pipe and leaves its sound in a file in memory."""

from __future__ import annotations

import os
import selectors
import shutil
import subprocess
import tempfile
import time
import uuid
import wave
import weakref
from collections.abc import Callable
from pathlib import Path

import numpy as np

from training.synthesis.speech import MissingSynthesiserError, SynthesisError

_HELPERS = Path(__file__).with_name("festival.scm")
_TIMEOUT = 30.0
_UTTERANCES = 200
"""Utterances after which the process is replaced, for it keeps about a megabyte of each."""
_END = b"end of answer\n"


class FestivalProcess:
    """Started at the first command, and again after it died or hung."""

    def __init__(self) -> None:
        memory = Path("/dev/shm")  # noqa: S108 - the name below is not to be guessed
        folder = memory if memory.is_dir() else Path(tempfile.gettempdir())
        self.wave_path = folder / f"festival-{uuid.uuid4().hex}.wav"
        self._process: subprocess.Popen[bytes] | None = None
        self._end: Callable[[], None] = lambda: None
        self._prepared: set[str] = set()
        self._spoken = 0
        if shutil.which("festival") is None:
            raise MissingSynthesiserError(
                "there is no program festival; install it with: apt-get install festival"
            )

    def speak(self, command: str, prepare: str | None = None) -> tuple[list[str], np.ndarray, int]:
        """Run ``command``, which must save a wave: its output lines, the samples and their rate.

        ``prepare`` is run before it, once in the life of a process.
        """
        if self._spoken >= _UTTERANCES:
            self.close()
        self._running()
        if prepare is not None and prepare not in self._prepared:
            self._ask(prepare)
            self._prepared.add(prepare)
        self._spoken += 1
        lines = self._ask(command)
        if not self.wave_path.exists():
            raise SynthesisError(f"festival made no sound from {command[:200]!r}")
        with wave.open(str(self.wave_path)) as file:
            pcm = np.frombuffer(file.readframes(file.getnframes()), np.int16)
            rate = file.getframerate()
        self.wave_path.unlink()
        return lines, pcm.astype(np.float32) / 32768, rate

    def close(self) -> None:
        """End the process; the next command starts another one."""
        self._end()
        self.wave_path.unlink(missing_ok=True)
        self._process = None
        self._prepared.clear()
        self._spoken = 0

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is not None and self._process.poll() is None:
            return self._process
        self.close()
        self._process = subprocess.Popen(
            ["festival", "--pipe"],  # noqa: S607 - the one on the path
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        self._end = weakref.finalize(self, _stop, self._process)
        self._ask(f'(load "{_HELPERS}")')
        return self._process

    def _ask(self, command: str) -> list[str]:
        """What ``command`` prints. After an error festival still prints the end mark."""
        process = self._running()
        assert process.stdin is not None
        mark = f'(begin (format t "{_END.decode().strip()}\\n") (fflush nil))'
        try:
            process.stdin.write(f"{command}\n{mark}\n".encode("latin-1", "replace"))
            process.stdin.flush()
            answer = _read_until(process, _END)
        except OSError as error:
            self.close()
            raise SynthesisError(f"festival died or hung on {command[:200]!r}") from error
        return answer.decode("latin-1").splitlines()[:-1]


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.communicate()


def _read_until(process: subprocess.Popen[bytes], mark: bytes) -> bytes:
    """The process' output up to ``mark``; ``OSError`` when it ends or takes too long."""
    assert process.stdout is not None
    stop, answer = time.monotonic() + _TIMEOUT, b""
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while not answer.endswith(mark):
            if not selector.select(max(0.0, stop - time.monotonic())):
                raise TimeoutError
            block = os.read(process.stdout.fileno(), 1 << 16)
            if not block:
                raise BrokenPipeError
            answer += block
    return answer
