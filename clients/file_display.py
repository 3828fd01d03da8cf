"""What the terminal shows while a recording is heard: captions or a progress bar."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from hark.engine.audio.files import AudioFile
from hark.engine.types import SAMPLE_RATE

from .recognise import OnEvent
from .screen import CaptionScreen


class Heard(Iterator[np.ndarray]):
    """The blocks of a file, telling how many seconds have been taken."""

    def __init__(self, blocks: Iterator[np.ndarray], progress: Callable[[float], None]) -> None:
        self._blocks = blocks
        self._progress = progress
        self._num_samples = 0

    def skip(self, num_samples: int) -> None:
        """Take the first samples unheard."""
        for block in self._blocks:
            self._num_samples += len(block)
            self._progress(self.duration_s)
            if self._num_samples >= num_samples:
                rest = block[len(block) - (self._num_samples - num_samples) :]
                self._num_samples = num_samples
                self._blocks = chain([rest] if len(rest) else [], self._blocks)
                return

    @property
    def duration_s(self) -> float:
        return self._num_samples / SAMPLE_RATE

    def __next__(self) -> np.ndarray:
        block = next(self._blocks)
        self._num_samples += len(block)
        self._progress(self.duration_s)
        return block


@dataclass(frozen=True, slots=True)
class Display:
    """What to call with the seconds taken so far, and with each event."""

    progress: Callable[[float], None] = lambda seconds: None
    show: OnEvent = lambda event: None


@contextmanager
def display(audio: AudioFile, console: Console, realtime: bool) -> Iterator[Display]:
    """Growing captions in real time, else a progress bar on a terminal, else nothing."""
    if realtime:
        with CaptionScreen(console) as screen:
            yield Display(show=screen.show)
    elif console.is_terminal:
        with _progress_bar(console) as bar:
            task = bar.add_task(audio.path.name, total=audio.duration_s)
            yield Display(progress=lambda seconds: bar.update(task, completed=seconds))
    else:
        yield Display()


def _progress_bar(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.completed:.0f} s heard"),
        TimeRemainingColumn(),
        TextColumn("left"),
        console=console,
        transient=True,
    )
